"""Pixels that are not square: how tall and wide they are, and the image with square ones."""

from typing import NamedTuple

import numpy as np
from PIL import Image

from fastmed.data.pixels.dicom.fields import Fields, macro
from fastmed.data.pixels.dicom.frame import Frame
from fastmed.data.pixels.dicom.limits import Limits
from fastmed.data.pixels.scaling import UnreadableError

# In this order (PS3.3, 10.7): in the patient, at the detector, on the scanned film.
_SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
FIELDS = (
    *_SPACINGS, "PixelAspectRatio",
    "PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence",
)  # fmt: skip
_SAME = 0.01  # relative difference that comes from rounding
_MOST = 100.0  # ratio of the sides of a pixel; beyond it the header is wrong


class PixelSize(NamedTuple):
    """Height and width of a pixel, in mm, or only their ratio."""

    height: float
    width: float


def spacing_of(fields: Fields, index: int) -> PixelSize | None:
    """Return the size of a pixel of a frame in mm; None if the file doesn't say it."""
    measures = macro(fields, index, "PixelMeasuresSequence")
    sizes = (_pair(where, keyword) for where in (measures, fields) for keyword in _SPACINGS)
    return next((size for size in sizes if size), None)


def make_square(pixels: np.ndarray, frame: Frame, limits: Limits) -> tuple[np.ndarray, bool]:
    """Return the image with square pixels, and whether it had others.

    The side on which pixels are longer gets more of them, so that nothing is lost.

    Args:
        pixels: uint8 (H, W) or (H, W, 3).
        frame: with the fields of its file.
        limits: that the larger image has to keep to.

    Raises:
        UnreadableError: the sides of a pixel are so different as can't be, or the image gets too
            large.
    """
    size = spacing_of(frame.fields, frame.position) or _pair(frame.fields, "PixelAspectRatio")
    if size is None or abs(size.height / size.width - 1) < _SAME:
        return pixels, False
    ratio = size.height / size.width
    if not 1 / _MOST <= ratio <= _MOST:
        raise UnreadableError(f"its pixels are {size.height:g} x {size.width:g} mm, which can't be")
    rows, columns = pixels.shape[:2]
    rows, columns = round(rows * max(ratio, 1)), round(columns * max(1 / ratio, 1))
    if rows * columns > limits.pixels:
        raise UnreadableError(
            f"its pixels are oblong, and {rows} x {columns} square ones are more than the limit "
            f"of {limits.pixels:,}"
        )
    picture = Image.fromarray(pixels)
    return np.asarray(picture.resize((columns, rows), Image.Resampling.BILINEAR)), True


def _pair(fields: Fields, keyword: str) -> PixelSize | None:
    """Return two numbers above 0; None where there are none."""
    numbers = fields.numbers(keyword)
    if len(numbers) != 2 or not np.isfinite(numbers).all() or min(numbers) <= 0:
        return None
    return PixelSize(*numbers)
