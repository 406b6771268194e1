import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import timm
import torch
from conftest import tiny_task
from fastai.data.core import DataLoaders
from matplotlib import pyplot as plt
from PIL import Image

from fastmed.data.items import read_items
from fastmed.data.operations.transform import prepare
from fastmed.data.pixels.image import open_item
from fastmed.data.store.inspection import places_of
from fastmed.data.tables import part, root_of
from fastmed.errors import DataError, TaskError, TrainingError
from fastmed.learn.input.loaders import choose_device, dataloaders, default_workers, loader_of
from fastmed.learn.input.statistics import Statistics, measure
from fastmed.task import Task

HALF = Statistics((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
GOALS = ("pneumonia", "retinopathy")


def loaders(task: Task, items: pd.DataFrame, **options: object) -> DataLoaders:
    return dataloaders(task, items, HALF, **{"device": "cpu", "workers": 0, **options})


def expected(task: Task, items: pd.DataFrame) -> np.ndarray:
    """Return what the network should see, by NumPy: (n, 3, size, size) from -1 to 1."""
    opened = [open_item(*place, task.image) for place in places_of(items, root_of(items))]
    pictures = [np.atleast_3d(prepare(one.pixels, task.image)) for one in opened]
    pictures = [np.broadcast_to(one, (*one.shape[:2], 3)) for one in pictures]
    return np.stack(pictures).transpose(0, 3, 1, 2) / 127.5 - 1


def images_of(loader: object) -> np.ndarray:
    return np.concatenate([batch[0].numpy() for batch in loader])


@pytest.mark.parametrize("name", ["histology", "pneumonia", "retinopathy"])
def test_batches_hold_the_images_in_the_items_order(name: str, phantoms: dict) -> None:
    task = tiny_task(name)
    items = read_items(task, phantoms[name]).sample(frac=1, random_state=1)
    items.attrs["root"] = str(phantoms[name])
    seen = images_of(loader_of(task, items, HALF, device="cpu", workers=0))
    np.testing.assert_allclose(seen, expected(task, items), atol=1e-5)


@pytest.mark.parametrize("name", GOALS)
def test_labels_are_the_right_classes(name: str, phantoms: dict) -> None:
    task = tiny_task(name)
    items = read_items(task, phantoms[name])
    valid = part(items, "valid")
    targets = torch.cat([batch[1] for batch in loaders(task, items).valid]).tolist()
    assert targets == [task.classes.index(target) for target in valid["target"]]
    assert len(set(targets)) > 1


def test_vocabulary_is_the_tasks_classes_in_their_order(phantoms: dict) -> None:
    task = tiny_task("pneumonia")
    assert list(task.classes) != sorted(task.classes)
    dls = loaders(task, read_items(task, phantoms["pneumonia"]))
    assert tuple(dls.vocab) == task.classes
    batch = dls.valid.one_batch()
    decoded = dls.valid.decode_batch(batch)
    assert [name for _, name in decoded] == [task.classes[target] for target in batch[1].tolist()]


@pytest.mark.parametrize("name", GOALS)
def test_show_batch_shows_images_with_their_labels(name: str, phantoms: dict) -> None:
    task = tiny_task(name)
    dls = loaders(task, read_items(task, phantoms[name]))
    dls.show_batch(max_n=4)
    titles = [axes.get_title() for axes in plt.gcf().axes]
    plt.close("all")
    names = task.classes if name == "pneumonia" else [f"{float(k)}" for k in range(5)]
    assert len(titles) == 4
    assert set(titles) <= set(names)


def test_copies_are_used_as_often_as_the_items_say(phantoms: dict) -> None:
    task = tiny_task(
        "retinopathy", balance__method="per_class", balance__count=14, balance__repeat=True
    )
    items = read_items(task, phantoms["retinopathy"])
    dls = loaders(task, items)
    train = part(items, "train")
    assert train["copies"].max() > 1
    assert dls.train.n == train["copies"].sum() == 14 * 5
    used = dls.train.items["item"].value_counts()
    assert used.to_dict() == train.set_index("item")["copies"].to_dict()
    assert dls.valid.n == (items["split"] == "valid").sum()


def test_validation_images_are_never_augmented(phantoms: dict) -> None:
    task = tiny_task(
        "lungs", augment={"flip_horizontal": 1.0, "rotate": 90, "zoom": 2.0, "light": 0.9}
    )
    items = read_items(task, phantoms["lungs"])
    dls = loaders(task, items)
    plain = images_of(loaders(tiny_task("lungs"), items).valid)
    for _ in range(2):
        np.testing.assert_array_equal(images_of(dls.valid), plain)
    assert np.abs(images_of(dls.train)[0] - expected(task, dls.train.items)[0]).max() > 0.1


def test_new_images_need_no_label_and_are_never_augmented(phantoms: dict) -> None:
    task = tiny_task("lungs", augment={"flip_horizontal": 1.0})
    items = read_items(task, phantoms["lungs"]).assign(target="", split="").head(5)
    items.attrs["root"] = str(phantoms["lungs"])
    batches = list(loader_of(task, items, HALF, device="cpu", workers=0))
    assert [len(batch) for batch in batches] == [1]
    np.testing.assert_allclose(batches[0][0].numpy(), expected(task, items), atol=1e-5)


@pytest.mark.parametrize("workers", [0, 2])
def test_loader_processes_change_nothing(workers: int, phantoms: dict) -> None:
    task = tiny_task("histology")
    items = read_items(task, phantoms["histology"])
    seen = images_of(loader_of(task, items, HALF, device="cpu", workers=workers))
    np.testing.assert_allclose(seen, expected(task, items), atol=1e-5)


def test_a_batch_larger_than_the_data_is_all_of_it(phantoms: dict) -> None:
    task = tiny_task("lungs", train__batch=500)
    items = read_items(task, phantoms["lungs"])
    dls = loaders(task, items)
    images = int((items["split"] == "train").sum())
    assert [len(batch[0]) for batch in dls.train] == [images]


def test_parts_that_are_too_small_are_one_sentence(phantoms: dict) -> None:
    task = tiny_task("lungs")
    items = read_items(task, phantoms["lungs"])
    without = items[items["split"] != "valid"]
    with pytest.raises(DataError, match=r"validation part is empty.*--set split.valid=0.2"):
        loaders(task, without)
    with pytest.raises(DataError, match="0 training images; at least 2 are needed"):
        loaders(task, part(items, "valid"))
    with pytest.raises(TaskError, match=r"train.batch = 1 does not work"):
        loaders(tiny_task("lungs", train__batch=1), items)


def test_an_image_that_vanished_is_named(phantoms: dict, tmp_path: Path) -> None:
    task = tiny_task("lungs")
    items = read_items(task, phantoms["lungs"])
    items.attrs["root"] = str(tmp_path)
    with pytest.raises(DataError, match="there is no such file"):
        images_of(loader_of(task, items, HALF, device="cpu", workers=0))


def test_statistics_of_the_data_are_the_training_parts_by_hand(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for number in range(12):
        folder = tmp_path / "train" / ("false", "true")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = generator.integers(0, 256, (32, 32, 3), dtype=np.uint8)
        pixels[..., 2] //= 4
        Image.fromarray(pixels).save(folder / f"{number}.png")
    task = tiny_task("cardiomegaly", image__normalize="data")
    items = read_items(task, tmp_path)
    train = part(items, "train")
    pixels = np.stack([np.asarray(Image.open(tmp_path / image)) for image in train["image"]]) / 255
    found = measure(task, items)
    assert len(train) < len(items)
    assert found.mean == pytest.approx(pixels.mean((0, 1, 2)), abs=1e-6)
    assert found.std == pytest.approx(pixels.std((0, 1, 2)), abs=1e-6)
    seen = images_of(loader_of(task, train, found, device="cpu", workers=0))
    assert seen.mean((0, 2, 3)) == pytest.approx(0, abs=1e-4)
    assert seen.std((0, 2, 3)) == pytest.approx(1, abs=1e-4)


def test_statistics_that_are_given_or_the_backbones_own(phantoms: dict) -> None:
    given = {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]}
    task = tiny_task("lungs", image__normalize=given)
    items = read_items(task, phantoms["lungs"])
    assert measure(task, items) == Statistics((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    config = timm.get_pretrained_cfg("vit_tiny_patch16_224")
    task = tiny_task("lungs", train__arch="vit_tiny_patch16_224")
    assert measure(task, items) == Statistics(config.mean, config.std)
    assert config.mean == (0.5, 0.5, 0.5)


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "cpu:x"])
def test_a_device_that_is_not_there_is_one_sentence(name: str) -> None:
    with pytest.raises(TrainingError, match=f"no device '{name}' here") as caught:
        choose_device(name)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 120


def test_few_images_need_no_processes() -> None:
    assert default_workers(63, torch.device("cpu")) == 0
    assert default_workers(10_000, torch.device("cuda")) >= 1


@pytest.mark.parametrize("name", GOALS)
def test_loaders_can_be_sent_to_processes_that_are_started_afresh(
    name: str, phantoms: dict
) -> None:
    """As macOS and Windows start them."""
    task = tiny_task(name, augment={"flip_horizontal": 0.5, "rotate": 5, "light": 0.1})
    items = read_items(task, phantoms[name])
    dls = loaders(task, items)
    sent = pickle.loads(pickle.dumps(dls.valid.dataset))
    image, target = sent[0]
    assert image.size == (32, 32)
    assert float(target) == task.classes.index(part(items, "valid")["target"].iloc[0])
    assert pickle.dumps(dls.train.fake_l)
