"""DICOM pixels as the standard defines them (hand-counted), and header fields by allow-list."""

import math
import warnings
from pathlib import Path

import numpy as np
import pytest
from made import write_dicom
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from fastmed.data.dicom import is_dicom, read_dicom, read_header, read_tag, years
from fastmed.data.image import open_image
from fastmed.errors import DataError

BYTES = np.array([[0, 100], [200, 255]], dtype=np.uint8)
WORDS = np.array([[0, 1000], [2000, 4095]], dtype=np.uint16)


def sequence(**fields: object) -> Sequence:
    item = Dataset()
    for keyword, value in fields.items():
        setattr(item, keyword, value)
    return Sequence([item])


def test_eight_bits_are_shown_as_they_are(tmp_path: Path):
    np.testing.assert_array_equal(pixels_of(write_dicom(tmp_path / "a.dcm", BYTES)), BYTES)


def test_full_range_is_that_of_the_stored_bits(tmp_path: Path):
    path = write_dicom(tmp_path / "a.dcm", WORDS, BitsStored=12, HighBit=11)
    np.testing.assert_array_equal(pixels_of(path), [[0, 62], [125, 255]])


def test_signed_values_start_below_zero(tmp_path: Path):
    values = np.array([[-32768, 0], [1, 32767]], dtype=np.int16)
    np.testing.assert_array_equal(
        pixels_of(write_dicom(tmp_path / "a.dcm", values)), [[0, 128], [128, 255]]
    )


def test_rescaling_moves_values_into_the_window(tmp_path: Path):
    path = write_dicom(
        tmp_path / "a.dcm", np.array([[824, 1024], [1064, 1224]], dtype=np.uint16),
        RescaleSlope=1, RescaleIntercept=-1024, WindowCenter=40, WindowWidth=401,
    )  # fmt: skip
    # LINEAR: (x - 39.5) / 400 + 0.5 for x = -200, 0, 40, 200
    np.testing.assert_array_equal(pixels_of(path), [[0, 102], [128, 230]])


def test_rescaling_alone_changes_nothing_in_the_full_range(tmp_path: Path):
    path = write_dicom(tmp_path / "a.dcm", BYTES, RescaleSlope=2.5, RescaleIntercept=-7)
    np.testing.assert_array_equal(pixels_of(path), BYTES)


@pytest.mark.parametrize(
    "function, expected",
    [
        ("LINEAR", [0.0, (90 - 99.5) / 49 + 0.5, (110 - 99.5) / 49 + 0.5, 1.0]),
        ("LINEAR_EXACT", [0.0, 0.3, 0.7, 1.0]),
        ("SIGMOID", [1 / (1 + math.exp(-4 * (x - 100) / 50)) for x in (50, 90, 110, 150)]),
    ],
)
def test_window_functions(tmp_path: Path, function: str, expected: list[float]):
    values = np.array([[50, 90, 110, 150]], dtype=np.uint8)
    path = write_dicom(
        tmp_path / "a.dcm", values, WindowCenter=100, WindowWidth=50, VOILUTFunction=function
    )
    np.testing.assert_allclose(pixels_of(path)[0] / 255, expected, atol=0.5 / 255)


def test_window_of_width_one_is_a_step(tmp_path: Path):
    path = write_dicom(tmp_path / "a.dcm", BYTES, WindowCenter=150, WindowWidth=1)
    np.testing.assert_array_equal(pixels_of(path), [[0, 0], [255, 255]])


def test_first_of_several_windows(tmp_path: Path):
    path = write_dicom(tmp_path / "a.dcm", BYTES, WindowCenter=[150, 20], WindowWidth=[1, 30])
    np.testing.assert_array_equal(pixels_of(path), [[0, 0], [255, 255]])


@pytest.mark.parametrize("center, width", [("", ""), (50, 0)])
def test_useless_window_shows_the_full_range(tmp_path: Path, center: object, width: object):
    path = write_dicom(tmp_path / "a.dcm", BYTES, WindowCenter=center, WindowWidth=width)
    np.testing.assert_array_equal(pixels_of(path), BYTES)


def test_voi_table_comes_before_the_window(tmp_path: Path):
    table = sequence(LUTDescriptor=[4, 0, 8], LUTData=[255, 10, 20, 30])
    table[0]["LUTDescriptor"].VR = table[0]["LUTData"].VR = "US"
    values = np.array([[0, 1], [2, 9]], dtype=np.uint8)
    path = write_dicom(
        tmp_path / "a.dcm", values, VOILUTSequence=table, WindowCenter=1, WindowWidth=1
    )
    np.testing.assert_array_equal(pixels_of(path), [[255, 10], [20, 30]])


def test_modality_table(tmp_path: Path):
    table = sequence(LUTDescriptor=[3, 0, 16], LUTData=[0, 32768, 65535], ModalityLUTType="US")
    table[0]["LUTDescriptor"].VR = "US"
    table[0]["LUTData"].VR = "US"
    values = np.array([[0, 1], [2, 2]], dtype=np.uint8)
    path = write_dicom(tmp_path / "a.dcm", values, ModalityLUTSequence=table)
    np.testing.assert_array_equal(pixels_of(path), [[0, 128], [255, 255]])


