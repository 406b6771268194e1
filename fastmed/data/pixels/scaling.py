"""Values of more than 8 bits become 0 to 255, by a range that somebody has declared."""

import numpy as np

from fastmed.settings.image import ImageSettings

_LONGEST = 100  # characters of what a library says
_AT_ONCE = 2**22  # values that are worked on together, so that a large image needs little memory


class UnreadableError(Exception):
    """Why an image can't be read: a clause that goes on after the file's name."""


def cause_of(error: Exception) -> str:
    """Return in some words what a library says of its failure."""
    said = (str(error).splitlines() or [""])[0].rstrip(".") or type(error).__name__
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}..."


def to_bytes(
    values: np.ndarray, settings: ImageSettings, declared: tuple[float, float] | None = None
) -> tuple[np.ndarray, str]:
    """Return values on a scale of 0 to 255, and in words how they came there.

    Nothing is guessed from one image what would be guessed otherwise from the next: without a
    declared range, only floats within 0 to 1 are taken as they are.

    Args:
        values: of any type of number, (H, W) or (H, W, 3); those that are no number become 0.
        settings: may give the range, or ask for the percentiles of the image.
        declared: the least and the greatest value that the file declares.

    Raises:
        UnreadableError: nothing says what is black and what is white.
    """
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255), "black and white"
    low, high, scaling = _range(values, settings, declared)
    return _scaled(values, low, high), scaling


def _range(
    values: np.ndarray, settings: ImageSettings, declared: tuple[float, float] | None
) -> tuple[float, float, str]:
    """Return what becomes 0 and what 255, and how it was found."""
    if settings.scale == "percentiles":
        lower, upper = settings.percentiles
        low, high = np.percentile(_known(values), (lower, upper))
        return float(low), float(high), f"percentiles {lower:g} to {upper:g}"
    if settings.value_range is not None:
        low, high = settings.value_range
        return low, high, f"values {low:g} to {high:g}"
    if declared is not None:
        return *declared, f"declared values {declared[0]:g} to {declared[1]:g}"
    known = _known(values)
    least, greatest = known.min(), known.max()
    if values.dtype.kind == "f" and least >= 0 and greatest <= 1:
        return 0.0, 1.0, "floats 0 to 1"
    raise UnreadableError(
        f"its values are {_name(values.dtype)} from {least:.6g} to {greatest:.6g}, and nothing "
        "says what is black and what is white; set image.value_range = [black, white], or "
        "image.scale = 'percentiles'"
    )


def _known(values: np.ndarray) -> np.ndarray:
    """Return the values that are numbers, in one row."""
    known = values[np.isfinite(values)] if values.dtype.kind == "f" else values.ravel()
    if not known.size:
        raise UnreadableError("it holds no number")
    return known


def _name(dtype: np.dtype) -> str:
    kind = {"f": "floats", "i": "signed integers", "u": "integers"}[dtype.kind]
    return f"{8 * dtype.itemsize}-bit {kind}"


def _scaled(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return values from ``low`` to ``high`` as 0 to 255, rounded; what lies outside is cut."""
    if values.dtype.kind == "u" and values.dtype.itemsize == 2:
        return np.asarray(_stretched(np.arange(2**16), low, high)[values])
    pixels = np.empty(values.shape, np.uint8)
    step = max(1, _AT_ONCE * len(values) // max(1, values.size))
    for first in range(0, len(values), step):
        pixels[first : first + step] = _stretched(values[first : first + step], low, high)
    return pixels


def _stretched(values: np.ndarray, low: float, high: float) -> np.ndarray:
    shares = (values.astype(np.float64) - low) / ((high - low) or 1.0)
    return np.asarray(np.nan_to_num((shares * 255 + 0.5).clip(0, 255)), dtype=np.uint8)
