"""Fixed image operations: the same change of every image, in training and prediction alike."""

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageEnhance

from fastmed.data.operations.background import crop_background
from fastmed.data.operations.local_colour import local_colour
from fastmed.data.operations.opencv import one_thread
from fastmed.data.operations.stain import normalize_stain
from fastmed.settings.image import Operation

Resampling = Image.Resampling
_TILES = (8, 8)  # of CLAHE


def operate(
    pixels: np.ndarray, operations: Sequence[Operation], resampling: Resampling
) -> np.ndarray:
    """Return the image after all operations, in their order.

    Args:
        pixels: uint8, (H, W) or (H, W, 3).
        operations: of the task.
        resampling: how `resize` makes pixels.
    """
    with one_thread():
        for operation in operations:
            pixels = OPERATIONS[operation.name](pixels, operation.value, resampling)
    return np.ascontiguousarray(pixels)


def grayscale(pixels: np.ndarray) -> np.ndarray:
    """Return the luma of the colours (ITU-R 601-2), (H, W)."""
    return pixels if pixels.ndim == 2 else np.asarray(Image.fromarray(pixels).convert("L"))


def invert(pixels: np.ndarray) -> np.ndarray:
    """Return the negative."""
    return 255 - pixels


def equalize(pixels: np.ndarray) -> np.ndarray:
    """Return the image with an even histogram of brightness; colours keep their hue."""
    return _on_lightness(pixels, cv2.equalizeHist)


def clahe(pixels: np.ndarray, limit: float) -> np.ndarray:
    """Return the image with brightness evened out in 8 x 8 tiles, contrast limited.

    Args:
        pixels: uint8, (H, W) or (H, W, 3).
        limit: how many times as often as in an even histogram a value may count.

    Source:
        K. Zuiderveld, Contrast limited adaptive histogram equalization, Graphics Gems IV, 1994.
    """
    return _on_lightness(pixels, cv2.createCLAHE(limit, _TILES).apply)


def resize(pixels: np.ndarray, longer: int, resampling: Resampling) -> np.ndarray:
    """Return the image with its longer side of so many pixels."""
    picture = Image.fromarray(pixels)
    share = longer / max(picture.size)
    width, height = (max(1, round(side * share)) for side in picture.size)
    return np.asarray(picture.resize((width, height), resampling))


def _on_lightness(pixels: np.ndarray, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Change a grey image, or the lightness of a colour image (CIE L*a*b*)."""
    if pixels.ndim == 2:
        return change(pixels)
    lab = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB)
    lab[..., 0] = change(lab[..., 0])
    return cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)


def _enhanced(pixels: np.ndarray, enhance: Callable[..., Any], factor: float) -> np.ndarray:
    return np.asarray(enhance(Image.fromarray(pixels)).enhance(factor))


# Name -> what it does with the pixels, its amount, and the task's resampling.
OPERATIONS: dict[str, Callable[[np.ndarray, float, Resampling], np.ndarray]] = {
    "crop_background": lambda pixels, margin, _: crop_background(pixels, margin),
    "grayscale": lambda pixels, _, __: grayscale(pixels),
    "invert": lambda pixels, _, __: invert(pixels),
    "equalize": lambda pixels, _, __: equalize(pixels),
    "clahe": lambda pixels, limit, _: clahe(pixels, limit),
    "brightness": lambda pixels, factor, _: _enhanced(pixels, ImageEnhance.Brightness, factor),
    "contrast": lambda pixels, factor, _: _enhanced(pixels, ImageEnhance.Contrast, factor),
    "sharpness": lambda pixels, factor, _: _enhanced(pixels, ImageEnhance.Sharpness, factor),
    "resize": lambda pixels, longer, how: resize(pixels, round(longer), how),
    "local_colour": lambda pixels, width, _: local_colour(pixels, width),
    "stain_normalize": lambda pixels, _, __: normalize_stain(pixels),
}
