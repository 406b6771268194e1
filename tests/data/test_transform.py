"""Any image becomes the network's square, the way the task says."""

import numpy as np
import pytest
from PIL import Image

from fastmed.data.transform import fit_image
from fastmed.image_settings import ImageSettings

NOISE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)


@pytest.mark.parametrize("fit", ["letterbox", "squish", "crop"])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("shape", [(64, 64, 3), (40, 64), (64, 20, 3), (1, 300), (7, 5)])
def test_always_a_square_of_three_channels(fit: str, interpolation: str, shape: tuple[int, ...]):
    pixels = np.full(shape, 77, dtype=np.uint8)
    settings = ImageSettings(size=16, fit=fit, interpolation=interpolation)
    square = fit_image(pixels, settings)
    assert square.shape == (16, 16, 3)
    assert square.dtype == np.uint8
    assert square.max() == 77


@pytest.mark.parametrize("fit", ["letterbox", "squish", "crop"])
def test_square_of_the_right_size_is_untouched(fit: str):
    np.testing.assert_array_equal(fit_image(NOISE, ImageSettings(size=64, fit=fit)), NOISE)


def test_letterbox_centres_between_black_bars():
    wide = fit_image(np.full((10, 20), 200, dtype=np.uint8), ImageSettings(size=20))
    np.testing.assert_array_equal(wide[:, 0, 0], [0] * 5 + [200] * 10 + [0] * 5)
    tall = fit_image(np.full((20, 10), 200, dtype=np.uint8), ImageSettings(size=20))
    np.testing.assert_array_equal(tall[0, :, 0], [0] * 5 + [200] * 10 + [0] * 5)


def test_squish_fills_the_square():
    pixels = np.repeat(np.array([[0, 255]], dtype=np.uint8), 8, axis=0).repeat(32, axis=1)
    square = fit_image(pixels, ImageSettings(size=16, fit="squish"))
    assert square.shape == (16, 16, 3)
    assert (square[:, :7] == 0).all()
    assert (square[:, 9:] == 255).all()


def test_crop_cuts_the_centre():
    pixels = np.zeros((8, 24), dtype=np.uint8)
    pixels[:, 8:16] = 9
    np.testing.assert_array_equal(fit_image(pixels, ImageSettings(size=8, fit="crop")), 9)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_crop_equals_resizing_and_then_cutting(interpolation: str):
    resampling = getattr(Image.Resampling, interpolation.upper())
    whole = Image.fromarray(NOISE).resize((32, 32), resampling).crop((4, 4, 28, 28))
    settings = ImageSettings(size=24, fit="crop", resize=32, interpolation=interpolation)
    difference = fit_image(NOISE, settings).astype(int) - np.asarray(whole).astype(int)
    assert np.abs(difference).max() <= 1


def test_shrinking_averages():
    stripes = np.tile(np.array([0, 255], dtype=np.uint8), (64, 32))
    square = fit_image(stripes, ImageSettings(size=8))
    assert np.abs(square.astype(int) - 127).max() < 16


def test_grey_stands_in_every_channel():
    square = fit_image(NOISE[..., 0], ImageSettings(size=16))
    np.testing.assert_array_equal(square[..., 0], square[..., 1])
    np.testing.assert_array_equal(square[..., 0], square[..., 2])
