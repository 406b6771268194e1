"""From an image of any shape to the square of the network's size."""

import cv2
import numpy as np
from PIL import Image

from fastmed.data.operations.fixed import grayscale, operate
from fastmed.settings.image import ImageSettings

RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def prepare(pixels: np.ndarray, settings: ImageSettings) -> np.ndarray:
    """Return an image as the network sees it: operations applied, a square of the task's size.

    Args:
        pixels: uint8 (H, W) grey or (H, W, 3) RGB.

    Returns:
        uint8 (size, size) grey or (size, size, 3) RGB; always grey for a one-channel network.
    """
    if settings.operations:
        pixels = operate(pixels, settings.operations, RESAMPLING[settings.interpolation])
    if settings.channels == 1:
        pixels = grayscale(pixels)
    return fit_image(pixels, settings)


def fit_image(pixels: np.ndarray, settings: ImageSettings) -> np.ndarray:
    """Return the image as a square of the task's size, grey or RGB as it was."""
    picture, size = Image.fromarray(pixels), settings.size
    resampling = RESAMPLING[settings.interpolation]
    match settings.fit:
        case "squish":
            return np.asarray(picture.resize((size, size), resampling))
        case "crop":
            return _crop(picture, size, settings.resize or size, resampling)
        case fit:
            whole = _whole(picture, size, resampling)
            pad = fit == "pad"
            return _in_square(whole, size, cv2.BORDER_REPLICATE if pad else cv2.BORDER_CONSTANT)


def _whole(picture: Image.Image, size: int, resampling: Image.Resampling) -> np.ndarray:
    """Return all of the image in its shape, its longer side of ``size`` pixels."""
    longer = max(picture.size)
    width, height = (max(1, round(side * size / longer)) for side in picture.size)
    return np.asarray(picture.resize((width, height), resampling))


def _in_square(pixels: np.ndarray, size: int, border: int) -> np.ndarray:
    """Return the image in the middle of a square, on black or with its border continued."""
    down, across = (size - side for side in pixels.shape[:2])
    top, left = down // 2, across // 2
    square = cv2.copyMakeBorder(pixels, top, down - top, left, across - left, border)
    return np.asarray(square)


def _crop(
    picture: Image.Image, size: int, shorter: int, resampling: Image.Resampling
) -> np.ndarray:
    """Cut the centre out of the image whose shorter side became ``shorter`` pixels.

    Only the part that is kept gets resized, however long the longer side is.
    """
    width, height = picture.size
    cut = size * min(width, height) / shorter
    left, top = (width - cut) / 2, (height - cut) / 2
    box = (left, top, left + cut, top + cut)
    return np.asarray(picture.resize((size, size), resampling, box=box))
