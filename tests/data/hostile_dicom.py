"""DICOM files that are broken, or made to crash, stall or swell their reader.

`CASES` maps a name to a function that writes such a file into a folder and returns its path. Each
must be refused in one sentence that names it.
"""

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hostile_pictures import deflated_zeros
from made import dicom_of, dicom_sequence, write_dicom, write_pieces
from PIL import Image
from pydicom.encaps import get_frame
from pydicom.uid import (
    JPEG2000,
    MPEG4HP41,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    MediaStorageDirectoryStorage,
    RLELossless,
)

SMALL = np.random.default_rng(1).integers(0, 256, (40, 48), dtype=np.uint8)
PREAMBLE = 128
SIDE = 65535
_ITEM, _ITEM_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0\0\0\0\0"
_SEQUENCE_END = b"\xfe\xff\xdd\xe0\0\0\0\0"
_UNDEFINED = b"\xff" * 4
_DEEP = 20_000


def jpeg(values: np.ndarray = SMALL) -> bytes:
    """Return values as JPEG baseline."""
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def compressed(syntax: str, values: np.ndarray = SMALL) -> bytes:
    """Return values as pydicom compresses them."""
    if syntax == JPEGBaseline8Bit:
        return jpeg(values)
    dataset = dicom_of(values)
    dataset.compress(syntax, generate_instance_uid=False)
    return get_frame(dataset.PixelData, 0)


def resized(syntax: str, rows: int, columns: int) -> bytes:
    """Return a compressed image that says it had another size (as large as all of its tiles)."""
    frame = compressed(syntax)
    if syntax == JPEG2000Lossless:
        size = struct.pack(">6I", columns, rows, 0, 0, columns, rows)
        place = frame.index(b"\xff\x51") + 6
    else:
        size = struct.pack(">HH", rows, columns)
        place = frame.index(b"\xff\xf7" if syntax == JPEGLSLossless else b"\xff\xc0") + 5
    return frame[:place] + size + frame[place + len(size) :]


def with_header(path: Path, elements: bytes, syntax: str = ExplicitVRLittleEndian) -> Path:
    """Write an image with more elements, as bytes, before all others."""
    write_dicom(path, SMALL, syntax)
    content = path.read_bytes()
    first = b"\x08\0\x16\0UI" if syntax == ExplicitVRLittleEndian else b"\x08\0\x16\0"
    place = content.index(first, PREAMBLE + 200)
    path.write_bytes(content[:place] + elements + content[place:])
    return path


def nested(depth: int, defined: bool, implicit: bool = False) -> bytes:
    """Return sequences within sequences, of known or of undefined lengths."""
    head = b"\x08\0\x40\x11" + (b"" if implicit else b"SQ\0\0")
    if not defined:
        inner = (head + _UNDEFINED + _ITEM + _UNDEFINED) * depth
        return inner + (_ITEM_END + _SEQUENCE_END) * depth
    parts: list[bytes] = []
    length = 0
    for _ in range(depth):
        item = _ITEM + struct.pack("<I", length)
        parts.append(head + struct.pack("<I", length + 8) + item)
        length += len(parts[-1])
    return b"".join(reversed(parts))


def lookup_table(**changes: Any) -> dict[str, Any]:
    """Return the fields of a table of four entries."""
    return {"LUTDescriptor": [4, 0, 16], "LUTData": struct.pack("<4H", 0, 9, 99, 999), **changes}


