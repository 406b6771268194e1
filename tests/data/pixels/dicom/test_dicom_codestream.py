"""Compressed images say their size and colours themselves, and whether they are whole."""

import struct

import numpy as np
import pytest
from hostile_dicom import SMALL, compressed, jpeg, resized
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, JPEGLSLossless, RLELossless

from fastmed.data.pixels.dicom.announced import Announced
from fastmed.data.pixels.dicom.codestream import checked_colours
from fastmed.data.pixels.dicom.structure import Element
from fastmed.data.pixels.scaling import UnreadableError

SYNTAXES = [JPEGBaseline8Bit, JPEGLSLossless, JPEG2000Lossless]
COLOURS = np.random.default_rng(5).integers(0, 256, (40, 48, 3), dtype=np.uint8)


def announced(rows: int = 40, columns: int = 48, samples: int = 1, photometric: str = "RGB"):
    return Announced(
        rows, columns, samples, 1, photometric, 0, 8, 8, 0, False,
        Element(0x7FE00010, "OB", 0, 0),
    )  # fmt: skip


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_the_right_size_passes(syntax: str):
    assert checked_colours(compressed(syntax), syntax, announced(photometric="MONOCHROME1"))
    frame = compressed(syntax, COLOURS)
    assert checked_colours(frame, syntax, announced(samples=3, photometric="YBR_FULL"))


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(
    "rows, columns, samples", [(41, 48, 1), (40, 47, 1), (48, 40, 1), (40, 48, 3)]
)
def test_another_size_is_refused(rows: int, columns: int, samples: int, syntax: str):
    sentence = f"has 40 x 48 x 1 values, but its header says {rows} x {columns} x {samples}"
    with pytest.raises(UnreadableError, match=sentence):
        checked_colours(compressed(syntax), syntax, announced(rows, columns, samples))


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("kept", [0.01, 0.05, 0.3, 0.7, 0.98])
def test_what_is_cut_off_is_refused(kept: float, syntax: str):
    frame = compressed(syntax)
    with pytest.raises(UnreadableError, match=r"is cut off|is broken|is no JPEG"):
        checked_colours(frame[: int(len(frame) * kept)], syntax, announced())


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("noise", [b"", b"\0\0", bytes(range(256)), b"\xff" * 99])
def test_noise_is_refused(noise: bytes, syntax: str):
    with pytest.raises(UnreadableError):
        checked_colours(noise, syntax, announced())


def test_padding_behind_the_end_is_fine():
    for syntax in SYNTAXES:
        assert checked_colours(compressed(syntax) + b"\0", syntax, announced())


def test_colours_by_the_names_of_components_and_by_jfif():
    frame = jpeg(COLOURS)
    assert checked_colours(frame, JPEGBaseline8Bit, announced(samples=3)) == "YBR_FULL"
    for photometric in ("YBR_FULL_422", "YBR_FULL"):
        given = announced(samples=3, photometric=photometric)
        assert checked_colours(frame, JPEGBaseline8Bit, given) == photometric
    place = frame.index(b"\xff\xc0") + 10
    named = bytearray(frame)
    named[place : place + 9 : 3] = b"RGB"
    given = announced(samples=3, photometric="YBR_FULL")
    assert checked_colours(bytes(named), JPEGBaseline8Bit, given) == "RGB"


def test_images_in_a_jp2_file_and_off_the_origin():
    frame = compressed(JPEG2000Lossless)
    box = struct.pack(">I4sI", 12, b"jP  ", 0x0D0A870A) + struct.pack(">I4s", 0, b"jp2c")
    assert checked_colours(box + frame, JPEG2000Lossless, announced())
    place = frame.index(b"\xff\x51") + 6
    moved = struct.pack(">8I", 53, 42, 5, 2, 53, 42, 0, 0)
    frame = frame[:place] + moved + frame[place + 32 :]
    assert checked_colours(frame, JPEG2000Lossless, announced())


def test_tiles_beyond_number():
    frame = bytearray(resized(JPEG2000Lossless, 65535, 65535))
    place = frame.index(b"\xff\x51") + 22
    frame[place : place + 8] = struct.pack(">II", 1, 1)
    with pytest.raises(UnreadableError, match="has 4294836225 tiles, expected 1 to 65535"):
        checked_colours(bytes(frame), JPEG2000Lossless, announced(65535, 65535))


def test_other_codings_say_nothing_of_themselves():
    assert checked_colours(b"", RLELossless, announced()) == "RGB"


def test_tables_before_the_size_and_fill_bytes():
    """An optimised JPEG has its tables in any order, and bytes 255 before markers."""
    frame = jpeg(SMALL)
    place = frame.index(b"\xff\xdb")
    filled = frame[:place] + b"\xff\xff" + frame[place:]
    assert checked_colours(filled, JPEGBaseline8Bit, announced())
