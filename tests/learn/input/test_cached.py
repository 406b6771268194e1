"""Batches from the cache are those that fastai makes item by item."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import tiny_task
from fastai.vision.core import TensorImage, TensorImageBW
from PIL import Image
from scipy.stats import ks_2samp

from fastmed.data.items import read_items
from fastmed.data.store.cache import Cache
from fastmed.learn.input.augment import without_augmentation
from fastmed.learn.input.loaders import dataloaders, loader_of
from fastmed.learn.input.statistics import Statistics
from fastmed.learn.learner import learner

HALF = Statistics((0.5,) * 3, (0.5,) * 3)


def both(name: str, folder: Path, **changes: object):
    """DataLoaders with and without the cache, over the same items."""
    task = tiny_task(name, **changes)
    items = read_items(task, folder)
    options = {"device": "cpu", "workers": 0}
    cached = dataloaders(task, items, HALF, cache=True, **options)
    return cached, dataloaders(task, items, HALF, cache=False, **options)


@pytest.mark.parametrize("name", ["lungs", "histology", "pneumonia", "retinopathy"])
def test_validation_batches_are_the_same(name: str, phantoms: dict):
    cached, plain = both(name, phantoms[name])
    assert cached.valid.stored is not None
    assert plain.valid.stored is None
    assert len(cached.valid) == len(plain.valid) > 0
    for (seen, target), (expected, known) in zip(cached.valid, plain.valid, strict=True):
        assert type(seen) is type(expected)
        assert type(target) is type(known)
        torch.testing.assert_close(torch.Tensor(seen), torch.Tensor(expected))
        assert torch.equal(torch.Tensor(target), torch.Tensor(known))


def test_training_batches_are_shuffled_and_whole(phantoms: dict):
    cached, _ = both("lungs", phantoms["lungs"])
    cached.train.after_batch.fs.clear()
    first, again = ([y.tolist() for _, y in cached.train] for _ in range(2))
    assert first != again
    assert {len(batch) for batch in first} == {8}


CHANGES = {"flip_horizontal": 0.5, "rotate": 15, "zoom": 1.2, "warp": 0.2, "light": 0.3}


def measured(loader: object, epochs: int) -> dict[str, np.ndarray]:
    """Return statistics of each training image of some epochs."""
    torch.manual_seed(0)
    images = torch.cat([torch.Tensor(seen) for _ in range(epochs) for seen, _ in loader])
    left, right = images.chunk(2, dim=3)
    top, bottom = images.chunk(2, dim=2)
    found = {
        "mean": images.mean((1, 2, 3)),
        "contrast": images.std((1, 2, 3)),
        "asymmetry": (left.mean((1, 2, 3)) - right.mean((1, 2, 3))),
        "slope": (top.mean((1, 2, 3)) - bottom.mean((1, 2, 3))),
        "edges": images.diff(dim=3).abs().mean((1, 2, 3)),
    }
    return {name: values.numpy() for name, values in found.items()}


@pytest.mark.parametrize("name", ["lungs", "histology"])
def test_training_batches_are_drawn_from_the_same_distribution(name: str, phantoms: dict):
    cached, plain = both(name, phantoms[name], augment=CHANGES)
    ours, theirs = measured(cached.train, 30), measured(plain.train, 30)
    assert len(ours["mean"]) == len(theirs["mean"]) > 700
    for what, values in ours.items():
        assert ks_2samp(values, theirs[what]).pvalue > 0.01, what
    plain.train.after_batch.fs = without_augmentation(plain.train.after_batch.fs)
    unchanged = measured(plain.train, 30)
    assert min(ks_2samp(ours[what], unchanged[what]).pvalue for what in ours) < 1e-6


def test_grey_and_colour_images_share_a_batch(tmp_path: Path):
    for number in range(8):
        shape = (32, 32) if number % 2 else (32, 32, 3)
        pixels = np.random.default_rng(number).integers(0, 256, shape, dtype=np.uint8)
        folder = tmp_path / ("true" if number < 4 else "false")
        folder.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    cached, plain = both("cardiomegaly", tmp_path, split__valid=0.5)
    [(seen, _)], [(expected, _)] = list(cached.valid), list(plain.valid)
    torch.testing.assert_close(torch.Tensor(seen), torch.Tensor(expected))


def test_grey_images_written_in_colour_go_in_one_channel(tmp_path: Path):
    for number in range(8):
        pixels = np.random.default_rng(number).integers(0, 256, (32, 32), dtype=np.uint8)
        folder = tmp_path / ("true" if number < 4 else "false")
        folder.mkdir(exist_ok=True)
        Image.fromarray(pixels).convert("RGB").save(folder / f"{number}.png")
    cached, plain = both("cardiomegaly", tmp_path, split__valid=0.5)
    assert cached.valid.stored.images(np.arange(4)).shape == (4, 1, 32, 32)
    [(seen, _)], [(expected, _)] = list(cached.valid), list(plain.valid)
    assert seen.shape == (4, 3, 32, 32)
    torch.testing.assert_close(torch.Tensor(seen), torch.Tensor(expected))


def test_one_channel_all_the_way(phantoms: dict):
    task = tiny_task("pneumonia", image__channels=1)
    items = read_items(task, phantoms["pneumonia"])
    for cache, kind in ((True, TensorImageBW), (False, TensorImageBW)):
        dls = dataloaders(task, items, device="cpu", workers=0, cache=cache)
        images, _ = dls.one_batch()
        assert images.shape[1:] == (1, 32, 32)
        assert isinstance(images, kind)
        learn = learner(task, dls)
        with learn.no_bar(), learn.no_logging():
            learn.fit(1)
        assert learn.get_preds()[0].shape[1] == 3


def test_new_images_come_from_the_cache_too(phantoms: dict):
    task = tiny_task("lungs")
    items = read_items(task, phantoms["lungs"]).sample(frac=1, random_state=0)
    items.attrs["root"] = str(phantoms["lungs"])
    cached = loader_of(task, items, HALF, device="cpu")
    plain = loader_of(task, items, HALF, device="cpu", workers=0, cache=False)
    assert cached.stored is not None
    assert cached.fake_l.num_workers == 0
    for (seen,), (expected,) in zip(cached, plain, strict=True):
        torch.testing.assert_close(torch.Tensor(seen), torch.Tensor(expected))


def test_image_outside_of_the_cache_is_opened_as_ever(tmp_path: Path, phantoms: dict):
    cached, _ = both("lungs", phantoms["lungs"])
    file = next((phantoms["lungs"] / "train_images").iterdir())
    frame = pd.DataFrame(
        [{"image": f"train_images/{file.name}", "array": "", "index": -1, "target": "other"}]
    )
    Image.open(file).transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png")
    assert cached.test_dl(frame).stored is not None
    paths = cached.test_dl([tmp_path / "turned.png"])
    assert paths.stored is None
    assert paths.one_batch()[0].shape == (1, 3, 32, 32)


def test_with_loader_processes(phantoms: dict):
    cached, plain = both("lungs", phantoms["lungs"])
    cached.valid.fake_l.num_workers = 2
    for (seen, _), (expected, _) in zip(cached.valid, plain.valid, strict=True):
        torch.testing.assert_close(torch.Tensor(seen), torch.Tensor(expected))


def test_shows_as_ever(phantoms: dict):
    cached, _ = both("lungs", phantoms["lungs"])
    cached.valid.show_batch(max_n=2)
    batch = cached.valid.one_batch()
    images, targets = cached.valid.decode_batch(batch, max_n=2)[0]
    assert isinstance(images, TensorImage)
    assert str(targets) in cached.vocab


def test_copies_of_rare_images_are_kept_once(phantoms: dict):
    task = tiny_task("lungs", balance__method="per_class", balance__count=40, balance__repeat=True)
    items = read_items(task, phantoms["lungs"])
    assert items["copies"].max() > 1
    stored = dataloaders(task, items, HALF, device="cpu", workers=0).train.stored
    assert len(stored.slots) > len(np.unique(stored.slots))
    assert len(Cache(task.image).find([])) == 0
