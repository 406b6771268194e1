"""The walk over a file's elements finds the pixels, and every length that can't be true."""

import io
import struct
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hostile_dicom import SMALL, nested, with_header
from made import dicom_sequence, write_dicom, write_pieces
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from fastmed.data.pixels.dicom.limits import STANDARD, Limits
from fastmed.data.pixels.dicom.read import read_dicom
from fastmed.data.pixels.dicom.structure import Source, find_pixels
from fastmed.data.pixels.scaling import UnreadableError
from fastmed.errors import DataError
from fastmed.settings.image import ImageSettings

BYTES = np.array([[1, 100], [200, 255]], dtype=np.uint8)
PLAIN = ImageSettings()


def walk(content: bytes, implicit: bool = False, limits: Limits = STANDARD):
    return find_pixels(Source(io.BytesIO(content), len(content), True), 0, implicit, limits)


def element(tag: int, vr: str, content: bytes, length: int | None = None) -> bytes:
    """Return an element with a short head, explicit and little-endian."""
    size = len(content) if length is None else length
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr.encode(), size) + content


@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian]
)
def test_the_pixels_are_where_pydicom_finds_them(syntax: str, tmp_path: Path):
    path = write_dicom(
        tmp_path / "a.dcm", BYTES, syntax, PatientName="X",
        ReferencedStudySequence=dicom_sequence({"ReferencedSOPInstanceUID": "1.2"}, {}),
    )  # fmt: skip
    start = pydicom.dcmread(path).get_item("PixelData").value_tell
    with path.open("rb") as file:
        source = Source(file, path.stat().st_size, syntax != ExplicitVRBigEndian)
        meta = 144 + struct.unpack("<I", path.read_bytes()[140:144])[0]
        found = find_pixels(source, meta, syntax == ImplicitVRLittleEndian, STANDARD)
    assert found is not None
    assert (found.tag, found.start, found.length) == (0x7FE00010, start, 4)


@pytest.mark.parametrize("undefined", [True, False])
def test_sequences_of_any_length_are_walked_through(undefined: bool, tmp_path: Path):
    sequence = dicom_sequence({"ReferencedStudySequence": dicom_sequence({"SeriesNumber": "7"})})
    sequence.is_undefined_length = undefined
    sequence[0].is_undefined_length_sequence_item = undefined
    path = write_dicom(tmp_path / "a.dcm", BYTES, ReferencedSeriesSequence=sequence)
    np.testing.assert_array_equal(read_dicom(path, PLAIN).pixels, BYTES)


def test_a_picture_within_a_sequence_is_not_the_image(tmp_path: Path):
    """An icon may have pieces of compressed pixels of its own, without lengths."""
    unknown, item, end = b"\xff" * 4, b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0\0\0\0\0"
    pieces = encapsulate([b"\x01\x02" * 9], has_bot=False)
    pixels = b"\xe0\x7f\x10\0OB\0\0" + unknown + pieces + end
    icon = b"\x88\0\x00\x02SQ\0\0" + unknown + item + unknown + pixels
    icon += b"\xfe\xff\x0d\xe0\0\0\0\0" + end
    path = with_header(tmp_path / "a.dcm", icon)
    np.testing.assert_array_equal(read_dicom(path, PLAIN).pixels, SMALL)


def test_without_pixels():
    assert walk(element(0x00080060, "CS", b"CR")) is None
    assert walk(b"") is None
    assert walk(b"\x08\0\x60") is None


def test_depth_is_limited():
    assert walk(nested(64, defined=True)) is None
    assert walk(nested(64, defined=False)) is None
    with pytest.raises(UnreadableError, match="nested more than 64 deep"):
        walk(nested(65, defined=True))
    with pytest.raises(UnreadableError, match="nested more than 3 deep"):
        walk(nested(4, defined=False), limits=Limits(depth=3))


def test_number_is_limited():
    elements = element(0x00080060, "CS", b"CR") * 20
    assert walk(elements) is None
    with pytest.raises(UnreadableError, match="more than 20 elements"):
        walk(elements + elements, limits=Limits(elements=20))


def test_a_length_beyond_the_file():
    with pytest.raises(UnreadableError, match=r"\(0008,0060\) announces 9 bytes, but only 2 are"):
        walk(element(0x00080060, "CS", b"CR", length=9))


def test_a_length_beyond_the_sequence_ends_with_it():
    """What overruns its item can't reach what comes after: pydicom reads no further, either."""
    inner = element(0x00080060, "CS", b"CR", length=20)
    item = b"\xfe\xff\x00\xe0" + struct.pack("<I", len(inner)) + inner
    sequence = b"\x08\0\x40\x11SQ\0\0" + struct.pack("<I", len(item)) + item
    pixels = b"\xe0\x7f\x10\0OB\0\0" + struct.pack("<I", 4) + bytes(30)
    found = walk(sequence + pixels)
    assert found is not None
    assert found.start == len(sequence) + 12


def test_implicit_elements_within_explicit_ones(tmp_path: Path):
    """A sequence of unknown representation is written implicitly (PS3.5, 6.2.2)."""
    inner = struct.pack("<HHI", 0x0008, 0x0060, 2) + b"CR"
    item = b"\xfe\xff\x00\xe0" + struct.pack("<I", len(inner)) + inner
    unknown = b"\x09\0\x10\x10UN\0\0" + b"\xff" * 4 + item + b"\xfe\xff\xdd\xe0\0\0\0\0"
    path = with_header(tmp_path / "a.dcm", unknown)
    assert read_dicom(path, PLAIN).pixels.shape == (40, 48)


def test_what_the_file_says_of_its_coding_is_not_trusted(tmp_path: Path):
    """Explicit elements under the name of implicit ones, as some writers have them."""
    path = write_dicom(tmp_path / "a.dcm", BYTES)
    explicit, implicit = b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2\0\0\0"
    path.write_bytes(path.read_bytes().replace(explicit, implicit))
    np.testing.assert_array_equal(read_dicom(path, PLAIN).pixels, BYTES)


def test_limits_are_told_and_can_be_others(tmp_path: Path):
    path = write_pieces(tmp_path / "a.dcm", BYTES, ExplicitVRLittleEndian, [b"\0\0"])
    with pytest.raises(DataError, match="2 x 2 pixels are more than the limit of 3"):
        read_dicom(path, PLAIN, Limits(pixels=3))


def test_a_sequence_without_a_length_ends_with_what_it_lies_in():
    """Or else the walk would stand still at the end of the outer one."""
    inner = b"\x08\0\x40\x11SQ\0\0" + b"\xff" * 4 + element(0x00080060, "CS", b"CR", length=90)
    item = b"\xfe\xff\x00\xe0" + struct.pack("<I", len(inner)) + inner
    outer = b"\x08\0\x15\x11SQ\0\0" + struct.pack("<I", len(item)) + item
    pixels = b"\xe0\x7f\x10\0OB\0\0" + struct.pack("<I", 4) + bytes(100)
    found = walk(outer + pixels, limits=Limits(elements=10))
    assert found is not None
    assert found.start == len(outer) + 12
