import numpy as np
import pytest
import torch
from conftest import tiny_task
from fastai.callback.core import Callback
from fastai.data.core import DataLoaders
from fastai.torch_core import set_seed

from fastmed.data.items import read_items
from fastmed.learn.input.augment import AugmentEpochs, make_augmentation
from fastmed.learn.input.loaders import dataloaders
from fastmed.learn.learner import learner
from fastmed.settings.augment import AugmentSettings


def loaders(phantoms: dict, **augment: float) -> DataLoaders:
    task = tiny_task("lungs", augment=augment, train__batch=500)
    items = read_items(task, phantoms["lungs"])
    return dataloaders(task, items, device="cpu", workers=0)


def batch_of(phantoms: dict, seed: int = 1, **augment: float) -> np.ndarray:
    """Return the one training batch, its images in an order that the seed alone decides."""
    dls = loaders(phantoms, **augment)
    set_seed(seed)
    dls.train.rng.seed(seed)
    return dls.train.one_batch()[0].numpy()


MIRRORS = {
    ("flip_horizontal",): lambda batch: batch[..., ::-1],
    ("flip_vertical",): lambda batch: batch[..., ::-1, :],
    ("flip_horizontal", "flip_vertical"): lambda batch: batch[..., ::-1, ::-1],
}


@pytest.mark.parametrize("flips", MIRRORS)
def test_a_flip_of_probability_one_mirrors_every_image(flips: tuple, phantoms: dict) -> None:
    plain = batch_of(phantoms)
    flipped = batch_of(phantoms, **dict.fromkeys(flips, 1.0))
    np.testing.assert_allclose(flipped, MIRRORS[flips](plain), atol=1e-3)
    assert np.abs(flipped - plain).max() > 0.5


def test_a_flip_of_probability_half_mirrors_some(phantoms: dict) -> None:
    plain, mixed = batch_of(phantoms), batch_of(phantoms, flip_horizontal=0.5)
    same = np.abs(mixed - plain).max((1, 2, 3)) < 1e-3
    mirrored = np.abs(mixed - plain[..., ::-1]).max((1, 2, 3)) < 1e-3
    assert (same | mirrored).all()
    assert 0 < mirrored.sum() < len(plain)


@pytest.mark.parametrize(
    "change", [{"rotate": 30}, {"zoom": 1.5}, {"warp": 0.4}, {"light": 0.5}], ids=str
)
def test_every_setting_changes_training_images_anew_each_time(change: dict, phantoms: dict) -> None:
    plain = batch_of(phantoms)
    every = {"affine_probability": 1.0, "light_probability": 1.0}
    one, other = (batch_of(phantoms, seed, **change, **every) for seed in (1, 2))
    assert np.abs(one - plain).max((1, 2, 3)).min() > 0.01
    assert not np.array_equal(one, other)
    assert np.isfinite(one).all()


def test_without_settings_nothing_is_done(phantoms: dict) -> None:
    assert make_augmentation(AugmentSettings()) == []
    assert np.array_equal(batch_of(phantoms), batch_of(phantoms))


def test_a_quarter_turn_is_a_quarter_turn() -> None:
    """Rotation by up to 90 degrees, drawn at 90, is NumPy's, whichever way fastai turns."""
    settings = AugmentSettings(rotate=90, affine_probability=1.0)
    turn = next(iter(make_augmentation(settings)))
    images = torch.rand(64, 3, 16, 16)
    angles = {int(np.rint(a)) for a in _angles(turn, images)}
    assert min(angles) >= -90
    assert max(angles) <= 90
    assert max(angles) - min(angles) > 90


def _angles(turn: object, images: torch.Tensor) -> list[float]:
    turn.before_call((images,), 0)
    matrices = turn._get_affine_mat(images)
    return torch.rad2deg(torch.atan2(matrices[:, 0, 1], matrices[:, 0, 0])).tolist()


class Watch(Callback):
    """Notes for each epoch whether its training images were mirrored."""

    def __init__(self, plain: np.ndarray) -> None:
        self.plain, self.mirrored, self.valid = plain, [], []

    def before_epoch(self) -> None:
        self.dls.train.rng.seed(1)

    def before_batch(self) -> None:
        images = self.x.numpy()
        if self.training:
            self.mirrored.append(bool(np.allclose(images, self.plain[..., ::-1], atol=1e-3)))
        else:
            self.valid.append(images)


@pytest.mark.parametrize(
    ("first", "last", "done", "expected"),
    [
        (1, None, 0, [True, True, True, True]),
        (2, 3, 0, [False, True, True, False]),
        (2, 3, 1, [True, True, False, False]),
        (1, 2, 0, [True, True, False, False]),
    ],
)
def test_augmentation_keeps_to_its_epochs(
    first: int, last: int | None, done: int, expected: list[bool], phantoms: dict
) -> None:
    settings = AugmentSettings(flip_horizontal=1.0, first_epoch=first, last_epoch=last)
    plain = loaders(phantoms)
    plain.train.rng.seed(1)
    watch = Watch(plain.train.one_batch()[0].numpy())
    dls = loaders(phantoms, flip_horizontal=1.0)
    before = list(dls.train.after_batch.fs)
    learn = learner(tiny_task("lungs"), dls)
    with learn.no_bar(), learn.no_logging():
        learn.fit(4, 1e-4, cbs=[AugmentEpochs(settings, done), watch])
    assert watch.mirrored == expected
    assert all(np.array_equal(watch.valid[0], images) for images in watch.valid)
    assert list(dls.train.after_batch.fs) == before
