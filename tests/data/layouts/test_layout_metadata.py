"""Metadata that a table of labels holds, by the names that the task gives its columns."""

from pathlib import Path

import numpy as np
import pytest
from made import write_dicom, write_png

from fastmed.data.inputs import read_input
from fastmed.data.items import read_items
from fastmed.data.layouts import read_source
from fastmed.errors import DataError, TaskError
from fastmed.settings.sources import DicomSource, TableSource
from fastmed.task import Task
from fastmed.taskfile import find_task

CLASSES = ("none", "mild")
COLUMNS = {"age": "Patient Age", "sex": "gender"}
TABLE = "id,grade,Patient Age,gender\n{}"
PIXELS = np.zeros((2, 2), dtype=np.uint8)


def table_task(**changes: object) -> Task:
    source = {"kind": "table", "file": "t.csv", "image": "id", "label": "grade", "meta": COLUMNS}
    return Task(name="x", title="x", goal="category", classes=CLASSES, source=source, **changes)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in "abcd":
        write_png(tmp_path / f"{name}.png")
    rows = ["a.png,0,058Y,F", "b.png,1,149,", "c.png,0,18M,M", "d.png,1,over 60,F"]
    (tmp_path / "t.csv").write_text(TABLE.format("\n".join(rows)))
    return tmp_path


def test_columns_become_metadata_and_ages_numbers(root: Path) -> None:
    rows = read_source(table_task().source, root, CLASSES)
    assert rows["meta_age"].tolist() == ["58", "", "1.5", "over 60"]
    assert rows["meta_sex"].tolist() == ["F", "", "M", "F"]


def test_a_column_that_is_not_there_is_named(root: Path) -> None:
    wrong = table_task().with_changes({"source.meta": {"age": "PatientAge"}})
    with pytest.raises(DataError, match="no column 'PatientAge'; did you mean 'Patient Age'"):
        read_source(wrong.source, root, CLASSES)


def test_rows_of_several_boxes_keep_their_metadata(root: Path) -> None:
    (root / "t.csv").write_text(TABLE.format("a.png,0,58,F\na.png,0,58,F\nb.png,1,61,M\n"))
    rows = read_source(table_task().source, root, CLASSES)
    assert rows["meta_age"].tolist() == ["58", "61"]


def test_a_column_takes_the_place_of_a_header_field(tmp_path: Path) -> None:
    for name, age in (("a", "049Y"), ("b", "050Y")):
        write_dicom(tmp_path / f"{name}.dcm", PIXELS, PatientAge=age, PatientSex="F")
    (tmp_path / "t.csv").write_text("id,grade,years\na,0,31\nb,1,\n")
    source = DicomSource(
        kind="dicom", file="t.csv", image="id", label="grade", meta={"age": "years"}
    )
    rows = read_source(source, tmp_path, CLASSES)
    assert rows["meta_age"].tolist() == ["31", ""]
    assert rows["meta_sex"].tolist() == ["F", "F"]


def test_a_table_to_predict_has_metadata_by_the_same_columns(root: Path) -> None:
    (root / "new.csv").write_text("id,gender\nb.png,M\na.png,F\n")
    items = read_input(table_task(), root / "new.csv")
    assert items["meta_sex"].tolist() == ["F", "M"]
    assert "meta_age" not in items
    (root / "other.csv").write_text("file,gender\na.png,F\n")
    assert not [name for name in read_input(table_task(), root / "other.csv") if "meta" in name]


def test_metadata_that_is_not_there_is_refused_before_any_image_is_read(root: Path) -> None:
    (root / "a.png").write_bytes(b"no image")
    with pytest.raises(DataError, match="no metadata 'weight'; known are age, sex"):
        read_items(table_task(meta=("weight",)), root)


def test_an_extra_source_without_metadata_is_unknown(root: Path) -> None:
    (root / "e.csv").write_text("id,grade\nd.png,1\n")
    (root / "t.csv").write_text(TABLE.format("a.png,0,58,F\nb.png,1,61,M\nc.png,0,50,F\n"))
    extra = TableSource(kind="table", file="e.csv", image="id", label="grade")
    items = read_items(table_task(extra=extra, split={"valid": 0}, meta=("age",)), root)
    assert items["meta_age"].fillna("").tolist() == ["58", "61", "50", ""]


MISTAKES = {
    'meta=["Age"]': "the name 'Age' of metadata may hold only small letters",
    'meta=["age", "age"]': "meta names 'age' twice",
    "train.arch=metadata": 'needs metadata to look at, as in meta = ["age", "sex"]',
    'source.meta={"Patient Age"="x"}': "the name 'Patient Age' of metadata",
}


@pytest.mark.parametrize("change", MISTAKES)
def test_mistakes_in_the_task_are_one_sentence(change: str) -> None:
    from fastmed.taskfile import parse_change

    with pytest.raises(TaskError) as caught:
        find_task("retinopathy").with_changes(dict([parse_change(change)]))
    assert MISTAKES[change] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_weights_have_no_effect_on_metadata_alone() -> None:
    changes = {"train.arch": "metadata", "meta": ["age"], "train.weights": "w.safetensors"}
    with pytest.raises(TaskError, match="train.weights has no effect with train.arch"):
        find_task("pneumonia").with_changes(changes)
