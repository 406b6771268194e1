"""Random changes in few passes are those of fastai, number for number."""

import random

import pytest
import torch
from fastai.torch_core import set_seed
from fastai.vision.augment import Dihedral, aug_transforms
from fastai.vision.core import TensorImage
from fasttransform import Pipeline

from fastmed.learn.input.few_passes import Reshaped, in_few_passes

CHANGES = {
    "flips": {"do_flip": True, "flip_vert": True},
    "turns": {"max_rotate": 40.0},
    "zooms": {"max_zoom": 1.5, "min_zoom": 0.8},
    "perspective": {"max_warp": 0.4},
    "light": {"max_lighting": 0.4},
    "all": {
        "do_flip": True,
        "max_rotate": 15.0,
        "max_zoom": 1.2,
        "max_warp": 0.2,
        "max_lighting": 0.3,
    },
}
NONE = {"do_flip": False, "max_rotate": 0.0, "max_zoom": 1.0, "max_warp": 0.0, "max_lighting": 0.0}


def images(channels: int = 3) -> TensorImage:
    """Return images, on a scale of 0 to 1, with black and white in them."""
    generator = torch.Generator().manual_seed(3)
    levels = torch.randint(0, 256, (6, channels, 24, 32), generator=generator)
    return TensorImage(levels / 255)


def changed(transforms: list, seed: int, batch: TensorImage) -> TensorImage:
    set_seed(seed)
    return Pipeline(transforms, split_idx=0)(batch.clone())


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", CHANGES)
def test_images_are_those_of_fastai(name: str, channels: int) -> None:
    options = {**NONE, **CHANGES[name]}
    batch = images(channels)
    for seed in range(3):
        expected = changed(aug_transforms(**options), seed, batch)
        drawn = random.random(), torch.rand(1)
        found = changed([in_few_passes(one) for one in aug_transforms(**options)], seed, batch)
        assert (random.random(), torch.rand(1)) == drawn
        assert type(found) is type(expected)
        torch.testing.assert_close(found, expected, rtol=0, atol=2e-4)
        assert (found - batch).abs().max() > 0.1


def test_flips_of_one_kind_are_those_of_fastai() -> None:
    upside_down = Dihedral(p=1.0, draw=2)
    found = changed([in_few_passes(upside_down)], 0, images())
    torch.testing.assert_close(found, images().flip(2), rtol=0, atol=1e-5)


def test_the_validation_part_is_left_as_it_is() -> None:
    [shape, light] = [in_few_passes(one) for one in aug_transforms(max_warp=0.4)]
    assert isinstance(shape, Reshaped)
    torch.testing.assert_close(shape(images(), split_idx=1), images(), rtol=0, atol=1e-5)
    assert shape.order < light.order


def test_other_transforms_stay_as_they_are() -> None:
    assert in_few_passes(torch.relu) is torch.relu
