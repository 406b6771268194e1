"""Stored values become what they mean: by a table, else by slope and intercept."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made import dicom_sequence, write_dicom
from pydicom import dcmread
from pydicom.pixels import apply_modality_lut

from fastmed.data.pixels.dicom.modality import Meaning, meaning_of
from fastmed.data.pixels.dicom.read import see_frame
from fastmed.data.pixels.scaling import UnreadableError
from fastmed.settings.image import ImageSettings

WORDS = np.array([[0, 1000], [2000, 4095]], dtype=np.uint16)


def meaning(path: Path, **settings: Any) -> tuple[Meaning, np.ndarray]:
    frame = see_frame(path, ImageSettings(**settings)).frame
    found = meaning_of(frame)
    return found, found.of(frame.values)


def test_slope_and_intercept(tmp_path: Path):
    path = write_dicom(
        tmp_path / "a.dcm", WORDS, BitsStored=12, HighBit=11,
        RescaleSlope=2.5, RescaleIntercept=-1024,
    )  # fmt: skip
    found, values = meaning(path)
    np.testing.assert_array_equal(values, apply_modality_lut(WORDS, dcmread(path)))
    assert (found.low, found.high, found.bits) == (-1024, 4095 * 2.5 - 1024, 12)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"RescaleSlope": "", "RescaleIntercept": ""},
        {"RescaleSlope": 1},
        {"RescaleIntercept": 0},
    ],
)
def test_what_is_missing_or_empty_changes_nothing(fields: dict, tmp_path: Path):
    found, values = meaning(write_dicom(tmp_path / "a.dcm", WORDS, **fields))
    np.testing.assert_array_equal(values, WORDS)
    assert (found.low, found.high) == (0, 65535)


def test_an_intercept_alone(tmp_path: Path):
    found, values = meaning(write_dicom(tmp_path / "a.dcm", WORDS, RescaleIntercept=-7))
    np.testing.assert_array_equal(values, WORDS.astype(int) - 7)
    assert found.low == -7


def test_a_falling_line_turns_the_range(tmp_path: Path):
    found, values = meaning(write_dicom(tmp_path / "a.dcm", WORDS, RescaleSlope=-1))
    np.testing.assert_array_equal(values, -WORDS.astype(int))
    assert (found.low, found.high) == (-65535, 0)


def test_signed_values(tmp_path: Path):
    values = np.array([[-5, 3]], np.int16)
    found, meant = meaning(write_dicom(tmp_path / "a.dcm", values, RescaleSlope=2))
    np.testing.assert_array_equal(meant, values * 2)
    assert (found.low, found.high) == (-65536, 65534)


def test_floats_have_the_range_that_is_there(tmp_path: Path):
    values = np.array([[0.5, np.nan], [-2.25, np.inf]], np.float32)
    found, meant = meaning(write_dicom(tmp_path / "a.dcm", values))
    np.testing.assert_array_equal(meant, values)
    assert (found.low, found.high, found.bits) == (-2.25, 0.5, 32)


@pytest.mark.parametrize("first", [0, 900])
def test_a_table_comes_before_the_line(first: int, tmp_path: Path):
    entries = np.random.default_rng(first).integers(0, 65536, 1500)
    table = {
        "LUTDescriptor": [1500, first, 16], "ModalityLUTType": "US",
        "LUTData": entries.astype("<u2").tobytes(),
    }  # fmt: skip
    path = write_dicom(
        tmp_path / "a.dcm", WORDS, RescaleSlope=5, RescaleIntercept=1,
        ModalityLUTSequence=dicom_sequence(table),
    )  # fmt: skip
    found, values = meaning(path)
    np.testing.assert_array_equal(values, apply_modality_lut(WORDS, dcmread(path)))
    assert (found.low, found.high, found.bits) == (0, 65535, 16)


def test_each_frame_of_an_enhanced_file_has_its_own_line(tmp_path: Path):
    """pydicom's own functions look only at the data set itself."""
    lines = [{"RescaleSlope": 1, "RescaleIntercept": -1024}, {"RescaleSlope": 3}]
    groups = [{"PixelValueTransformationSequence": dicom_sequence(line)} for line in lines]
    path = write_dicom(
        tmp_path / "a.dcm", WORDS, NumberOfFrames=2, PixelData=WORDS.tobytes() * 2,
        PerFrameFunctionalGroupsSequence=dicom_sequence(*groups),
    )  # fmt: skip
    np.testing.assert_array_equal(meaning(path)[1], WORDS.astype(int) - 1024)
    np.testing.assert_array_equal(meaning(path, frame="last")[1], WORDS.astype(int) * 3)


@pytest.mark.parametrize("slope", [0, "inf"])
def test_lines_that_mean_nothing(slope: object, tmp_path: Path):
    path = write_dicom(tmp_path / "a.dcm", WORDS, RescaleSlope="2.5")
    written = b"DS\x04\x00" + {0: b"0.0 ", "inf": b"inf "}[slope]
    path.write_bytes(path.read_bytes().replace(b"DS\x04\x002.5 ", written))
    with pytest.raises(UnreadableError, match="RescaleSlope is "):
        meaning(path)
