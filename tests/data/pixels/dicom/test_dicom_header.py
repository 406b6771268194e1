"""Of a header, only allowed fields reach a table, whatever form they have."""

import math
import warnings
from pathlib import Path

import numpy as np
import pytest
from made import dicom_sequence, write_dicom
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from fastmed.data.pixels.dicom import BLANK, HEADER, read_header, years
from fastmed.errors import DataError

BYTES = np.array([[0, 100], [200, 255]], dtype=np.uint8)


@pytest.mark.parametrize(
    "age, expected",
    [
        ("049Y", 49), ("49", 49), ("49Y", 49), ("49 Y", 49), ("049y", 49), (" 49 ", 49), ("0", 0),
        ("49 years", 49), ("49yr", 49), ("006M", 0.5), ("18 months", 1.5), ("4.5Y", 4.5),
        ("3D", 3 / 365.25), ("021D", 21 / 365.25), ("010W", 70 / 365.25), ("2 weeks", 14 / 365.25),
        ("000D", 0), ("119Y", 119),
    ],
)  # fmt: skip
def test_ages_in_years(age: str, expected: float):
    assert years(age) == pytest.approx(expected)


@pytest.mark.parametrize(
    "age", ["", "Y", "old", "-5", "4,5Y", "49X", "49Y6M", "150Y", "999", "1976", "19760101", "nan"]
)
def test_other_ages_are_unknown(age: str):
    assert math.isnan(years(age))


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_all_allowed_fields(syntax: str, tmp_path: Path):
    path = write_dicom(
        tmp_path / "a.dcm", BYTES, syntax, PatientAge="006M", PatientSex="F", ViewPosition="PA",
        Modality="DX", Manufacturer="Maker of  Scanners", ManufacturerModelName="Model\tX",
        ImagerPixelSpacing=["0.143", "0.139"], PatientID="p-7",
    )  # fmt: skip
    header = read_header(path, "PatientID")
    assert header.meta == {
        "meta_age": 0.5, "meta_sex": "F", "meta_view": "PA", "meta_modality": "DX",
        "meta_manufacturer": "Maker of Scanners", "meta_model": "Model X", "meta_spacing": 0.143,
        "meta_rows": 2, "meta_columns": 2, "meta_photometric": "MONOCHROME2",
    }  # fmt: skip
    assert header.identifier == "p-7"
    assert read_header(path).identifier == ""
    assert read_header(path, "StudyInstanceUID").identifier == ""


def test_a_bare_header(tmp_path: Path):
    meta = read_header(write_dicom(tmp_path / "a.dcm", BYTES)).meta
    assert tuple(meta) == tuple(BLANK.meta) == HEADER
    known = {"meta_rows": 2, "meta_columns": 2, "meta_photometric": "MONOCHROME2"}
    for name, blank in BLANK.meta.items():
        assert meta[name] == known.get(name, blank) or (
            name not in known and math.isnan(meta[name])
        )


@pytest.mark.filterwarnings("ignore:Invalid value for VR CS")
@pytest.mark.parametrize(
    "sex, expected",
    [("M", "M"), ("F", "F"), ("O", "O"), ("f", "F"), ("Male", "M"), ("female ", "F"), ("X", "")],
)
def test_sexes(sex: str, expected: str, tmp_path: Path):
    path = write_dicom(tmp_path / "a.dcm", BYTES, PatientSex=sex)
    assert read_header(path).meta["meta_sex"] == expected


def test_names_and_dates_reach_nothing(tmp_path: Path):
    canary = {
        "PatientName": "Canary^Name", "PatientBirthDate": "19010203", "PatientID": "canary-1",
        "AccessionNumber": "canary-2", "ReferringPhysicianName": "Canary^Doctor",
        "InstitutionName": "Canary Hospital", "StudyDate": "19010204", "PatientAddress": "canary",
        "StationName": "canary", "OtherPatientIDs": "canary", "PatientComments": "canary",
    }  # fmt: skip
    path = write_dicom(tmp_path / "a.dcm", BYTES, **canary)
    said = str(read_header(path)).lower()
    assert "canary" not in said
    assert "1901" not in said


def test_spacing_of_an_enhanced_file_is_that_of_its_first_frame(tmp_path: Path):
    groups = [{"PixelMeasuresSequence": dicom_sequence({"PixelSpacing": [str(size), "1"]})}
              for size in (0.7, 0.9)]  # fmt: skip
    path = write_dicom(
        tmp_path / "a.dcm", BYTES, PerFrameFunctionalGroupsSequence=dicom_sequence(*groups)
    )
    assert read_header(path).meta["meta_spacing"] == 0.7


def test_an_age_that_is_no_valid_one_warns_of_nothing(tmp_path: Path):
    path = write_dicom(tmp_path / "a.dcm", BYTES, PatientAge="049Y")
    path.write_bytes(path.read_bytes().replace(b"AS\x04\x00049Y", b"AS\x04\x0049  "))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_header(path).meta["meta_age"] == 49


def test_broken_values_are_unknown_or_told(tmp_path: Path):
    path = write_dicom(tmp_path / "a.dcm", BYTES, PixelSpacing=["0.25", "0.25"])
    path.write_bytes(path.read_bytes().replace(b"0.25\\0.25 ", b"wide\\wide "))
    with pytest.raises(DataError, match=r"a\.dcm: PixelSpacing is 'wide', expected a number"):
        read_header(path)


def test_a_file_that_is_none(tmp_path: Path):
    (tmp_path / "a.dcm").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"a\.dcm: it is named as DICOM, but is text"):
        read_header(tmp_path / "a.dcm")


def test_pixels_are_not_needed(tmp_path: Path):
    path = write_dicom(tmp_path / "a.dcm", BYTES, PatientAge="049Y")
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"\xe0\x7f\x10\0") + 12])
    assert read_header(path).meta["meta_age"] == 49
