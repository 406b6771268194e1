"""Metadata in fastai's loaders: encoded, in order, shown; and fastai's verbs with two inputs."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import tiny_task
from matplotlib import pyplot as plt

from fastmed.data.items import read_items
from fastmed.data.metadata import MetadataEncoder
from fastmed.data.tables import part
from fastmed.errors import DataError, TaskError
from fastmed.learn.input.loaders import dataloaders, loader_of
from fastmed.learn.input.meta_block import TensorMetadata, encoder_of
from fastmed.learn.input.statistics import Statistics, measure
from fastmed.learn.learner import learner
from fastmed.task import Task

META = ("age", "sex")
HALF = Statistics((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
TASKS = {
    "category": {},
    "grade": {"goal": "grade", "balance": {"method": "none"}, "train__select": "mae"},
    "metadata alone": {"train__arch": "metadata"},
    "one channel": {"image__channels": 1},
}


def task_of(name: str, **changes: object) -> Task:
    return tiny_task("pneumonia", meta=META, **TASKS[name], **changes)


@pytest.fixture(scope="module")
def items(phantoms: dict[str, Path]) -> pd.DataFrame:
    return read_items(task_of("category"), phantoms["pneumonia"])


@pytest.mark.parametrize("cache", [True, False])
def test_batches_hold_the_metadata_of_their_images(cache: bool, items: pd.DataFrame) -> None:
    """With the images from the cache, and one by one."""
    task = task_of("category", augment={"rotate": 10, "light": 0.2})
    statistics = measure(task, items)
    shuffled = items.sample(frac=1, random_state=1)
    shuffled.attrs = items.attrs
    batches = list(loader_of(task, shuffled, statistics, device="cpu", workers=0, cache=cache))
    assert {len(batch) for batch in batches} == {2}
    assert all(isinstance(batch[1], TensorMetadata) for batch in batches)
    encoder = MetadataEncoder.fit(part(items, "train"), META)
    seen = np.concatenate([batch[1].numpy() for batch in batches])
    np.testing.assert_array_equal(seen, encoder.encode(shuffled))
    dls = dataloaders(task, items, statistics, device="cpu", workers=0, cache=cache)
    valid = torch.cat([batch[1] for batch in dls.valid]).numpy()
    np.testing.assert_array_equal(valid, encoder.encode(part(items, "valid")))
    targets = torch.cat([batch[2] for batch in dls.valid]).tolist()
    assert targets == [task.classes.index(target) for target in part(items, "valid")["target"]]


def test_loader_processes_change_nothing(items: pd.DataFrame) -> None:
    task = task_of("category")
    loader = loader_of(task, items, measure(task, items), device="cpu", workers=2, cache=False)
    encoder = MetadataEncoder.fit(part(items, "train"), META)
    seen = np.concatenate([batch[1].numpy() for batch in loader])
    np.testing.assert_array_equal(seen, encoder.encode(items))


def test_the_coding_is_fitted_on_the_training_part(items: pd.DataFrame) -> None:
    task = task_of("category")
    expected = MetadataEncoder.fit(part(items, "train"), META)
    assert measure(task, items).metadata == expected
    assert encoder_of(dataloaders(task, items, HALF, device="cpu", workers=0)) == expected
    assert expected != MetadataEncoder.fit(items, META)
    with pytest.raises(TaskError, match="don't code the task's metadata; take those of `measure`"):
        loader_of(task, items, HALF, device="cpu", workers=0)


def test_metadata_that_no_training_image_has_is_refused(items: pd.DataFrame) -> None:
    empty = items.assign(meta_age=items["meta_age"].where(items["split"] != "train"))
    with pytest.raises(DataError, match=r"meta = 'age': no training image has it"):
        measure(task_of("category"), empty)


@pytest.mark.parametrize("name", TASKS)
def test_fastais_own_verbs_work(
    name: str, items: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    task = task_of(name)
    learn = learner(task, dataloaders(task, items, device="cpu", workers=0))
    learn.remove_cb(learn.progress)
    learn.logger = lambda row: None
    before = [p.detach().clone() for p in learn.model.parameters()]
    assert 0 < learn.lr_find(num_it=8, show_plot=False).valley < 10
    pairs = zip(before, learn.model.parameters(), strict=True)
    assert all(torch.equal(old, new) for old, new in pairs)
    learn.fine_tune(1, 1e-3)
    assert all(np.isfinite(learn.recorder.values[-1]))
    assert "LayerNorm" in str(learn.summary())
    outputs, targets = learn.get_preds()
    assert len(outputs) == len(targets) == (items["split"] == "valid").sum()
    image = part(items, "valid")["image"].iloc[0]
    learn.predict(Path(items.attrs["root"]) / image)


@pytest.mark.parametrize("name", ["category", "grade", "one channel"])
def test_show_batch_and_results_say_the_metadata_of_each_image(
    name: str, items: pd.DataFrame
) -> None:
    task = task_of(name)
    learn = learner(task, dataloaders(task, items, device="cpu", workers=0))
    learn.remove_cb(learn.progress)
    said = {f"age {row.meta_age:g}, sex {row.meta_sex}" for row in items.itertuples()}
    titles = []
    for show in (learn.dls.show_batch, learn.show_results):
        show(max_n=4)
        axes = plt.gcf().axes
        assert len(axes) == 4
        assert all(len(one.images) == 1 for one in axes)
        assert {one.texts[0].get_text() for one in axes} <= said
        titles.append([one.get_title().split("\n") for one in axes])
        plt.close("all")
    assert {len(title) for title in titles[0]} == {1}
    assert {len(title) for title in titles[1]} == {2}


def test_of_anything_but_items_nothing_is_known(items: pd.DataFrame) -> None:
    task = task_of("category")
    learn = learner(task, dataloaders(task, items, device="cpu", workers=0))
    learn.remove_cb(learn.progress)
    torch.nn.init.normal_(learn.model.join.weight)
    row = part(items, "valid").iloc[0]
    unknown = row.drop(["meta_age", "meta_sex"])
    scores = [learn.predict(given)[2] for given in (row, unknown, row["image"])]
    assert torch.equal(scores[1], scores[2]) or row["image"] == ""
    assert not torch.equal(scores[0], scores[1])
