"""Grey frames: from stored values to what is seen, in the order of the standard (PS3.4, N.2)."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fastmed.data.pixels.dicom import modality, voi
from fastmed.data.pixels.dicom.announced import Announced
from fastmed.data.pixels.dicom.frame import Frame
from fastmed.data.pixels.dicom.modality import Values
from fastmed.settings.image import ImageSettings

Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]

FIELDS = (
    *modality.FIELDS, *voi.FIELDS, "PixelPaddingValue", "PixelPaddingRangeLimit",
    "FloatPixelPaddingValue", "FloatPixelPaddingRangeLimit", "DoubleFloatPixelPaddingValue",
    "DoubleFloatPixelPaddingRangeLimit", "PresentationLUTShape",
    "PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence",
)  # fmt: skip
_AT_ONCE = 2**22  # values that are worked on together, so that a large frame needs little memory


def show_grey(frame: Frame, settings: ImageSettings) -> tuple[Bytes, str]:
    """Return a frame as it is seen, and in words how its values became 0 to 255.

    Returns:
        uint8 (rows, columns); background is 0, also where black and white are exchanged.

    Raises:
        UnreadableError: a table or a field is not what it should be.
    """
    meaning = modality.meaning_of(frame)
    background = _background(frame)

    def sample() -> Values:
        step = 1 + int(np.sqrt(frame.values.size / _AT_ONCE))
        some = frame.values[::step, ::step]
        return meaning.of(some[~background(some)])

    shown = voi.shown_by(frame, meaning, sample, settings)
    inverse = frame.announced.photometric == "MONOCHROME1"
    inverse |= frame.fields.text("PresentationLUTShape") == "INVERSE"

    def seen(stored: np.ndarray) -> Bytes:
        values = shown.of(meaning.of(stored)).clip(0, 1)
        values = (1 - values if inverse else values) * 255 + 0.5
        return np.where(background(stored), 0, values).astype(np.uint8)

    return _of_each(frame.values, seen), shown.how + (", inverted" if inverse else "")


def _of_each(stored: np.ndarray, seen: Callable[[np.ndarray], Bytes]) -> Bytes:
    """Return what is seen for each value: of integers of 16 bits and less, by a table."""
    kind = stored.dtype
    if kind.kind in "iu" and kind.itemsize <= 2 and stored.size > 2 ** (8 * kind.itemsize):
        unsigned = np.dtype(f"{kind.byteorder}u{kind.itemsize}")
        every = np.arange(2 ** (8 * kind.itemsize)).astype(unsigned).view(kind)
        return np.take(seen(every), stored.view(unsigned))
    pixels = np.empty(stored.shape, np.uint8)
    step = max(1, _AT_ONCE // stored.shape[1])
    for first in range(0, len(stored), step):
        pixels[first : first + step] = seen(stored[first : first + step])
    return pixels


def _background(frame: Frame) -> Callable[[np.ndarray], Mask]:
    """Return what tells values outside of the image (PS3.3, C.7.5.1.1.2): a value or a range."""
    kind = frame.announced.keyword.removesuffix("PixelData")
    one = frame.fields.number(f"{kind}PixelPaddingValue")
    other = frame.fields.number(f"{kind}PixelPaddingRangeLimit")
    if one is None:
        return lambda stored: ~np.isfinite(stored)
    ends = [_as_stored(end, frame.announced) for end in (one, other) if end is not None]
    low, high = min(ends), max(ends)
    return lambda stored: ((stored >= low) & (stored <= high)) | ~np.isfinite(stored)


def _as_stored(number: float, announced: Announced) -> float:
    """Return a number of 16 bits as the pixels have it: the header may give it another sign."""
    if announced.floats:
        return number
    if announced.signed:
        return number - 2**16 if 2**15 <= number < 2**16 else number
    return number + 2**16 if number < 0 else number
