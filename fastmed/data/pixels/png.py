"""What a PNG file announces, as far as Pillow doesn't tell (PNG, third edition)."""

import struct
from typing import BinaryIO

from fastmed.data.pixels.scaling import UnreadableError

GREY, GREY_WITH_ALPHA = 0, 4  # colour types (11.2.1)

_FIRST_CHUNK = 8  # after the signature
_DEPTH = 24  # the byte that holds the bits of a sample; the colour type follows


def deep_colour_type(file: BinaryIO) -> int:
    """Return the colour type of a PNG with 16 bits a sample, and else that of a grey one."""
    file.seek(_DEPTH)
    depth, colour_type = file.read(2)
    return int(colour_type) if depth == 16 else GREY


def check_chunks(file: BinaryIO) -> None:
    """Refuse a file with a chunk that is longer than what is left of it (5.3).

    Pillow reads what it needs of such a chunk; OpenCV sets memory aside for all of it.

    Raises:
        UnreadableError: the file is truncated.
    """
    size, place = file.seek(0, 2), _FIRST_CHUNK
    while place < size:
        file.seek(place)
        start = file.read(8)
        length, kind = struct.unpack(">L4s", start) if len(start) == 8 else (size, b"")
        place += 12 + length
        if place > size:
            raise UnreadableError("the file is truncated")
        if kind == b"IEND":
            return
