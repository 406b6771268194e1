"""Frames of colours: those of palettes and those of three samples a pixel (PS3.3, C.7.6.3)."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fastmed.data.pixels.dicom.frame import Frame
from fastmed.data.pixels.dicom.tables import Table, palette

Bytes = NDArray[np.uint8]

_AT_ONCE = 2**22


def show_palette(frame: Frame) -> tuple[Bytes, str]:
    """Return the colours that stored values (rows, columns) stand for, uint8 (rows, columns, 3).

    Raises:
        UnreadableError: the palette is missing, or not what it says.
    """
    tables = palette(frame.fields, frame.announced.signed, frame.little)
    colours = [_as_bytes(table) for table in tables]
    pixels = np.empty((*frame.values.shape, 3), np.uint8)
    for rows in _bands(frame.values):
        for channel, table in enumerate(colours):
            pixels[rows, :, channel] = table.look_up(frame.values[rows])
    return pixels, "palette"


def show_colours(frame: Frame) -> tuple[Bytes, str]:
    """Return RGB of any number of bits as uint8 (rows, columns, 3)."""
    bits = frame.announced.stored
    if bits == 8:
        return frame.values.astype(np.uint8), "colours"
    pixels = np.empty(frame.values.shape, np.uint8)
    for rows in _bands(frame.values):
        shares = frame.values[rows] / (2.0**bits - 1)
        pixels[rows] = shares.clip(0, 1) * 255 + 0.5
    return pixels, f"colours of {bits} bits"


def _bands(values: np.ndarray) -> Iterator[slice]:
    """Yield rows that are worked on together."""
    step = max(1, _AT_ONCE // values[0].size)
    for first in range(0, len(values), step):
        yield slice(first, first + step)


def _as_bytes(table: Table) -> Table:
    """Return a table of bytes. Entries of 8 bits may be stored in either half of 16 bits."""
    greatest = 255 if table.bits == 8 and table.entries.max() <= 255 else 65535
    entries = table.entries / greatest * 255 + 0.5
    return table._replace(entries=entries.astype(np.uint8), bits=8)
