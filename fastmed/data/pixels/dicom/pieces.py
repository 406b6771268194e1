"""The compressed bytes of one frame, which lie in pieces in the file (PS3.5, A.4)."""

import struct

from pydicom.encaps import get_frame

from fastmed.data.pixels.dicom.announced import Announced
from fastmed.data.pixels.dicom.fields import Fields
from fastmed.data.pixels.dicom.structure import UNDEFINED, Source, too_long
from fastmed.data.pixels.scaling import UnreadableError

FIELDS = ("ExtendedOffsetTable", "ExtendedOffsetTableLengths")
_LEAST = 2  # bytes of a frame
_ITEM, _END_OF_ITEMS = 0xFFFEE000, 0xFFFEE0DD


def compressed_frame(source: Source, found: Announced, fields: Fields, index: int) -> bytes:
    """Return the compressed bytes of a frame.

    Raises:
        UnreadableError: the pieces are cut off, or there are fewer than frames.
    """
    if found.element.length != UNDEFINED:
        raise UnreadableError("its compressed pixels are not in pieces, as they should be")
    pieces = _count_pieces(source, found.element.start)
    if pieces < found.frames:
        raise UnreadableError(f"it announces {found.frames} frames, but holds {pieces}")
    offsets, lengths = (fields.data(keyword) for keyword in FIELDS)
    source.stream.seek(found.element.start)
    try:
        frame: bytes = get_frame(
            source.stream,
            index,
            number_of_frames=found.frames,
            extended_offsets=(offsets, lengths) if offsets and lengths else None,
        )
    except (ValueError, struct.error) as error:
        raise UnreadableError(f"frame {index} can't be found in it ({error})") from None
    if len(frame) < _LEAST:
        raise UnreadableError(f"its frame {index} is empty")
    return frame


def _count_pieces(source: Source, start: int) -> int:
    """Return how many pieces there are, besides the first one, which is a table of frames."""
    count, place = -1, start
    while (element := source.element(place, implicit=True)) and element.tag == _ITEM:
        place = element.start + element.length
        if place > source.size:
            raise UnreadableError(f"it is cut off: {too_long(element, source.size)}")
        count += 1
    if element is None or element.tag != _END_OF_ITEMS:
        raise UnreadableError("it is cut off: its compressed pixels have no end")
    return count
