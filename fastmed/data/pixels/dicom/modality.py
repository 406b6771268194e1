"""From stored values to what they mean, such as Hounsfield units (PS3.3, C.11.1)."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmed.data.pixels.dicom.fields import Fields
from fastmed.data.pixels.dicom.frame import Frame
from fastmed.data.pixels.dicom.tables import grey_table
from fastmed.data.pixels.scaling import UnreadableError

Values = NDArray[np.float64]

FIELDS = ("ModalityLUTSequence", "RescaleSlope", "RescaleIntercept")


class Meaning(NamedTuple):
    """The modality transformation of a frame.

    Attributes:
        of: stored values -> what they mean.
        low, high: the range that the meaning could have, by what the file declares.
        bits: that the values may have.
    """

    of: Callable[[np.ndarray], Values]
    low: float
    high: float
    bits: int


def meaning_of(frame: Frame) -> Meaning:
    """Return the modality transformation of a frame: by a table, or else a line.

    Raises:
        UnreadableError: the table or the line is not what it should be.
    """
    tables = frame.fields.items("ModalityLUTSequence")
    if tables:
        table = grey_table(tables[0], frame.announced.signed, frame.little)
        return Meaning(
            lambda stored: table.look_up(stored).astype(np.float64), 0, table.greatest, table.bits
        )
    where = frame.group("PixelValueTransformationSequence")
    slope = _finite(where, "RescaleSlope", 1.0)
    intercept = _finite(where, "RescaleIntercept", 0.0)
    if slope == 0:
        raise UnreadableError("RescaleSlope is 0, expected any other number")
    ends = [end * slope + intercept for end in stored_range(frame)]
    return Meaning(
        lambda stored: stored.astype(np.float64) * slope + intercept,
        min(ends),
        max(ends),
        frame.announced.stored,
    )


def stored_range(frame: Frame) -> tuple[float, float]:
    """Return the least and the greatest value that may be stored; of floats, that are."""
    bits = frame.announced.stored
    if frame.announced.floats:
        known = frame.values[np.isfinite(frame.values)]
        return (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    if frame.announced.signed:
        return -(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1
    return 0.0, 2.0**bits - 1


def _finite(fields: Fields, keyword: str, missing: float) -> float:
    number = fields.number(keyword)
    if number is None:
        return missing
    if not math.isfinite(number):
        raise UnreadableError(f"{keyword} is {number}, expected a finite number")
    return number
