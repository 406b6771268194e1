"""DICOM files beside a table of labels."""

from pathlib import Path

import numpy as np
import pytest
from made import write_dicom

from fastmed.data.layouts import read_source
from fastmed.data.pixels.dicom import HEADER
from fastmed.errors import DataError
from fastmed.settings.sources import DicomSource, Group
from fastmed.state import pseudonym

CLASSES = ("Normal", "Opacity")
PIXELS = np.zeros((2, 2), dtype=np.uint8)


def source(**fields: object) -> DicomSource:
    given = {"file": "t.csv", "image": "id", "label": "class", "folder": "d", **fields}
    return DicomSource(kind="dicom", **given)  # type: ignore[arg-type]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_dicom(tmp_path / "d" / "a.dcm", PIXELS, PatientID="p1", PatientAge="049Y", PatientSex="F")
    write_dicom(tmp_path / "d" / "b.dcm", PIXELS, PatientID="p1", ViewPosition="AP")
    (tmp_path / "t.csv").write_text("id,class,ward\na,Normal,x\nb,Opacity,y\nb,Opacity,y\n")
    return tmp_path


def test_rows_are_merged_and_headers_read(root: Path):
    rows = read_source(source(group=Group(tag="PatientID")), root, CLASSES)
    assert rows["item"].tolist() == ["d/a.dcm", "d/b.dcm"]
    assert rows["target"].tolist() == ["Normal", "Opacity"]
    assert rows["group"].tolist() == [pseudonym("p1")] * 2
    assert rows["meta_age"].iloc[0] == 49
    assert np.isnan(rows["meta_age"].iloc[1])
    assert rows["meta_sex"].tolist() == ["F", ""]
    assert rows["meta_view"].tolist() == ["", "AP"]
    assert rows["meta_rows"].tolist() == rows["meta_columns"].tolist() == [2, 2]
    assert set(HEADER) < set(rows.columns)


def test_patients_are_known_by_pseudonyms_alone(root: Path):
    write_dicom(root / "d" / "a.dcm", PIXELS, PatientID="canary-1", PatientName="Canary^Name")
    write_dicom(root / "d" / "b.dcm", PIXELS, PatientID="canary-2", StudyInstanceUID="1.2.3")
    rows = read_source(source(group=Group(tag="PatientID")), root, CLASSES)
    assert rows["group"].nunique() == 2
    assert rows["group"].str.fullmatch("[0-9a-f]{16}").all()
    assert "canary" not in rows.to_csv().lower()
    rows = read_source(source(group=Group(tag="StudyInstanceUID")), root, CLASSES)
    assert rows["group"].tolist() == ["", pseudonym("1.2.3")]


def test_a_tag_that_dicom_does_not_have(root: Path):
    reason = "group.tag = 'PatientId' is no DICOM keyword; did you mean 'PatientID'"
    with pytest.raises(DataError, match=reason):
        read_source(source(group=Group(tag="PatientId")), root, CLASSES)


def test_patients_by_column_and_by_pattern(root: Path):
    rows = read_source(source(group=Group(column="ward")), root, CLASSES)
    assert rows["group"].tolist() == ["x", "y"]
    rows = read_source(source(group=Group(pattern="^[ab]")), root, CLASSES)
    assert rows["group"].tolist() == ["a", "b"]


def test_contradicting_labels_are_refused(root: Path):
    (root / "t.csv").write_text("id,class\na,Normal\na,Opacity\n")
    with pytest.raises(DataError, match=r"'d/a.dcm' .* the labels 'Normal', 'Opacity'"):
        read_source(source(), root, CLASSES)


def test_missing_file(root: Path):
    (root / "t.csv").write_text("id,class\na,Normal\nz,Opacity\n")
    with pytest.raises(DataError, match="1 of 2 images are not in folder 'd': 'z'"):
        read_source(source(), root, CLASSES)
    rows = read_source(source(group=Group(tag="PatientID")), root, CLASSES, skip_bad=True)
    assert rows["split"].tolist() == ["", "left_out"]
    assert rows["group"].tolist() == [pseudonym("p1"), ""]


def test_broken_header_is_left_to_the_inspection(root: Path):
    (root / "d" / "a.dcm").write_bytes(b"broken")
    rows = read_source(source(), root, CLASSES)
    assert rows["meta_sex"].tolist() == ["", ""]
