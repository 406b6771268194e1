"""From an image of any shape to the square of the network's size."""

import numpy as np
from PIL import Image

from fastmed.image_settings import ImageSettings

_RESAMPLING = {
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
    if settings.channels == 1 and pixels.ndim == 3:
        pixels = np.asarray(Image.fromarray(pixels).convert("L"))
    return fit_image(pixels, settings)


def fit_image(pixels: np.ndarray, settings: ImageSettings) -> np.ndarray:
    """Return the image as a square of the task's size, grey or RGB as it was."""
    picture, size = Image.fromarray(pixels), settings.size
    resampling = _RESAMPLING[settings.interpolation]
    if settings.fit == "letterbox":
        square = _letterbox(picture, size, resampling)
    elif settings.fit == "squish":
        square = picture.resize((size, size), resampling)
    else:
        square = _crop(picture, size, settings.resize or size, resampling)
    return np.asarray(square)


def _letterbox(picture: Image.Image, size: int, resampling: Image.Resampling) -> Image.Image:
    """Keep all of the image and its shape; black bars fill the square on both sides."""
    longer = max(picture.size)
    width, height = (max(1, round(side * size / longer)) for side in picture.size)
    square = Image.new(picture.mode, (size, size))
    place = ((size - width) // 2, (size - height) // 2)
    square.paste(picture.resize((width, height), resampling), place)
    return square


def _crop(
    picture: Image.Image, size: int, shorter: int, resampling: Image.Resampling
) -> Image.Image:
    """Cut the centre out of the image whose shorter side became ``shorter`` pixels.

    Only the part that is kept gets resized, however long the longer side is.
    """
    width, height = picture.size
    cut = size * min(width, height) / shorter
    left, top = (width - cut) / 2, (height - cut) / 2
    return picture.resize((size, size), resampling, box=(left, top, left + cut, top + cut))