def palette(**changes: Any) -> dict[str, Any]:
    """Return the fields of a palette of 256 colours."""
    fields: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour in ("Red", "Green", "Blue"):
        fields[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        fields[f"{colour}PaletteColorLookupTableData"] = bytes(512)
    return fields | changes


def _fields(**fields: Any) -> Callable[[Path], Path]:
    return lambda path: write_dicom(path, SMALL, **fields)


def _table(keyword: str, **changes: Any) -> Callable[[Path], Path]:
    return _fields(**{keyword: dicom_sequence(lookup_table(**changes))})


def _pieces(syntax: str, frame: Callable[[], bytes], **fields: Any) -> Callable[[Path], Path]:
    return lambda path: write_pieces(path, SMALL, syntax, [frame()], **fields)


def _giant(syntax: str) -> Callable[[Path], Path]:
    """Return the writer of a file whose header and frame announce 65535 x 65535 pixels."""

    def frame() -> bytes:
        return compressed(syntax) if syntax == RLELossless else resized(syntax, SIDE, SIDE)

    return _pieces(syntax, frame, Rows=SIDE, Columns=SIDE)


def _other_size(syntax: str, rows: int, columns: int) -> Callable[[Path], Path]:
    """Return the writer of a file whose frame is of another size than its header says."""
    return _pieces(syntax, lambda: resized(syntax, rows, columns))


def _cut_frame(syntax: str, share: float = 0.6) -> Callable[[Path], Path]:
    """Return the writer of a whole file around a frame that is cut off."""

    def frame() -> bytes:
        whole = compressed(syntax)
        return whole[: int(len(whole) * share) // 2 * 2]

    return _pieces(syntax, frame)


def _cut_file(syntax: str, share: float = 0.8) -> Callable[[Path], Path]:
    def write(path: Path) -> Path:
        if syntax == JPEGBaseline8Bit:
            write_pieces(path, SMALL, syntax, [jpeg()])
        else:
            write_dicom(path, SMALL, syntax)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])
        return path

    return write


def _bytes(content: bytes) -> Callable[[Path], Path]:
    def write(path: Path) -> Path:
        path.write_bytes(content)
        return path

    return write


def _preamble(start: bytes) -> Callable[[Path], Path]:
    def write(path: Path) -> Path:
        content = write_dicom(path, SMALL).read_bytes()
        path.write_bytes(start.ljust(PREAMBLE, b"\0") + content[PREAMBLE:])
        return path

    return write


def _patched(old: bytes, new: bytes, **fields: Any) -> Callable[[Path], Path]:
    """Return the writer of a file in which bytes are exchanged for others."""

    def write(path: Path) -> Path:
        content = write_dicom(path, SMALL, **fields).read_bytes()
        assert content.count(old) == 1
        path.write_bytes(content.replace(old, new))
        return path

    return write


def _header(elements: bytes, syntax: str = ExplicitVRLittleEndian) -> Callable[[Path], Path]:
    return lambda path: with_header(path, elements, syntax)


def _honest_frames(path: Path) -> Path:
    """Write a file that has all of the 2^31-1 frames it announces, of one pixel each: a hole."""
    count = 2**31 - 1
    write_dicom(path, SMALL[:1, :1], NumberOfFrames=count)
    content = path.read_bytes()[:-6] + struct.pack("<I", count + 1)
    path.write_bytes(content)
    with path.open("r+b") as file:
        file.truncate(len(content) + count + 1)
    return path


def _deflate_bomb(path: Path) -> Path:
    """Write a file of 5 MB that grows to 5 GB."""
    header = write_dicom(path, SMALL, DeflatedExplicitVRLittleEndian).read_bytes()
    start = PREAMBLE + 4 + 12 + struct.unpack("<I", header[140:144])[0]
    path.write_bytes(header[:start] + deflated_zeros(5000))
    return path


def _cut_deflated(path: Path) -> Path:
    content = write_dicom(path, SMALL, DeflatedExplicitVRLittleEndian).read_bytes()
    path.write_bytes(content[:-600])
    return path


def _oblong(path: Path) -> Path:
    return write_dicom(path, np.zeros((1100, 1000), np.uint8), PixelSpacing=["95", "1"])


def _unknown_coding(path: Path) -> Path:
    content = write_pieces(path, SMALL, JPEG2000, [compressed(JPEG2000Lossless)]).read_bytes()
    path.write_bytes(content.replace(b"1.2.4.91", b"1.2.4.99"))
    return path


def _directory(path: Path) -> Path:
    dataset = dicom_of(SMALL)
    dataset.SOPClassUID = MediaStorageDirectoryStorage
    dataset.save_as(path, enforce_file_format=True)
    return path


