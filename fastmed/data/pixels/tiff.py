"""What a TIFF file announces of its pages, read before any pixel is decoded (TIFF 6.0)."""

import struct
from typing import BinaryIO, NamedTuple

from PIL.TiffImagePlugin import ImageFileDirectory_v2

from fastmed.data.pixels.limits import MOST_FRAMES
from fastmed.data.pixels.scaling import UnreadableError

STARTS = (b"II*\0", b"MM\0*", b"II+\0")  # little- and big-endian, and BigTIFF

_SIGNED, _FLOAT = 2, 3  # SampleFormat
_PLANAR = 2  # PlanarConfiguration
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2  # PhotometricInterpretation


class Page(NamedTuple):
    """One page as its directory describes it.

    Attributes:
        number: of the page, from 0. of: the number of pages.
        width, height: in pixels, before it is set upright.
        samples: channels of a pixel. bits: of a sample.
        kind: 1 for unsigned integers, 2 for signed ones, 3 for floats.
        meaning: the photometric interpretation: 0 white is zero, 1 black is zero, 2 RGB, ...
        alpha: of a fourth channel: 1 premultiplied, 2 straight, 0 something else.
        planar: true if the channels lie one after the other.
    """

    number: int
    of: int
    width: int
    height: int
    samples: int
    bits: int
    kind: int
    meaning: int
    alpha: int
    planar: bool

    @property
    def white_is_zero(self) -> bool:
        """True if small values are bright."""
        return self.meaning == _WHITE_IS_ZERO

    @property
    def deep(self) -> bool:
        """True if the page is grey or RGB in values that Pillow would cut off or take amiss."""
        if self.meaning not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB):
            return False
        plain_grey = self.samples == 1 and self.bits == 16 and not self.white_is_zero
        return self.kind in (_SIGNED, _FLOAT) or (self.bits >= 16 and not plain_grey)

    @property
    def bytes(self) -> int:
        """How much memory the page takes."""
        return self.width * self.height * self.samples * self.bits // 8


def page_places(file: BinaryIO) -> list[int]:
    """Return where the directory of each page begins.

    Raises:
        UnreadableError: the chain of directories is broken, circular or too long.
    """
    file.seek(0)
    start = file.read(16)
    order = "<" if start[:2] == b"II" else ">"
    big = start[2:3] == b"+"
    count, entry, link = ("Q", 20, "Q") if big else ("H", 12, "L")
    (place,) = _unpacked(order + link, start[8:] if big else start[4:])
    places: list[int] = []
    while place:
        if place in places:
            raise UnreadableError("its pages lead back to each other in a circle")
        if len(places) == MOST_FRAMES:
            raise UnreadableError(f"it has more than {MOST_FRAMES:,} pages")
        places.append(place)
        (entries,) = _unpacked(order + count, _read(file, place, struct.calcsize(order + count)))
        end = place + struct.calcsize(order + count) + entries * entry
        (place,) = _unpacked(order + link, _read(file, end, struct.calcsize(order + link)))
    if not places:
        raise UnreadableError("it has no page")
    return places


def read_page(file: BinaryIO, number: int, places: list[int]) -> Page:
    """Return what the directory of one page says.

    Raises:
        UnreadableError: the directory is broken.
    """
    file.seek(0)
    start = file.read(8)
    try:
        tags = ImageFileDirectory_v2(start + (file.read(8) if start[2:3] == b"+" else b""))
        file.seek(places[number])
        tags.load(file)
        return Page(
            number, len(places), _whole(tags, 256), _whole(tags, 257), _whole(tags, 277, 1),
            _whole(tags, 258, 1), _whole(tags, 339, 1), _whole(tags, 262, _BLACK_IS_ZERO),
            _whole(tags, 338, 2), _whole(tags, 284, 1) == _PLANAR,
        )  # fmt: skip
    except (SyntaxError, KeyError, TypeError, ValueError, OverflowError, OSError):
        raise UnreadableError("the directory of its page is broken") from None


def _whole(tags: ImageFileDirectory_v2, tag: int, default: int | None = None) -> int:
    """Return the value of a tag, the greatest where it has several."""
    value = tags[tag] if default is None else tags.get(tag, default)
    return max(int(part) for part in value) if isinstance(value, tuple) else int(value)


def _read(file: BinaryIO, place: int, size: int) -> bytes:
    try:
        file.seek(place)
    except (OverflowError, OSError, ValueError):
        return b""
    return file.read(size)


def _unpacked(layout: str, content: bytes) -> tuple[int, ...]:
    size = struct.calcsize(layout)
    if len(content) < size:
        raise UnreadableError("the file is truncated")
    return struct.unpack(layout, content[:size])
