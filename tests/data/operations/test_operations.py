"""Each fixed operation against an implementation of its own; the registry is what tasks name."""

import cv2
import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from fastmed.data.operations.fixed import OPERATIONS, clahe, equalize, grayscale, invert, operate
from fastmed.demo.tissue import tile
from fastmed.settings.image import EXAMPLES, OPERATION_NAMES, Operation

RNG = np.random.default_rng
COLOUR = tile("NORM", 80, RNG(0))
GREY = np.asarray(Image.fromarray(COLOUR).convert("L"))
BILINEAR = Image.Resampling.BILINEAR


def done(name: str, pixels: np.ndarray, amount: float | None = None) -> np.ndarray:
    operation = Operation(name=name, amount=EXAMPLES.get(name) if amount is None else amount)
    return operate(pixels, [operation], BILINEAR)


def test_registry_and_names_are_the_same():
    assert tuple(OPERATIONS) == OPERATION_NAMES


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name != "stain_normalize"])
@pytest.mark.parametrize("pixels", [GREY, COLOUR, COLOUR[:1, :1], GREY[:1, :50], COLOUR[:7, :3]])
def test_every_operation_takes_every_image_and_leaves_it_alone(name: str, pixels: np.ndarray):
    before = pixels.copy()
    changed = done(name, pixels)
    assert changed.dtype == np.uint8
    assert changed.ndim == (2 if name == "grayscale" else pixels.ndim)
    assert changed.flags.c_contiguous
    np.testing.assert_array_equal(pixels, before)


@pytest.mark.parametrize("name", ["equalize", "clahe", "brightness", "contrast", "local_colour"])
def test_operations_change_something(name: str):
    assert np.abs(done(name, COLOUR).astype(int) - COLOUR).mean() > 3


def test_operations_follow_their_order():
    first = operate(
        GREY, [Operation(name="invert"), Operation(name="brightness", amount=2)], BILINEAR
    )
    other = operate(
        GREY, [Operation(name="brightness", amount=2), Operation(name="invert")], BILINEAR
    )
    np.testing.assert_array_equal(first, done("brightness", 255 - GREY, 2))
    assert not np.array_equal(first, other)


def test_grayscale_and_invert():
    luma = COLOUR @ np.array([0.299, 0.587, 0.114])
    assert np.abs(grayscale(COLOUR) - luma).max() < 1
    assert grayscale(GREY) is GREY
    np.testing.assert_array_equal(
        invert(COLOUR), np.asarray(ImageOps.invert(Image.fromarray(COLOUR)))
    )


def test_equalize_is_the_cumulative_histogram():
    dark = (GREY // 3 + 20).astype(np.uint8)
    counts = np.bincount(dark.ravel(), minlength=256)
    least = counts[dark.min()]
    shares = (counts.cumsum() - least) / (dark.size - least)
    np.testing.assert_allclose(equalize(dark), 255 * shares[dark], atol=0.51)
    assert dark.max() < 110
    assert equalize(dark).max() == 255


def test_equalize_agrees_with_pillow_and_scikit_image():
    """They share the histogram's steps and put them up to one step apart."""
    dark = (GREY // 3 + 20).astype(np.uint8)
    step = 255 * np.bincount(dark.ravel()).max() / dark.size
    pillow = np.asarray(ImageOps.equalize(Image.fromarray(dark))).astype(int)
    assert np.abs(equalize(dark).astype(int) - pillow).max() <= step + 2
    exposure = pytest.importorskip("skimage.exposure")
    share = 255 * exposure.equalize_hist(dark, nbins=256)
    assert np.abs(equalize(dark) - share).max() <= step + 2


def test_clahe_agrees_with_scikit_image():
    """Both are Zuiderveld's; they differ in how they clip, round and pad."""
    exposure = pytest.importorskip("skimage.exposure")
    picture = cv2.resize(GREY, (256, 256)) // 2
    theirs = 255 * exposure.equalize_adapthist(picture, kernel_size=32, clip_limit=2 / 256)
    ours = clahe(picture, 2.0)
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.9
    assert clahe(picture, 4.0).std() > ours.std() > picture.std()


@pytest.mark.parametrize("change", [equalize, lambda pixels: clahe(pixels, 3)])
def test_colours_keep_their_hue(change):
    changed = change(COLOUR)
    before, after = (cv2.cvtColor(part, cv2.COLOR_RGB2LAB) for part in (COLOUR, changed))
    kept = (after[..., 0] > 60) & (after[..., 0] < 220)
    assert np.abs(before[kept][:, 1:].astype(int) - after[kept][:, 1:]).mean() < 4
    assert np.abs(before[..., 0].astype(int) - after[..., 0]).mean() > 8


@pytest.mark.parametrize("factor", [0.5, 1.5])
def test_brightness_contrast_and_sharpness_are_pillows(factor: float):
    for name in ("brightness", "contrast", "sharpness"):
        enhance = getattr(ImageEnhance, name.capitalize())
        expected = np.asarray(enhance(Image.fromarray(COLOUR)).enhance(factor))
        np.testing.assert_array_equal(done(name, COLOUR, factor), expected)
    np.testing.assert_allclose(
        done("brightness", GREY, factor), (GREY * factor).clip(0, 255), atol=1
    )


@pytest.mark.parametrize("pixels", [GREY, COLOUR[:40]])
@pytest.mark.parametrize("longer", [16, 200])
def test_resize_keeps_the_shape(pixels: np.ndarray, longer: int):
    changed = done("resize", pixels, longer)
    height, width = pixels.shape[:2]
    assert changed.shape[:2] == (round(longer * height / 80), round(longer * width / 80))
    assert abs(changed.mean() - pixels.mean()) < 2


def test_resize_follows_the_tasks_interpolation():
    near = operate(GREY, [Operation(name="resize", amount=33)], Image.Resampling.NEAREST)
    assert set(np.unique(near)) <= set(np.unique(GREY))
    assert not np.array_equal(near, done("resize", GREY, 33))
