"""What a compressed frame says of itself: its size, its colours, and that it is whole.

Decoders take memory for the size in the frame, and some of them return a frame that is cut off as
if it were whole. Both are looked at before they are called.
"""

import struct
from struct import unpack_from
from typing import NamedTuple

from pydicom.uid import UID, JPEG2000TransferSyntaxes, JPEGLSTransferSyntaxes, JPEGTransferSyntaxes

from fastmed.data.pixels.dicom.announced import Announced
from fastmed.data.pixels.scaling import UnreadableError

_J2K_START, _J2K_SIZE, _J2K_TILE, _END = b"\xff\x4f", b"\xff\x51", b"\xff\x90", b"\xff\xd9"
_JPEG_START = b"\xff\xd8"
_MOST_TILES = 65535  # ISO 15444-1, A.5.1
_ALONE = {0x01, *range(0xD0, 0xD8)}  # markers of JPEG without a length
_NO_FRAME = {0xC4, 0xC8, 0xCC}  # among the markers of a frame's start, those of tables
_RGB = ([82, 71, 66], [114, 103, 98])  # "RGB" and "rgb" as names of components


class _Size(NamedTuple):
    rows: int
    columns: int
    samples: int


def checked_colours(frame: bytes, syntax: UID, announced: Announced) -> str:
    """Return what the samples of a compressed frame mean, by the frame and then by the header.

    Raises:
        UnreadableError: the frame is cut off, or of another size than the header says.
    """
    if syntax in JPEG2000TransferSyntaxes:
        size, colours = _jpeg_2000(frame), announced.photometric
    elif syntax in (*JPEGTransferSyntaxes, *JPEGLSTransferSyntaxes):
        size, colours = _jpeg(frame, announced.photometric)
    else:
        return announced.photometric
    expected = _Size(announced.rows, announced.columns, announced.samples)
    if size != expected:
        raise UnreadableError(
            f"its compressed image has {_shown(size)}, but its header says {_shown(expected)}"
        )
    return colours


def _shown(size: _Size) -> str:
    return f"{size.rows} x {size.columns} x {size.samples} values"


def _jpeg(frame: bytes, photometric: str) -> tuple[_Size, str]:
    """Return size and colours of JPEG and JPEG-LS (ISO 10918-1, B.2; ISO 14495-1, C.2)."""
    if not frame.startswith(_JPEG_START):
        raise UnreadableError("its compressed image is no JPEG")
    if _END not in frame[-16:]:
        raise UnreadableError("its compressed image is cut off")
    place, names_colours = 2, False
    try:
        while True:
            mark, code, length = unpack_from(">BBH", frame, place)
            if mark != 0xFF:
                raise UnreadableError("its compressed image is broken")
            if code == 0xFF or code in _ALONE:
                place += 1 if code == 0xFF else 2
                continue
            if code == 0xF7 or (0xC0 <= code <= 0xCF and code not in _NO_FRAME):
                break
            names_colours |= 0xE0 <= code <= 0xEF and frame[place + 4 :].startswith(b"JFIF")
            place += 2 + length
        rows, columns, samples = unpack_from(">HHB", frame, place + 5)
    except struct.error:
        raise UnreadableError("its compressed image is broken") from None
    names = [*frame[place + 10 : place + 10 + 3 * samples : 3]]
    return _Size(rows, columns, samples), _colours(photometric, names, names_colours)


def _colours(photometric: str, names: list[int], jfif: bool) -> str:
    """Return what the samples mean, where the compressed image says so itself."""
    if names in _RGB:
        return "RGB"
    return "YBR_FULL" if jfif and photometric == "RGB" else photometric


def _jpeg_2000(frame: bytes) -> _Size:
    """Return the size of a JPEG 2000 image, raw or in a JP2 file (ISO 15444-1, A.5.1)."""
    start = frame.find(_J2K_START + _J2K_SIZE)
    if start < 0:
        raise UnreadableError("its compressed image is no JPEG 2000")
    try:
        right, bottom, left, top, width, height, tile_x, tile_y, samples = unpack_from(
            ">8IH", frame, start + 8
        )
    except struct.error:
        raise UnreadableError("its compressed image is cut off") from None
    tiles = -(-(right - tile_x) // max(width, 1)) * -(-(bottom - tile_y) // max(height, 1))
    if not 1 <= tiles <= _MOST_TILES:
        raise UnreadableError(
            f"its compressed image has {tiles} tiles, expected 1 to {_MOST_TILES}"
        )
    _check_whole(frame, start)
    return _Size(bottom - top, right - left, samples)


def _check_whole(frame: bytes, start: int) -> None:
    """Refuse a JPEG 2000 image that lacks a part: parts of tiles say how long they are (A.4.2)."""
    place = start + 2
    try:
        while frame[place : place + 2] != _J2K_TILE:
            place += 2 + unpack_from(">H", frame, place + 2)[0]
        while frame[place : place + 2] == _J2K_TILE:
            length = unpack_from(">I", frame, place + 6)[0]
            if length == 0:  # the last one goes on to the end
                place = frame.rfind(_END)
                break
            place += length
    except struct.error:
        place = -1
    if place < 0 or place > len(frame):
        raise UnreadableError("its compressed image is cut off")