def _png(path: Path) -> Path:
    Image.fromarray(SMALL).save(path, "PNG")
    return path


def _segment_bomb() -> bytes:
    """Return segments of a palette that would grow to 65535 times 65535 entries."""
    first = struct.pack("<3H", 0, 1, 7) + struct.pack("<3H", 1, 65535, 9)
    return first + struct.pack("<4H", 2, 65535, 6, 0) * 50


_SEGMENTED: dict[str, Any] = {
    f"{colour}PaletteColorLookupTableData": b"" for colour in ("Red", "Green", "Blue")
} | {
    f"Segmented{colour}PaletteColorLookupTableData": _segment_bomb()
    for colour in ("Red", "Green", "Blue")
}

_WRITERS: dict[str, Callable[[Path], Path]] = {
    # what is announced is far more than is there
    "native_65535": _fields(Rows=SIDE, Columns=SIDE),
    "rle_65535": _giant(RLELossless),
    "jpeg_65535": _giant(JPEGBaseline8Bit),
    "jpeg_ls_65535": _giant(JPEGLSLossless),
    "jpeg_2000_65535": _giant(JPEG2000Lossless),
    "oblong_pixels": _oblong,
    "frames_2_31": _fields(NumberOfFrames=2**31 - 1),
    "frames_2_31_honest": _honest_frames,
    "frames_2_31_compressed": _pieces(
        JPEG2000Lossless, lambda: compressed(JPEG2000Lossless), NumberOfFrames=2**31 - 1
    ),
    "frames_more_than_there_are": _fields(NumberOfFrames=3),
    "frames_more_than_pieces": _pieces(
        JPEG2000Lossless, lambda: compressed(JPEG2000Lossless), NumberOfFrames=3
    ),
    "deflate_bomb": _deflate_bomb,
    # fields that can't be
    "frames_1A": _patched(b"IS\x02\x0011", b"IS\x02\x001A", NumberOfFrames=11),
    "frames_of_escapes": _patched(b"IS\x02\x0011", b"IS\x02\x00\x1b\n", NumberOfFrames=11),
    "frames_negative": _fields(NumberOfFrames=-1),
    "rows_0": _fields(Rows=0),
    "bits_allocated_12": _fields(BitsAllocated=12),
    "bits_stored_9_of_8": _fields(BitsStored=9, HighBit=8),
    "bits_stored_0": _fields(BitsStored=0),
    "high_bit_20": _fields(HighBit=20),
    "planes_2": lambda path: write_dicom(
        path, np.zeros((4, 4, 3), np.uint8), PlanarConfiguration=2
    ),
    "samples_2": _fields(SamplesPerPixel=2),
    "samples_without_colours": _fields(SamplesPerPixel=3, PlanarConfiguration=0),
    "photometric_unknown": _fields(PhotometricInterpretation="CMYK"),
    "slope_0": _fields(RescaleSlope=0, RescaleIntercept=0),
    "slope_not_a_number": _patched(b"DS\x04\x002.25", b"DS\x04\x00nan ", RescaleSlope=2.25),
    "window_text": _patched(b"DS\x04\x0077.5", b"DS\x04\x00wide", WindowCenter=77.5),
    "pixels_1_to_1000": _fields(PixelSpacing=["1000", "1"]),
    # tables
    "voi_table_too_short": _table("VOILUTSequence", LUTDescriptor=[4096, 0, 16]),
    "voi_table_without_data": _table("VOILUTSequence", LUTData=b""),
    "voi_table_of_60_bits": _table("VOILUTSequence", LUTDescriptor=[4, 0, 60]),
    "modality_table_too_short": _table("ModalityLUTSequence", LUTDescriptor=[0, 0, 16]),
    "palette_too_short": _fields(**palette(GreenPaletteColorLookupTableData=bytes(200))),
    "palette_missing": _fields(PhotometricInterpretation="PALETTE COLOR"),
    "palette_segment_bomb": _fields(**palette(**_SEGMENTED)),
    # structure
    "nested_20000": _header(nested(_DEEP, defined=True)),
    "nested_20000_undefined": _header(nested(_DEEP, defined=False)),
    "nested_20000_implicit": _header(
        nested(_DEEP, defined=False, implicit=True), ImplicitVRLittleEndian
    ),
    "nested_65": _header(nested(65, defined=True)),
    "sequence_without_end": _header(nested(3, defined=False)[:-8]),
    "element_longer_than_file": _header(b"\x08\0\x01\0OB\0\0" + struct.pack("<I", 2**31)),
    "element_longer_in_sequence": _header(
        b"\x08\0\x40\x11SQ\0\0"
        + _UNDEFINED
        + _ITEM
        + _UNDEFINED
        + b"\x08\0\x50\x11OB\0\0"
        + struct.pack("<I", 2**30)
        + _ITEM_END
        + _SEQUENCE_END
    ),
    "pixels_longer_than_file": _patched(
        b"\xe0\x7f\x10\0OB\0\0" + struct.pack("<I", SMALL.nbytes),
        b"\xe0\x7f\x10\0OB\0\0" + struct.pack("<I", 2**31),
    ),
    "meta_longer_than_file": _patched(
        b"\x02\0\x01\0OB\0\0\x02\0\0\0", b"\x02\0\x01\0OB\0\0\0\0\0\x7f"
    ),
    # compressed images of another size than the header's
    "jpeg_larger_than_header": _other_size(JPEGBaseline8Bit, SIDE, SIDE),
    "jpeg_ls_larger_than_header": _other_size(JPEGLSLossless, SIDE, SIDE),
    "jpeg_2000_larger_than_header": _other_size(JPEG2000Lossless, SIDE, SIDE),
    "jpeg_2000_smaller_than_header": _other_size(JPEG2000Lossless, 39, 48),
    "jpeg_2000_of_huge_numbers": _other_size(JPEG2000Lossless, 2**32 - 1, 2**32 - 1),
    # cut off
    "native_cut": _cut_file(ExplicitVRLittleEndian),
    "rle_cut": _cut_file(RLELossless),
    "jpeg_cut": _cut_file(JPEGBaseline8Bit),
    "jpeg_ls_cut": _cut_file(JPEGLSLossless),
    "jpeg_2000_cut": _cut_file(JPEG2000Lossless),
    "rle_frame_cut": _cut_frame(RLELossless),
    "jpeg_frame_cut": _cut_frame(JPEGBaseline8Bit),
    "jpeg_ls_frame_cut": _cut_frame(JPEGLSLossless),
    "jpeg_2000_frame_cut": _cut_frame(JPEG2000Lossless),
    "jpeg_2000_frame_cut_at_start": _cut_frame(JPEG2000Lossless, share=0.01),
    "frame_empty": _pieces(JPEG2000Lossless, lambda: bytes(2)),
    "frame_missing": lambda path: write_pieces(
        path, SMALL, RLELossless, [b"\0\0"], PixelData=b"\xfe\xff\0\xe0\0\0\0\0" * 2
    ),
    "frame_of_noise": _pieces(JPEGLosslessSV1, lambda: bytes(range(256))),
    "deflated_cut": _cut_deflated,
    # no images
    "empty": _bytes(b""),
    "text": _bytes(b"This is the report of a chest X-ray.\n" * 20),
    "png": _png,
    "mark_missing": _bytes(bytes(400)),
    "nothing_after_mark": _bytes(bytes(PREAMBLE) + b"DICM"),
    "windows_program": _preamble(b"MZ\x90\0"),
    "linux_program": _preamble(b"\x7fELF\x02\x01\x01"),
    "script": _preamble(b"#!/bin/sh\nexit 1\n"),
    "directory": _directory,
    "video": _pieces(MPEG4HP41, lambda: bytes(100)),
    "coding_unknown": _unknown_coding,
    "coding_no_coding": _patched(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.1.\0\0"),
}


def _into(name: str, write: Callable[[Path], Path]) -> Callable[[Path], Path]:
    return lambda folder: write(folder / f"{name}.dcm")


CASES: dict[str, Callable[[Path], Path]] = {
    name: _into(name, write) for name, write in _WRITERS.items()
}
