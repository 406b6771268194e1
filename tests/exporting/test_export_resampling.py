"""Two products of matrices against what Pillow does."""

from itertools import product

import numpy as np
import pytest
import torch

from fastmed.data.operations.transform import prepare
from fastmed.exporting.resampling import Fit
from fastmed.settings.image import ImageSettings

SHAPES = [(31, 17), (90, 64), (64, 64), (33, 100), (7, 5), (1, 1), (250, 190), (180, 40)]


def fitted(pixels: np.ndarray, settings: ImageSettings) -> np.ndarray:
    coloured = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    square = Fit(settings)(torch.from_numpy(coloured[None]))[0]
    return square.permute(1, 2, 0).numpy()


def pillows(pixels: np.ndarray, settings: ImageSettings) -> np.ndarray:
    return np.atleast_3d(prepare(pixels, settings)).astype(float)


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("fit", ["letterbox", "pad", "squish", "crop"])
def test_the_square_is_pillows(fit, interpolation):
    random, apart = np.random.default_rng(0), []
    for shape, channels in product(SHAPES, (1, 3)):
        resize = 51 if fit == "crop" else None
        settings = ImageSettings(
            size=45, fit=fit, interpolation=interpolation, channels=channels, resize=resize
        )
        pixels = random.integers(0, 256, (*shape, 3), dtype=np.uint8)
        found, expected = fitted(pixels, settings), pillows(pixels, settings)
        assert found.shape == expected.shape
        apart.append(np.abs(found - expected).ravel())
    every = np.concatenate(apart)
    if interpolation == "nearest":  # of two pixels that are equally near, one or the other
        assert (every > 0).mean() < 0.01
        return
    # A sum that is just about a half is rounded either way: one grey level of some pixels.
    assert every.max() <= 1
    assert every.mean() < 0.03


def test_grey_is_the_same_in_three_channels():
    grey = np.random.default_rng(1).integers(0, 256, (40, 60), dtype=np.uint8)
    for channels in (1, 3):
        settings = ImageSettings(size=32, channels=channels)
        assert np.abs(fitted(grey, settings) - pillows(grey, settings)).max() <= 1


def test_an_image_of_the_right_size_stays_as_it_is():
    pixels = np.random.default_rng(2).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    for interpolation in ("nearest", "bilinear", "bicubic", "lanczos"):
        settings = ImageSettings(size=32, interpolation=interpolation)
        assert (fitted(pixels, settings) == pixels).all()


def test_large_images_lose_no_precision():
    line = np.zeros((4000, 16, 3), np.uint8)
    line[2001:] = 255
    settings = ImageSettings(size=16, fit="squish")
    assert np.abs(fitted(line, settings) - pillows(line, settings)).max() <= 1


def test_bars_of_letterbox_are_black_and_those_of_pad_are_the_border():
    white = np.full((10, 40, 3), 255, np.uint8)
    assert fitted(white, ImageSettings(size=20))[0].max() == 0
    assert fitted(white, ImageSettings(size=20, fit="pad")).min() == 255
