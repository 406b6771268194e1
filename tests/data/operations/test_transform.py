"""Any image becomes the network's square, the way the task says."""

import numpy as np
import pytest
from PIL import Image

from fastmed.data.operations.transform import fit_image, prepare
from fastmed.settings.image import ImageSettings

NOISE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
FITS = ["letterbox", "pad", "squish", "crop"]


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("shape", [(64, 64, 3), (40, 64), (64, 20, 3), (1, 300), (7, 5)])
def test_always_a_square_grey_or_coloured_as_before(
    fit: str, interpolation: str, shape: tuple[int, ...]
):
    pixels = np.full(shape, 77, dtype=np.uint8)
    settings = ImageSettings(size=16, fit=fit, interpolation=interpolation)
    square = fit_image(pixels, settings)
    assert square.shape == (16, 16, *shape[2:])
    assert square.dtype == np.uint8
    assert square.max() == 77


@pytest.mark.parametrize("fit", FITS)
def test_square_of_the_right_size_is_untouched(fit: str):
    np.testing.assert_array_equal(fit_image(NOISE, ImageSettings(size=64, fit=fit)), NOISE)


def test_letterbox_centres_between_black_bars():
    wide = fit_image(np.full((10, 20), 200, dtype=np.uint8), ImageSettings(size=20))
    np.testing.assert_array_equal(wide[:, 0], [0] * 5 + [200] * 10 + [0] * 5)
    tall = fit_image(np.full((20, 10, 3), 200, dtype=np.uint8), ImageSettings(size=20))
    np.testing.assert_array_equal(tall[0, :, 0], [0] * 5 + [200] * 10 + [0] * 5)


def test_pad_continues_the_border():
    pixels = NOISE[:20, :, :]
    square = fit_image(pixels, ImageSettings(size=64, fit="pad"))
    np.testing.assert_array_equal(square[22:42], pixels)
    np.testing.assert_array_equal(square[:22], np.repeat(pixels[:1], 22, axis=0))
    np.testing.assert_array_equal(square[42:], np.repeat(pixels[-1:], 22, axis=0))


def test_squish_fills_the_square():
    pixels = np.repeat(np.array([[0, 255]], dtype=np.uint8), 8, axis=0).repeat(32, axis=1)
    square = fit_image(pixels, ImageSettings(size=16, fit="squish"))
    assert square.shape == (16, 16)
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


def test_one_channel_is_grey_whatever_the_image_is():
    grey = prepare(NOISE, ImageSettings(size=16, channels=1))
    assert grey.shape == (16, 16)
    luma = np.asarray(Image.fromarray(NOISE).convert("L").resize((16, 16), 2))
    np.testing.assert_array_equal(grey, luma)
    assert prepare(NOISE[..., 0], ImageSettings(size=16, channels=1)).shape == (16, 16)


def test_operations_come_before_the_image_is_fitted():
    """The bars of a letterbox stay black, and the picture is bright."""
    pixels = np.full((10, 20), 55, dtype=np.uint8)
    square = prepare(pixels, ImageSettings(size=20, operations=("invert",)))
    np.testing.assert_array_equal(square[:, 0], [0] * 5 + [200] * 10 + [0] * 5)


def test_cropped_background_changes_what_is_fitted():
    pixels = np.zeros((100, 200), dtype=np.uint8)
    pixels[10:90, 60:140] = 150
    square = prepare(pixels, ImageSettings(size=80, operations=("crop_background=0",)))
    np.testing.assert_array_equal(square[2:-2, 2:-2], 150)
