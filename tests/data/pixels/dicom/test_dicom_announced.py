"""What a header announces is checked before anything is decoded."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made import write_dicom
from pydicom.uid import JPEG2000Lossless

from fastmed.data.pixels.dicom.announced import Announced, read_announced
from fastmed.data.pixels.dicom.container import open_container
from fastmed.data.pixels.dicom.fields import Fields
from fastmed.data.pixels.dicom.limits import STANDARD, Limits
from fastmed.data.pixels.dicom.read import FIELDS
from fastmed.data.pixels.scaling import UnreadableError

WORDS = np.arange(12, dtype=np.uint16).reshape(3, 4)


def announce(path: Path, limits: Limits = STANDARD) -> Announced:
    with open_container(path, limits) as container:
        return read_announced(Fields(container.dataset(FIELDS)), container, limits)


def test_what_is_announced(tmp_path: Path):
    path = write_dicom(tmp_path / "a.dcm", WORDS, BitsStored=12, HighBit=13, NumberOfFrames="")
    found = announce(path)
    assert (found.rows, found.columns, found.samples, found.frames) == (3, 4, 1, 1)
    assert (found.allocated, found.stored, found.unused_low, found.signed) == (16, 12, 2, False)
    assert (found.photometric, found.planar, found.keyword) == ("MONOCHROME2", 0, "PixelData")
    assert found.frame_bits == 3 * 4 * 16


@pytest.mark.parametrize("keyword", [
    "BitsAllocated", "BitsStored", "SamplesPerPixel", "PixelRepresentation",
])  # fmt: skip
def test_fields_that_must_be_there(keyword: str, tmp_path: Path):
    path = write_dicom(tmp_path / "a.dcm", WORDS, **{keyword: None})
    with pytest.raises(UnreadableError, match=f"its header has no {keyword}"):
        announce(path)


def test_floats_need_fewer(tmp_path: Path):
    found = announce(write_dicom(tmp_path / "a.dcm", WORDS.astype(np.float32)))
    assert (found.floats, found.stored, found.signed) == (True, 32, False)


@pytest.mark.parametrize(
    "limits, reason",
    [
        (Limits(pixels=11), "its 3 x 4 pixels are more than the limit of 11"),
        (Limits(decoded=20), "a frame would take 0.0 GB, more than the limit of 2e-08 GB"),
        (Limits(frames=1), "NumberOfFrames is 2, expected 1"),
    ],
)
def test_limits(limits: Limits, reason: str, tmp_path: Path):
    frames: dict[str, Any] = {"NumberOfFrames": 2, "PixelData": WORDS.tobytes() * 2}
    path = write_dicom(tmp_path / "a.dcm", WORDS, **frames)
    assert announce(path).frames == 2
    with pytest.raises(UnreadableError, match=f"^{reason}$"):
        announce(path, limits)


def test_many_frames_of_which_one_is_decoded_are_no_matter(tmp_path: Path):
    pixel = np.zeros((1, 1), np.uint8)
    path = write_dicom(tmp_path / "a.dcm", pixel, NumberOfFrames=5000, PixelData=bytes(5000))
    assert announce(path).frames == 5000


def test_bits_and_subsampled_colours_take_less(tmp_path: Path):
    path = write_dicom(
        tmp_path / "a.dcm", np.zeros((3, 3), np.uint8), BitsAllocated=1, BitsStored=1, HighBit=0,
        PixelData=bytes(2),
    )  # fmt: skip
    assert announce(path).frame_bits == 9
    colours = np.zeros((2, 2, 3), np.uint8)
    path = write_dicom(path, colours, PhotometricInterpretation="YBR_FULL_422", PixelData=bytes(8))
    assert announce(path).frame_bits == 8 * 8


def test_compressed_pixels_are_not_compared_with_their_size(tmp_path: Path):
    path = write_dicom(tmp_path / "a.dcm", np.zeros((64, 64), np.uint8), JPEG2000Lossless)
    assert announce(path).rows == 64


def test_what_holds_no_image_is_named(tmp_path: Path):
    path = write_dicom(tmp_path / "a.dcm", WORDS, Rows=None)
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"\xe0\x7f\x10\0")])
    with pytest.raises(
        UnreadableError, match=r"holds no image \(Secondary Capture Image Storage\)"
    ):
        announce(path)
