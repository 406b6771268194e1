"""A look over all elements of a file, with bounds, before pydicom reads any of them.

pydicom goes into sequences by recursion and takes the lengths that elements announce on trust.
This walk does neither: it keeps what is open in a list, and goes on only where the file does.
"""

from struct import Struct
from typing import BinaryIO, NamedTuple

from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

from fastmed.data.pixels.dicom.limits import Limits
from fastmed.data.pixels.scaling import UnreadableError

UNDEFINED = 0xFFFFFFFF
PIXELS = {
    0x7FE00008: "FloatPixelData",
    0x7FE00009: "DoubleFloatPixelData",
    0x7FE00010: "PixelData",
}
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LONG_HEAD, _SHORT_HEAD = 12, 8
_LONG = {str(vr) for vr in EXPLICIT_VR_LENGTH_32}


class Element(NamedTuple):
    """Where an element is.

    Attributes:
        tag: group and number, as one number.
        vr: its value representation; empty where the file doesn't say it.
        start: byte at which the value begins.
        length: of the value in bytes, or ``UNDEFINED``.
    """

    tag: int
    vr: str
    start: int
    length: int

    @property
    def name(self) -> str:
        """The tag as DICOM writes it."""
        return f"({self.tag >> 16:04X},{self.tag & 0xFFFF:04X})"


class Source(NamedTuple):
    """A stream of elements.

    Attributes:
        stream: can be read and sought.
        size: of the stream in bytes.
        little: endian.
    """

    stream: BinaryIO
    size: int
    little: bool

    def element(self, place: int, implicit: bool) -> Element | None:
        """Return the element that begins at a byte, or None where fewer than 8 are left."""
        self.stream.seek(place)
        head = self.stream.read(_LONG_HEAD)
        if len(head) < _SHORT_HEAD:
            return None
        order = "<" if self.little else ">"
        group, number, length = Struct(f"{order}HHI").unpack_from(head)
        tag, vr = group << 16 | number, head[4:6]
        if implicit or group == _ITEM >> 16 or not says_vr(vr):
            return Element(tag, "", place + _SHORT_HEAD, length)
        if vr.decode() not in _LONG:
            return Element(
                tag, vr.decode(), place + _SHORT_HEAD, Struct(f"{order}H").unpack_from(head, 6)[0]
            )
        if len(head) < _LONG_HEAD:
            return None
        length = Struct(f"{order}I").unpack_from(head, _SHORT_HEAD)[0]
        return Element(tag, vr.decode(), place + _LONG_HEAD, length)

    def is_implicit(self, place: int) -> bool:
        """True if the element that begins at a byte doesn't say its value representation."""
        self.stream.seek(place + 4)
        return not says_vr(self.stream.read(2))


class _Open(NamedTuple):
    """A sequence or an item that the walk is in.

    Attributes:
        end: the byte after it, or that of what it lies in.
        closing: the tag that closes it; 0 if its length is known.
        implicit: whether the elements in it don't say their value representation.
        sequence: of items, or else an item.
        raw: whether the items are not data sets, but pieces of pixel data.
    """

    end: int
    closing: int
    implicit: bool
    sequence: bool
    raw: bool = False

    def ended(self, place: int, size: int) -> bool:
        """True if a byte is behind it; one without a length that runs to the end is cut off."""
        return place >= self.end and (not self.closing or self.end < size)


def says_vr(two: bytes) -> bool:
    """True if two bytes can be a value representation."""
    return len(two) == 2 and two.isalpha() and two.isupper()


def find_pixels(source: Source, start: int, implicit: bool, limits: Limits) -> Element | None:
    """Return the element of the pixels, having looked over all that come before.

    Args:
        source: of the elements.
        start: the byte at which the data set begins.
        implicit: whether its elements don't say their value representation.
        limits: of depth and number.

    Raises:
        UnreadableError: an element is longer than the file, sequences are nested too deep or are
            cut off, or there are too many elements.
    """
    within: list[_Open] = []
    place = start
    for _ in range(limits.elements):
        while within and within[-1].ended(place, source.size):
            within.pop()
        element = source.element(place, within[-1].implicit if within else implicit)
        if element is None and within:
            raise UnreadableError("it is cut off within a sequence")
        if element is None:
            return None
        if not within and element.tag in PIXELS:
            return element
        place = _step(source, element, within, implicit)
        if len(within) > 2 * limits.depth:  # each sequence has one item open
            raise UnreadableError(f"its sequences are nested more than {limits.depth} deep")
    raise UnreadableError(f"its header has more than {limits.elements} elements")


def _step(source: Source, element: Element, within: list[_Open], implicit: bool) -> int:
    """Go into an element, or past it; return where the next one begins."""
    last = within[-1] if within else _Open(source.size, 0, implicit, sequence=False)
    if element.tag in (_ITEM_END, _SEQUENCE_END):
        if element.tag == last.closing:
            within.pop()
        return element.start
    defined = element.length != UNDEFINED
    end = element.start + element.length if defined else last.end
    if defined and end > source.size:
        raise UnreadableError(too_long(element, source.size))
    if element.tag == _ITEM and last.sequence and not last.raw:
        inside = last.implicit or source.is_implicit(element.start)
        within.append(_Open(min(end, last.end), 0 if defined else _ITEM_END, inside, False))
        return element.start
    if _is_sequence(element):
        closing = 0 if defined else _SEQUENCE_END
        raw = not defined and (element.tag in PIXELS or element.vr not in ("SQ", "UN", ""))
        inside = last.implicit or element.vr == "UN"
        within.append(_Open(min(end, last.end), closing, inside, True, raw))
        return element.start
    return min(end, last.end)


def too_long(element: Element, size: int) -> str:
    """Return in one clause that an element is longer than what is left of the file."""
    return (
        f"its element {element.name} announces {element.length} bytes, but only "
        f"{size - element.start} are left in the file"
    )


def _is_sequence(element: Element) -> bool:
    """True if an element has items; by the dictionary, where the file doesn't say it."""
    if element.length == UNDEFINED or element.vr == "SQ":
        return True
    unsaid = element.vr in ("", "UN") and dictionary_has_tag(element.tag)
    return unsaid and dictionary_VR(element.tag) == "SQ"
