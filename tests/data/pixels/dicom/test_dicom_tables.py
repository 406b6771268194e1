"""Lookup tables in every form the standard knows, and none that is shorter than it says."""

import struct
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from fastmed.data.pixels.dicom.fields import Fields
from fastmed.data.pixels.dicom.tables import Table, grey_table, palette
from fastmed.data.pixels.scaling import UnreadableError


def fields_of(little: bool = True, **raw: Any) -> Fields:
    """Return fields of which numbers are stored as words, and bytes as they are."""
    elements = {}
    for keyword, value in raw.items():
        words = struct.Struct(f"{'<' if little else '>'}{len(value)}H")
        content = value if isinstance(value, bytes) else words.pack(*[v % 65536 for v in value])
        tag = Tag(keyword)
        elements[tag] = RawDataElement(tag, "OW", len(content), content, 0, False, little)
    return Fields(Dataset(elements))


def table(little: bool = True, signed: bool = False, **raw: Any) -> Table:
    return grey_table(fields_of(little, **raw), signed, little)


@pytest.mark.parametrize("little", [True, False])
def test_entries_of_two_bytes(little: bool):
    found = table(little, LUTDescriptor=[3, 10, 12], LUTData=[0, 2000, 4095])
    assert (found.first, found.entries.tolist(), found.greatest) == (10, [0, 2000, 4095], 4095)
    looked_up = found.look_up(np.array([-5, 9, 10, 10.6, 11, 12, 13, 1e6]))
    assert looked_up.tolist() == [0, 0, 0, 2000, 2000, 4095, 4095, 4095]


def test_entries_of_one_byte():
    little = table(LUTDescriptor=[4, 0, 8], LUTData=b"\x01\x02\x03\x04")
    big = table(False, LUTDescriptor=[4, 0, 8], LUTData=b"\x02\x01\x04\x03")
    assert little.entries.tolist() == big.entries.tolist() == [1, 2, 3, 4]


def test_entries_of_one_byte_that_declare_two():
    found = table(LUTDescriptor=[3, 0, 16], LUTData=b"\x01\x02\x03\0")
    assert (found.entries.tolist(), found.bits) == ([1, 2, 3], 8)


def test_first_values_below_zero():
    assert table(LUTDescriptor=[2, -5, 8], LUTData=[7, 9], signed=True).first == -5
    assert table(LUTDescriptor=[2, -5, 8], LUTData=[7, 9], signed=False).first == 65531


def test_no_entries_stand_for_65536():
    found = table(LUTDescriptor=[0, 0, 16], LUTData=np.arange(65536).tolist())
    np.testing.assert_array_equal(found.look_up(np.arange(65536)), np.arange(65536))


@pytest.mark.parametrize(
    "descriptor, data, reason",
    [
        ([5, 0, 16], [1, 2, 3, 4], "announces 5 entries, but LUTData has 4"),
        ([100, 0, 8], b"\x01\x02", "announces 100 entries, but LUTData has 2"),
        ([0, 0, 16], [1], "announces 65536 entries, but LUTData has 1"),
        ([4, 0, 16], b"", "announces 4 entries, but LUTData has 0"),
        ([4, 0, 17], [1, 2, 3, 4], r"LUTDescriptor is \[4, 0, 17\], expected"),
        ([4, 0], [1, 2, 3, 4], r"LUTDescriptor is \[4, 0\], expected"),
    ],
)
def test_tables_that_are_not_what_they_say(descriptor: list, data: Any, reason: str):
    with pytest.raises(UnreadableError, match=reason):
        table(LUTDescriptor=descriptor, LUTData=data)


def test_a_missing_table():
    with pytest.raises(UnreadableError, match="its header has no LUTDescriptor"):
        table(LUTData=[1])


def colours(little: bool = True, bits: int = 16, count: int = 0, **data: Any) -> list[list[int]]:
    raw = {}
    for colour in ("Red", "Green", "Blue"):
        raw[f"{colour}PaletteColorLookupTableDescriptor"] = [count, 0, bits]
        kind = "Segmented" if "segments" in data else ""
        raw[f"{kind}{colour}PaletteColorLookupTableData"] = next(iter(data.values()))
    return [one.entries.tolist() for one in palette(fields_of(little, **raw), False, little)]


def test_palettes():
    assert colours(count=2, entries=[256, 65535]) == [[256, 65535]] * 3
    assert colours(count=2, bits=8, entries=b"\x07\x08") == [[7, 8]] * 3


# The three kinds of segments (PS3.3, C.7.9.2): values as they are; a line to a value; and a copy of
# segments that begin at a byte of the data.
SEGMENTS = [0, 2, 10, 20, 1, 4, 60, 2, 1, 8, 0, 0, 1, 5]
EXPANDED = [10, 20, 30, 40, 50, 60, 60, 60, 60, 60, 5]


@pytest.mark.parametrize("little", [True, False])
def test_segments_of_words(little: bool):
    assert colours(little, count=11, segments=SEGMENTS) == [EXPANDED] * 3


@pytest.mark.parametrize("little", [True, False])
def test_segments_of_bytes(little: bool):
    numbers = [0, 2, 10, 20, 1, 4, 60, 2, 1, 4, 0, 0, 0, 0, 1, 5]
    content = bytes(numbers)
    if not little:
        content = np.frombuffer(content, ">u2").astype("<u2").tobytes()
    assert colours(little, bits=8, count=11, segments=content) == [EXPANDED] * 3


@pytest.mark.parametrize(
    "segments",
    [
        [0, 9, 1, 2],  # shorter than it says
        [1, 4, 60],  # a line from nowhere
        [0, 0, 0, 0, 0, 0],  # nothing
        [0, 1, 7, 3, 1, 1],  # of no known kind
        [0, 1, 7, 2, 5, 60000, 0],  # a copy from beyond the end
        [0, 1, 7, 1, 65535, 9, 1, 65535, 9],  # too many
        [0, 1, 7, 1, 40000, 9] + [2, 65535, 6, 0] * 20,  # far too many
    ],
)
def test_segments_that_are_broken(segments: list[int]):
    reason = "SegmentedRedPaletteColorLookupTableData (is broken|has)"
    with pytest.raises(UnreadableError, match=reason):
        colours(count=20, segments=segments)


def test_segments_that_make_too_few():
    with pytest.raises(UnreadableError, match="announces 12 entries, but Segmented.* has 11"):
        colours(count=12, segments=SEGMENTS)
