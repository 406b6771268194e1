"""DICOM is known by its content; what only bears its suffix is named for what it is."""

from pathlib import Path

import numpy as np
import pytest
from made import write_dicom

from fastmed.data.pixels.dicom import is_dicom
from fastmed.data.pixels.dicom.recognise import check_start
from fastmed.data.pixels.image import open_image
from fastmed.data.pixels.scaling import UnreadableError

BYTES = np.array([[0, 100], [200, 255]], dtype=np.uint8)


def test_by_content_whatever_the_name(tmp_path: Path):
    path = write_dicom(tmp_path / "image.png", BYTES)
    assert is_dicom(path)
    np.testing.assert_array_equal(open_image(path).pixels, BYTES)


@pytest.mark.parametrize("name", ["a.dcm", "a.DICOM", "a.ima"])
def test_by_suffix_so_that_the_reader_can_say_what_it_is(name: str, tmp_path: Path):
    (tmp_path / name).write_bytes(b"text")
    assert is_dicom(tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"x" * 200, b"\x89PNG" + bytes(128)])
def test_others_are_not(content: bytes, tmp_path: Path):
    (tmp_path / "b.png").write_bytes(content)
    assert not is_dicom(tmp_path / "b.png")


@pytest.mark.parametrize(
    "start, what",
    [
        (b"", "is empty"),
        (b"Age,sex\n49,F\n", "is text"),
        (b"\x89PNG\r\n\x1a\n\0", "is a PNG image"),
        (b"\xff\xd8\xff\xe0" + bytes(9), "is a JPEG image"),
        (b"PK\x03\x04" + bytes(9), "is a zip archive"),
        (b"MZ\x90" + bytes(9), "is a Windows program"),
        (bytes(400), "the mark 'DICM' at byte 128 is missing"),
    ],
)
def test_what_is_not_dicom_is_named(start: bytes, what: str):
    with pytest.raises(UnreadableError, match=f"it is named as DICOM, but {what}"):
        check_start(start)


@pytest.mark.parametrize("preamble", [b"", b"II*\0", b"MM\0*", b"any text"])
def test_preambles_of_scanners_and_of_slides_are_fine(preamble: bytes):
    check_start(preamble.ljust(128, b"\0") + b"DICM")


@pytest.mark.parametrize("preamble", [b"MZ", b"\x7fELF", b"#!/bin/sh", b"\xcf\xfa\xed\xfe"])
def test_preambles_of_programs_are_refused(preamble: bytes):
    with pytest.raises(UnreadableError, match="as well; overwrite them with zeros"):
        check_start(preamble.ljust(128, b"\0") + b"DICM")
