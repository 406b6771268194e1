"""Dyes are changed as scikit-image parts them, each image anew, and only in training."""

import numpy as np
import pytest
import torch
from conftest import tiny_task
from fastai.vision.core import TensorImage

from fastmed.data.items import read_items
from fastmed.demo.tissue import tile
from fastmed.learn.input.augment import without_augmentation
from fastmed.learn.input.loaders import dataloaders
from fastmed.learn.input.stain_jitter import DYES, StainJitter, change_dyes

TILES = np.stack(
    [tile(name, 24, np.random.default_rng(0)) for name in ("TUM", "STR", "MUC", "LYM")]
)


def batch() -> torch.Tensor:
    return torch.from_numpy(TILES).permute(0, 3, 1, 2).float() / 255


def test_dyes_are_those_of_scikit_image():
    color = pytest.importorskip("skimage.color")
    np.testing.assert_allclose(DYES, color.rgb_from_hed)


def test_changed_dyes_are_those_that_scikit_image_parts_and_joins():
    """It works per image with NumPy, in units of the logarithm of one millionth."""
    color = pytest.importorskip("skimage.color")
    factors = np.array([[1.2, 0.9, 1.0], [0.8, 1.1, 1.3], [1, 1, 1], [1.05, 1.3, 0.7]])
    shifts = np.array([[0.1, 0.0, 0.05], [0.0, 0.1, 0.0], [0, 0, 0], [0.2, 0.1, 0.1]])
    images = batch().clamp_min(1 / 255)
    ours = change_dyes(images, torch.tensor(factors).float(), torch.tensor(shifts).float())
    unit = -np.log(1e-6)
    for number, image in enumerate(images.permute(0, 2, 3, 1).double().numpy()):
        density = -np.log(image) / unit
        dyes = density @ color.hed_from_rgb  # rgb2hed, which would also cut off below zero
        changed = color.hed2rgb(dyes * factors[number] + shifts[number] / unit)
        np.testing.assert_allclose(
            ours[number].permute(1, 2, 0).numpy(), changed.clip(0, 1), atol=1e-5
        )


def test_no_change_gives_the_image_back():
    images = batch()
    same = change_dyes(images, torch.ones(4, 3), torch.zeros(4, 3))
    assert (same - images).abs().max() < 1 / 254


def test_more_of_a_dye_is_darker_in_its_colours():
    more = torch.tensor([[0.3, 0.0, 0.0]] * 4)
    changed = change_dyes(batch(), torch.ones(4, 3), more) / batch().clamp_min(1 / 255)
    expected = np.exp(-0.3 * np.array(DYES[0]))
    np.testing.assert_allclose(changed.mean((0, 2, 3)).numpy(), expected, atol=0.01)


def test_each_image_is_changed_anew_and_stays_an_image():
    torch.manual_seed(0)
    images = TensorImage(batch()[:1].repeat(4, 1, 1, 1))
    jitter = StainJitter(0.2)
    first, second = (jitter(images, split_idx=0) for _ in range(2))
    assert type(first) is TensorImage
    assert first.min() >= 0
    assert first.max() <= 1
    colours = torch.cat([first, second]).as_subclass(torch.Tensor).mean((2, 3))
    assert torch.cdist(colours, colours).fill_diagonal_(1).min() > 0.002
    assert (first - images).abs().mean() < 0.2


def test_a_stronger_jitter_changes_more():
    images = TensorImage(batch())
    changes = []
    for strength in (0.05, 0.2):
        torch.manual_seed(0)
        changes.append(float((StainJitter(strength)(images, split_idx=0) - images).abs().mean()))
    assert 2 * changes[0] < changes[1]


def test_other_images_and_targets_are_left_alone():
    images = TensorImage(batch())
    assert torch.equal(StainJitter(0.2)(images, split_idx=1), images)
    target = torch.tensor([1.0])
    assert torch.equal(StainJitter(0.2)(target, split_idx=0), target)
    assert without_augmentation([StainJitter(0.2)]) == []


def test_the_setting_changes_training_batches_only(phantoms: dict):
    plain, jittered = (
        dataloaders(
            task, read_items(task, phantoms["histology"]), device="cpu", workers=0, cache=False
        )
        for task in (
            tiny_task("histology", augment={}),
            tiny_task("histology", augment={"hed": 0.2}),
        )
    )
    batches = []
    for dls in (plain, jittered):
        dls.train.rng.seed(1)
        batches.append((dls.train.one_batch()[0], dls.valid.one_batch()[0]))
    assert (batches[0][0] - batches[1][0]).abs().amax((1, 2, 3)).min() > 0.01
    assert torch.equal(batches[0][1], batches[1][1])
