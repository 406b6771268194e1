"""What can be handed in to be predicted or evaluated."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made import listening, write_dicom, write_png

from fastmed.data.inputs import read_input
from fastmed.data.tables import root_of
from fastmed.errors import DataError
from fastmed.state import pseudonym
from fastmed.task import Task

SOURCES = {
    "folders": {"kind": "folders"},
    "table": {
        "kind": "table", "file": "t.csv", "image": "id", "label": "y", "folder": "images",
        "suffix": ".png", "group": {"pattern": "^p[0-9]+"},
    },
    "arrays": {"kind": "arrays", "file": "train.npz"},
    "dicom": {
        "kind": "dicom", "file": "t.csv", "image": "id", "label": "y", "folder": "images",
        "group": {"tag": "PatientID"},
    },
}  # fmt: skip


def task_of(kind: str, **changes: object) -> Task:
    fields = {"name": "x", "title": "X", "goal": "category", "classes": ["none", "mild"]}
    source = {**SOURCES[kind], **changes}
    return Task.model_validate({**fields, "source": source})


def labels(items: pd.DataFrame) -> dict[str, str]:
    return dict(zip(items["item"], items["target"], strict=True))


def test_one_image(tmp_path: Path):
    items = read_input(task_of("table"), write_png(tmp_path / "p7_a.png"))
    assert labels(items) == {"p7_a.png": ""}
    assert items["group"].tolist() == ["p7"]
    assert root_of(items) == tmp_path
    assert items["split"].tolist() == [""]


@pytest.mark.parametrize("kind", list(SOURCES))
def test_folder_of_images_at_any_depth(tmp_path: Path, kind: str):
    for name in ("b.png", "deep/er/a.png", ".hidden/c.png", "deep/.d.png"):
        write_png(tmp_path / name)
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "deep" / "loop").symlink_to(tmp_path, target_is_directory=True)
    items = read_input(task_of(kind), tmp_path)
    assert labels(items) == {"b.png": "", "deep/er/a.png": ""}


@pytest.mark.parametrize("kind", list(SOURCES))
def test_class_folders_are_labels_for_every_task(tmp_path: Path, kind: str):
    write_png(tmp_path / "mild" / "a.png")
    write_png(tmp_path / "none" / "b.png")
    assert labels(read_input(task_of(kind), tmp_path)) == {
        "mild/a.png": "mild",
        "none/b.png": "none",
    }


def test_class_folders_below_parts(tmp_path: Path):
    write_png(tmp_path / "test" / "mild" / "a.png")
    write_png(tmp_path / "val" / "none" / "a.png")
    items = read_input(task_of("folders"), tmp_path)
    assert items["split"].tolist() == ["test", "valid"]
    assert items["target"].tolist() == ["mild", "none"]


def test_parts_of_unlabelled_images(tmp_path: Path):
    write_png(tmp_path / "test" / "a.png")
    assert labels(read_input(task_of("folders"), tmp_path)) == {"test/a.png": ""}


def test_folders_that_are_not_all_classes_are_no_labels(tmp_path: Path):
    write_png(tmp_path / "mild" / "a.png")
    write_png(tmp_path / "other" / "b.png")
    with listening() as told:
        assert set(labels(read_input(task_of("folders"), tmp_path)).values()) == {""}
    assert "'other' are not classes" in told.text


def test_folder_in_the_layout_of_the_task(tmp_path: Path):
    write_png(tmp_path / "images" / "p1_a.png")
    write_png(tmp_path / "images" / "p2_a.png")
    (tmp_path / "t.csv").write_text("id,y\np2_a,0\np1_a,1\n")
    items = read_input(task_of("table"), tmp_path)
    assert labels(items) == {"images/p1_a.png": "mild", "images/p2_a.png": "none"}
    assert items["item"].tolist() == sorted(items["item"])
    assert items["group"].tolist() == ["p1", "p2"]


@pytest.mark.parametrize(
    "kind, header, folder",
    [("table", "id,y", "images"), ("table", "image,label", "."), ("arrays", "filename,label", ".")],
)
def test_table_of_names(tmp_path: Path, kind: str, header: str, folder: str):
    write_png(tmp_path / folder / "a.png")
    write_png(tmp_path / folder / "b.png")
    (tmp_path / "new.csv").write_text(f"{header}\na,1\nb.png,\n")
    items = read_input(task_of(kind), tmp_path / "new.csv")
    assert items["target"].tolist() == ["mild", ""]
    assert root_of(items) == tmp_path


def test_table_without_labels_and_with_paths(tmp_path: Path):
    write_png(tmp_path / "x" / "a.png")
    (tmp_path / "new.csv").write_text("path\nx/a.png\n")
    assert labels(read_input(task_of("table"), tmp_path / "new.csv")) == {"x/a.png": ""}


def test_table_of_the_extra_source(tmp_path: Path):
    write_png(tmp_path / "more" / "a.jpeg.png")
    (tmp_path / "e.csv").write_text("image,level\na.jpeg,1\n")
    extra = {
        "kind": "table", "file": "e.csv", "image": "image", "label": "level", "folder": "more",
    }  # fmt: skip
    task = task_of("table").with_changes({"extra": extra})
    assert labels(read_input(task, tmp_path / "e.csv")) == {"more/a.jpeg.png": "mild"}


def test_table_with_parts_and_patients(tmp_path: Path):
    for name in ("a", "b"):
        write_png(tmp_path / f"{name}.png")
    (tmp_path / "new.csv").write_text("id,y,part,who\na,0,test,p1\nb,1,val,p2\n")
    items = read_input(task_of("table", part="part", group={"column": "who"}), tmp_path / "new.csv")
    assert items["split"].tolist() == ["test", "valid"]
    assert items["group"].tolist() == ["p1", "p2"]


@pytest.mark.parametrize(
    "content, reason",
    [
        ("id,y\na,severe\n", "line 2: 'severe' is none of the classes"),
        ("id,y\ngone,0\na,0\n", "1 of 2 images are not in folder 'images', '.'"),
        ("x,y\na,0\n", "no column that names images, only 'x', 'y'; expected id or image or"),
        ("id,y\n../a,0\n", "leads out of the data folder"),
        ("id,y\na,0\na,1\n", "the labels '0', '1'"),
    ],
)
def test_tables_with_defects(tmp_path: Path, content: str, reason: str):
    write_png(tmp_path / "a.png")
    (tmp_path / "new.csv").write_text(content)
    with pytest.raises(DataError, match=reason):
        read_input(task_of("table"), tmp_path / "new.csv")


def test_rows_without_a_file_are_left_out_if_wanted(tmp_path: Path):
    write_png(tmp_path / "a.png")
    (tmp_path / "new.csv").write_text("id,y\na,0\ngone,1\n")
    items = read_input(task_of("table"), tmp_path / "new.csv", skip_bad=True)
    assert dict(zip(items["item"], items["split"], strict=True)) == {
        "a.png": "",
        "gone": "left_out",
    }


def test_arrays_with_and_without_labels(tmp_path: Path):
    pixels = np.zeros((12, 3, 3), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", data=pixels, labels=[0, 1] * 6)
    np.savez(tmp_path / "b.npz", data=pixels)
    for kind in ("arrays", "folders"):
        items = read_input(task_of(kind), tmp_path / "a.npz")
        assert items["target"].tolist() == ["none", "mild"] * 6
        assert items["index"].tolist() == list(range(12))
    assert set(read_input(task_of("arrays"), tmp_path / "b.npz")["target"]) == {""}


def test_every_part_of_medmnist(tmp_path: Path):
    pixels = np.zeros((2, 3, 3), dtype=np.uint8)
    names = {f"{part}_images": pixels for part in ("train", "val", "test")}
    np.savez(tmp_path / "m.npz", **names, test_labels=[[1], [0]])
    items = read_input(task_of("arrays"), tmp_path / "m.npz")
    assert items["split"].value_counts().to_dict() == {"train": 2, "valid": 2, "test": 2}
    assert items.groupby("split")["target"].agg(list).to_dict() == {
        "test": ["mild", "none"],
        "train": ["", ""],
        "valid": ["", ""],
    }


def test_dicom_folder_has_patients_and_headers(tmp_path: Path):
    pixels = np.zeros((2, 2), dtype=np.uint8)
    write_dicom(tmp_path / "1.2.3", pixels, PatientID="p1", PatientAge="049Y")
    items = read_input(task_of("dicom"), tmp_path)
    assert items["group"].tolist() == [pseudonym("p1")]
    assert items["meta_age"].tolist() == [49.0]


def test_nothing_there(tmp_path: Path):
    with pytest.raises(DataError, match="there is no file or folder"):
        read_input(task_of("table"), tmp_path / "none")
    with pytest.raises(DataError, match="no images found in"):
        read_input(task_of("table"), tmp_path)
