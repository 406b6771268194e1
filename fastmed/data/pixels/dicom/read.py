"""A DICOM file as it is meant to be seen."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fastmed.data.pixels.dicom import announced, grey, pieces, square, tables
from fastmed.data.pixels.dicom.announced import GREY, PALETTE, read_announced
from fastmed.data.pixels.dicom.colour import show_colours, show_palette
from fastmed.data.pixels.dicom.container import open_container
from fastmed.data.pixels.dicom.decode import decode_frame
from fastmed.data.pixels.dicom.fields import Fields
from fastmed.data.pixels.dicom.frame import Frame
from fastmed.data.pixels.dicom.limits import STANDARD, Limits
from fastmed.data.pixels.opened import Opened
from fastmed.data.pixels.picture import frame_number
from fastmed.data.pixels.scaling import UnreadableError
from fastmed.errors import DataError
from fastmed.settings.image import ImageSettings

_GREY_FIELDS = (*announced.FIELDS, *pieces.FIELDS, *grey.FIELDS, *square.FIELDS)
FIELDS = tuple(dict.fromkeys([*_GREY_FIELDS, *tables.PALETTE_FIELDS]))
_OF_SEVERAL = "of several frames only the first is read (image.frame)"


class Seen(NamedTuple):
    """A frame as it is meant to be seen, with the pixels that are stored.

    Attributes:
        pixels: uint8 (rows, columns) grey or (rows, columns, 3) RGB.
        scaling: how its values became 0 to 255, in words.
        frame: as it is stored.
    """

    pixels: np.ndarray
    scaling: str
    frame: Frame


def read_dicom(path: Path, settings: ImageSettings, limits: Limits = STANDARD) -> Opened:
    """Return one frame of a file as it is meant to be seen, with square pixels.

    Args:
        path: of the file.
        settings: which frame, and how it is scaled.
        limits: what the file may announce.

    Raises:
        DataError: the file is no DICOM image, is broken, exceeds the limits, or needs a decoder
            that is not installed.
    """
    with clear_reason(path):
        seen = see_frame(path, settings, limits)
        pixels, changed = square.make_square(seen.pixels, seen.frame, limits)
    several = seen.frame.announced.frames > 1 and settings.frame == "first"
    return Opened(
        pixels,
        seen.frame.decoder,
        seen.scaling + (", made square" if changed else ""),
        _OF_SEVERAL if several else "",
    )


def see_frame(path: Path, settings: ImageSettings, limits: Limits = STANDARD) -> Seen:
    """Return one frame as it is meant to be seen, with the pixels that are stored.

    The order is that of the standard: decoding, colours, modality transformation, window or
    table, inversion, background.

    Raises:
        UnreadableError: as `read_dicom`, without the name of the file.
    """
    with open_container(path, limits) as container:
        fields = Fields(container.dataset(FIELDS))
        found = read_announced(fields, container, limits)
        index = frame_number(settings.frame, found.frames)
        frame = decode_frame(container, found, fields, index)
    if found.photometric in GREY:
        pixels, scaling = grey.show_grey(frame, settings)
    else:
        pixels, scaling = (show_palette if found.photometric == PALETTE else show_colours)(frame)
    return Seen(pixels, scaling, frame)


@contextmanager
def clear_reason(path: Path) -> Iterator[None]:
    """Turn what goes wrong within a ``with`` block into one sentence about a file.

    Raises:
        DataError: names the file and the reason. What the system says of files and memory passes.
    """
    try:
        yield
    except (DataError, OSError, MemoryError):
        raise
    except UnreadableError as error:
        raise DataError(f"{path}: {error}") from None
    except Exception as error:
        cause = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".:")
        raise DataError(f"{path}: its header can't be read ({cause})") from None
