"""Lookup tables: grey ones (PS3.3, C.11.1 and C.11.2) and palettes of colours (C.7.6.3.1.5)."""

from typing import NamedTuple

import numpy as np

from fastmed.data.pixels.dicom.fields import Fields
from fastmed.data.pixels.scaling import UnreadableError

_COLOURS = ("Red", "Green", "Blue")
PALETTE_FIELDS = tuple(
    f"{kind}{colour}PaletteColorLookupTable{what}"
    for colour in _COLOURS
    for kind, what in (("", "Descriptor"), ("", "Data"), ("Segmented", "Data"))
)
_DISCRETE, _LINEAR, _INDIRECT = 0, 1, 2  # kinds of segments
_BITS = range(8, 17)
_MOST_ENTRIES = 2**16


class Table(NamedTuple):
    """A lookup table.

    Attributes:
        first: the value that the first entry stands for.
        entries: int64, one for each value from there on.
        bits: that an entry may have.
    """

    first: int
    entries: np.ndarray
    bits: int

    @property
    def greatest(self) -> float:
        """The greatest value that an entry may have."""
        return 2.0**self.bits - 1

    def look_up(self, values: np.ndarray) -> np.ndarray:
        """Return the entry of each value; values outside take the first or the last one."""
        places = np.rint(values).astype(np.int64) - self.first
        return np.asarray(self.entries[places.clip(0, len(self.entries) - 1)])


def grey_table(fields: Fields, signed: bool, little: bool) -> Table:
    """Return the table in an item of a modality or VOI sequence.

    Args:
        fields: of the item.
        signed: whether the values that are looked up may be negative.
        little: endian.

    Raises:
        UnreadableError: the table is not what its descriptor says.
    """
    count, first, bits = _descriptor(fields, "LUTDescriptor", signed)
    return Table(first, *_entries(fields.data("LUTData"), count, bits, "LUTData", little))


def palette(fields: Fields, signed: bool, little: bool) -> tuple[Table, Table, Table]:
    """Return the tables of red, green and blue."""
    red, green, blue = (_colour_table(fields, colour, signed, little) for colour in _COLOURS)
    return red, green, blue


def _colour_table(fields: Fields, colour: str, signed: bool, little: bool) -> Table:
    name = f"{colour}PaletteColorLookupTable"
    count, first, bits = _descriptor(fields, f"{name}Descriptor", signed)
    segments = fields.data(f"Segmented{name}Data")
    if segments:
        size = 1 if bits == 8 else 2
        entries = _expanded(_numbers(segments, size, little).tolist(), size, f"Segmented{name}Data")
        if len(entries) < count:
            raise UnreadableError(_too_short(f"Segmented{name}Data", count, len(entries)))
        return Table(first, entries[:count], bits)
    return Table(first, *_entries(fields.data(f"{name}Data"), count, bits, f"{name}Data", little))


def _descriptor(fields: Fields, keyword: str, signed: bool) -> tuple[int, int, int]:
    """Return the number of entries, the first value and the bits of an entry."""
    numbers = [int(number) for number in fields.numbers(keyword)]
    if not numbers:
        raise UnreadableError(f"its header has no {keyword}")
    if len(numbers) != 3 or numbers[2] not in _BITS:
        raise UnreadableError(
            f"{keyword} is {numbers}, expected the number of entries, the first value, and 8 to 16 "
            "bits"
        )
    count, first, bits = numbers
    first = first - 2**16 if signed and first >= 2**15 else first
    return count % 2**16 or _MOST_ENTRIES, first, bits


def _entries(data: bytes, count: int, bits: int, name: str, little: bool) -> tuple[np.ndarray, int]:
    """Return the entries and their bits.

    Entries of 8 bits are stored in a byte or in two. Some files with one byte an entry declare 16
    bits; they are known by their length.
    """
    in_bytes = len(data) < 2 * count and (bits == 8 or len(data) == count + count % 2)
    numbers = _numbers(data, 1 if in_bytes else 2, little)
    if len(numbers) < count:
        raise UnreadableError(_too_short(name, count, len(numbers)))
    return numbers[:count].astype(np.int64), 8 if in_bytes else bits


def _numbers(data: bytes, size: int, little: bool) -> np.ndarray:
    """Return unsigned numbers; bytes in words stand in the words' order."""
    words = np.frombuffer(data[: len(data) // 2 * 2], "<u2" if little else ">u2")
    if size == 2:
        return words
    if little:
        return np.frombuffer(data, np.uint8)
    return words.astype("<u2").view(np.uint8)


def _too_short(name: str, announced: int, found: int) -> str:
    return f"its table announces {announced} entries, but {name} has {found}"


def _expanded(numbers: list[int], size: int, name: str) -> np.ndarray:
    """Return the entries that the segments of a table stand for (PS3.3, C.7.9.2).

    Args:
        numbers: segment after segment: its kind, its length and its content.
        size: of a number in bytes.
        name: of the field.
    """
    entries: list[int] = []
    place, words = 0, 4 // size
    try:
        while place + 2 < len(numbers):
            kind, length = numbers[place : place + 2]
            if kind != _INDIRECT:
                place = _expand_one(numbers, place, entries)
                continue
            digits = enumerate(numbers[place + 2 : place + 2 + words])
            copied = sum(digit << (8 * size * power) for power, digit in digits) // size
            for _ in range(length):
                copied = _expand_one(numbers, copied, entries)
            place += 2 + words
    except (IndexError, ValueError):
        raise UnreadableError(f"{name} is broken") from None
    return np.array(entries, np.int64)


def _expand_one(numbers: list[int], place: int, entries: list[int]) -> int:
    """Append the entries of a segment; return where the next one begins.

    Raises:
        IndexError: the segment is cut off. ValueError: it is of no known kind, or has nothing
            before it to start from, or the table grows too large.
    """
    kind, length = numbers[place], numbers[place + 1]
    if length == 0 or len(entries) + length > _MOST_ENTRIES:
        raise ValueError("the segment is empty, or the table too long")
    if kind == _DISCRETE:
        entries += numbers[place + 2 : place + 2 + length]
        return place + 2 + length
    if kind == _LINEAR and entries:
        line = np.linspace(entries[-1], numbers[place + 2], length + 1)
        entries += np.rint(line[1:]).astype(int).tolist()
        return place + 3
    raise ValueError("the segment is of no known kind")
