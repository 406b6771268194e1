from collections import Counter

import numpy as np
import pandas as pd
import pytest
from conftest import tiny_task
from fastai.data.core import DataLoaders

from fastmed.data.balance import draw_weights
from fastmed.data.items import read_items
from fastmed.data.tables import part
from fastmed.learn.input.loaders import dataloaders

RARE = {"COVID": 2}  # training images of it; of "healthy" and "other" there are more


def unbalanced(phantoms: dict, **changes: object) -> tuple[DataLoaders, pd.DataFrame]:
    task = tiny_task("lungs", balance={"method": "sampler"}, train__batch=4, **changes)
    items = read_items(task, phantoms["lungs"])
    covid = items[(items["split"] == "train") & (items["target"] == "COVID")]
    items = items.drop(covid.index[RARE["COVID"] :])
    return dataloaders(task, items, device="cpu", workers=0), items


def drawn(dls: DataLoaders, epochs: int) -> list[list[int]]:
    return [dls.train.get_idxs() for _ in range(epochs) if dls.train.randomize() is None]


@pytest.mark.parametrize("name", ["lungs"])
def test_every_class_is_drawn_as_often_and_an_epoch_keeps_its_length(
    name: str, phantoms: dict
) -> None:
    dls, items = unbalanced(phantoms)
    epochs = drawn(dls, 200)
    targets = dls.train.items["target"].tolist()
    assert {len(epoch) for epoch in epochs} == {len(targets)} == {len(part(items, "train"))}
    counts = Counter(targets[place] for epoch in epochs for place in epoch)
    shares = np.array(list(counts.values())) / sum(counts.values())
    # 200 epochs of about 23 draws: three standard deviations of a share of a third are 0.021.
    np.testing.assert_allclose(shares, 1 / 3, atol=0.021)
    assert max(Counter(epochs[0]).values()) > 1
    assert epochs[0] != epochs[1]


def test_the_draw_follows_the_loaders_own_randomness(phantoms: dict) -> None:
    one, other = unbalanced(phantoms)[0], unbalanced(phantoms)[0]
    for dls in (one, other):
        dls.train.rng.seed(7)
    assert drawn(one, 3) == drawn(other, 3)


def test_batches_hold_the_images_that_were_drawn(phantoms: dict) -> None:
    dls, _ = unbalanced(phantoms)
    targets = [int(target) for batch in dls.train for target in batch[1]]
    assert len(targets) == len(dls.train.items) // 4 * 4
    assert targets.count(1) > RARE["COVID"]


def test_the_validation_part_is_not_drawn(phantoms: dict) -> None:
    dls, items = unbalanced(phantoms)
    assert list(dls.valid.get_idxs()) == list(range(len(part(items, "valid"))))
    assert list(dls.test_dl(items.head(5)).get_idxs()) == list(range(5))


def test_grades_are_drawn_likewise(phantoms: dict) -> None:
    task = tiny_task("retinopathy", balance={"method": "sampler"})
    dls = dataloaders(task, read_items(task, phantoms["retinopathy"]), device="cpu", workers=0)
    chances = pd.Series(dls.train.chances).groupby(dls.train.items["target"].to_numpy()).sum()
    np.testing.assert_allclose(chances, 1)


def test_chances_by_hand() -> None:
    found = draw_weights(pd.Series(["a", "b", "a", "a", "b", "c"]))
    np.testing.assert_allclose(found, [1 / 3, 1 / 2, 1 / 3, 1 / 3, 1 / 2, 1])