@pytest.mark.parametrize(
    "fields",
    [
        {"PhotometricInterpretation": "MONOCHROME1"},
        {"PresentationLUTShape": "INVERSE"},
        {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"},
    ],
)
def test_inverted_once(tmp_path: Path, fields: dict[str, str]):
    path = write_dicom(tmp_path / "a.dcm", BYTES, **fields)
    np.testing.assert_array_equal(pixels_of(path), 255 - BYTES)


def test_palette_becomes_its_colours(tmp_path: Path):
    colours = {"Red": [0, 255], "Green": [10, 0], "Blue": [20, 40]}
    fields: dict[str, object] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for name, values in colours.items():
        fields[f"{name}PaletteColorLookupTableDescriptor"] = [2, 0, 8]
        fields[f"{name}PaletteColorLookupTableData"] = bytes(values)
    path = write_dicom(tmp_path / "a.dcm", np.array([[0, 1]], dtype=np.uint8), **fields)
    np.testing.assert_array_equal(pixels_of(path), [[[0, 10, 20], [255, 0, 40]]])


def test_rgb_and_ybr(tmp_path: Path):
    colours = np.array([[[255, 0, 0], [0, 10, 200]]], dtype=np.uint8)
    np.testing.assert_array_equal(pixels_of(write_dicom(tmp_path / "rgb.dcm", colours)), colours)
    red = np.array([[[76, 85, 255]]], dtype=np.uint8)
    path = write_dicom(tmp_path / "ybr.dcm", red, PhotometricInterpretation="YBR_FULL")
    assert np.abs(pixels_of(path).astype(int) - [255, 0, 0]).max() <= 1


def test_first_frame_of_several(tmp_path: Path):
    path = write_dicom(
        tmp_path / "a.dcm", BYTES, NumberOfFrames=2,
        PixelData=BYTES.tobytes() + (255 - BYTES).tobytes(),
    )  # fmt: skip
    np.testing.assert_array_equal(pixels_of(path), BYTES)


def test_enhanced_files_keep_the_window_in_functional_groups(tmp_path: Path):
    shared = sequence(
        PixelValueTransformationSequence=sequence(RescaleSlope=1, RescaleIntercept=-1024)
    )
    frames = sequence(FrameVOILUTSequence=sequence(WindowCenter=40, WindowWidth=401))
    path = write_dicom(
        tmp_path / "a.dcm", np.array([[824, 1064]], dtype=np.uint16), NumberOfFrames=1,
        SharedFunctionalGroupsSequence=shared, PerFrameFunctionalGroupsSequence=frames,
    )  # fmt: skip
    np.testing.assert_array_equal(pixels_of(path), [[0, 128]])


def test_recognised_by_content_whatever_the_name(tmp_path: Path):
    path = write_dicom(tmp_path / "image.png", BYTES)
    assert is_dicom(path)
    np.testing.assert_array_equal(open_image(path), BYTES)
    (tmp_path / "b.png").write_bytes(b"x" * 200)
    assert not is_dicom(tmp_path / "b.png")


@pytest.mark.parametrize(
    "fields, reason",
    [
        ({"Rows": 60000, "Columns": 60000}, "60000 x 60000 pixels are too many"),
        ({"Rows": 0}, "can't be decoded"),
        ({"PixelData": b"\0\0"}, "can't be decoded"),
        ({"BitsAllocated": 12}, "can't be decoded"),
    ],
)
def test_defects_are_one_sentence(tmp_path: Path, fields: dict, reason: str):
    path = write_dicom(tmp_path / "a.dcm", BYTES, **fields)
    with pytest.raises(DataError, match=reason) as caught:
        open_image(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_file_without_an_image(tmp_path: Path):
    path = write_dicom(tmp_path / "a.dcm", BYTES)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(DataError, match=r"a\.dcm: "):
        open_image(path)


@pytest.mark.parametrize(
    "age, expected",
    [("49", 49.0), ("049Y", 49.0), ("006M", 0.5), ("021D", 21 / 365.25), ("010W", 70 / 365.25)],
)
def test_ages_in_years(age: str, expected: float):
    assert years(age) == pytest.approx(expected)


@pytest.mark.parametrize("age", ["", "Y", "old", "-5", "4.5Y"])
def test_other_ages_are_unknown(age: str):
    assert math.isnan(years(age))


def test_header_has_only_allowed_fields_and_warns_of_nothing(tmp_path: Path):
    path = write_dicom(
        tmp_path / "a.dcm", BYTES, PatientAge="049Y", PatientSex="F", ViewPosition="PA",
        PatientName="Canary^Name", PatientID="p-7",
    )  # fmt: skip
    path.write_bytes(path.read_bytes().replace(b"AS\x04\x00049Y", b"AS\x04\x0049  "))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_header(path) == {"meta_age": 49.0, "meta_sex": "F", "meta_view": "PA"}
        assert read_tag(path, "PatientID") == "p-7"
        assert read_tag(path, "StudyInstanceUID") == ""
        assert pixels_of(path).shape == (2, 2)


def test_header_of_a_file_that_is_none(tmp_path: Path):
    (tmp_path / "a.dcm").write_bytes(b"nothing")
    with pytest.raises(DataError, match="header can't be read"):
        read_header(tmp_path / "a.dcm")
