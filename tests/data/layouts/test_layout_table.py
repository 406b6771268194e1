"""A table of names and labels beside folders of images."""

from pathlib import Path

import pytest
from made import listening, write_png

from fastmed.data.layouts import read_source
from fastmed.errors import DataError
from fastmed.settings.sources import Group, TableSource

CLASSES = ("none", "mild")


def source(**fields: object) -> TableSource:
    given = {"file": "t.csv", "image": "id", "label": "grade", "folder": "images", **fields}
    return TableSource(kind="table", **given)  # type: ignore[arg-type]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("a", "b", "c"):
        write_png(tmp_path / "images" / f"{name}.png")
    return tmp_path


def table(root: Path, *rows: str, header: str = "id,grade", file: str = "t.csv") -> None:
    (root / file).write_text("\n".join([header, *rows]))


def test_names_suffix_and_positions(root: Path):
    table(root, "a,1", "b.png,0", "c.PNG,1")
    (root / "images" / "c.PNG").write_bytes((root / "images" / "c.png").read_bytes())
    rows = read_source(source(suffix=".png"), root, CLASSES)
    assert rows["image"].tolist() == ["images/a.png", "images/b.png", "images/c.PNG"]
    assert rows["item"].tolist() == rows["image"].tolist()
    assert rows["target"].tolist() == ["mild", "none", "mild"]


def test_first_of_several_folders(root: Path):
    write_png(root / "more" / "a.png")
    write_png(root / "more" / "d.png")
    table(root, "a.png,0", "d.png,1")
    rows = read_source(source(folder=("images", "more")), root, CLASSES)
    assert rows["image"].tolist() == ["images/a.png", "more/d.png"]


def test_column_of_parts(root: Path):
    table(root, "a.png,0,Train", "b.png,1,val", "c.png,1,", header="id,grade,part")
    assert read_source(source(part="part"), root, CLASSES)["split"].tolist() == [
        "train",
        "valid",
        "",
    ]
    table(root, "a.png,0,dev", header="id,grade,part")
    with pytest.raises(DataError, match=r"t\.csv, line 2: 'dev' is no part"):
        read_source(source(part="part"), root, CLASSES)


def test_files_of_parts(root: Path):
    table(root, "a.png,0")
    table(root, "b.png,1", file="v.csv")
    table(root, "c.png,1", file="x.csv")
    rows = read_source(source(valid_file="v.csv", test_file="x.csv"), root, CLASSES)
    assert rows["split"].tolist() == ["train", "valid", "test"]


def test_patients_by_column_and_by_pattern(root: Path):
    table(root, "a.png,0,p1", "b.png,1,", header="id,grade,patient")
    rows = read_source(source(group=Group(column="patient")), root, CLASSES)
    assert rows["group"].tolist() == ["p1", ""]
    rows = read_source(source(group=Group(pattern="^([ab])")), root, CLASSES)
    assert rows["group"].tolist() == ["a", "b"]


def test_repeated_rows_are_merged_and_told(root: Path):
    table(root, "a.png,0", "a,0", "b.png,1", "a.png,0")
    with listening() as told:
        rows = read_source(source(suffix=".png"), root, CLASSES)
    assert rows["image"].tolist() == ["images/a.png", "images/b.png"]
    assert "2 rows that repeat an image are merged" in told.text


def test_two_labels_for_an_image_are_refused(root: Path):
    table(root, "b.png,0", "a.png,0", "a.png,1")
    with pytest.raises(DataError, match=r"line 3: 'images/a.png' .* the labels '0', '1' \(1 such"):
        read_source(source(), root, CLASSES)


def test_image_in_two_parts_is_refused(root: Path):
    table(root, "a.png,0", "b.png,1")
    table(root, "a.png,0", file="v.csv")
    with pytest.raises(DataError, match="the parts 'train', 'valid'"):
        read_source(source(valid_file="v.csv"), root, CLASSES)


def test_row_without_a_file(root: Path):
    table(root, "a.png,0", "gone.png,1", "lost.png,0", "b.png,1")
    with pytest.raises(DataError, match=r"2 of 4 images .*'gone.png', 'lost.png'; `--skip-bad`"):
        read_source(source(), root, CLASSES)
    with listening() as told:
        rows = read_source(source(), root, CLASSES, skip_bad=True)
    assert rows["split"].tolist() == ["", "left_out", "left_out", ""]
    assert rows["note"].tolist()[1] == "no file"
    assert "2 rows are left out" in told.text


def test_no_file_at_all_is_refused_in_any_case(root: Path):
    table(root, "x,0", "y,1")
    with pytest.raises(DataError, match="2 of 2 images are not in folder 'images'"):
        read_source(source(), root, CLASSES, skip_bad=True)


@pytest.mark.parametrize(
    "name",
    [
        "../t.csv",
        "/etc/passwd",
        "x/../../t.csv",
        "C:\\x.png",
        "\\\\host\\x.png",
        "file://x",
    ],
)
def test_paths_out_of_the_folder_are_refused(root: Path, name: str):
    table(root, f"{name},0")
    with pytest.raises(DataError, match=r"t\.csv, line 2: .* leads out of the data folder"):
        read_source(source(folder="."), root, CLASSES, skip_bad=True)


@pytest.mark.parametrize("name", ["a\x1b[31m.png", '"a\nb.png"', "a\tb"])
def test_names_with_control_characters_are_refused(root: Path, name: str):
    table(root, f"{name},0")
    with pytest.raises(DataError, match=r"t\.csv, line \d: .* control characters in it"):
        read_source(source(folder="."), root, CLASSES, skip_bad=True)


@pytest.mark.parametrize("name", ["x" * 400, "n\u0303" * 200])
def test_names_that_no_file_can_have_are_just_missing(root: Path, name: str):
    table(root, f"{name},0", "a.png,1")
    with pytest.raises(DataError, match="1 of 2 images are not in folder"):
        read_source(source(), root, CLASSES)


def test_empty_name_and_empty_label(root: Path):
    table(root, ",1")
    with pytest.raises(DataError, match=r"t\.csv, line 2 names no image"):
        read_source(source(), root, CLASSES)
    table(root, "a.png,1", "b.png,")
    with pytest.raises(DataError, match=r"t\.csv, line 3 has no label \(1 in all\)"):
        read_source(source(), root, CLASSES)


def test_unknown_label_names_the_line(root: Path):
    table(root, "a.png,none", "b.png,midl")
    with pytest.raises(DataError, match=r"t\.csv, line 3: 'midl' .*did you mean 'mild'"):
        read_source(source(), root, CLASSES)


def test_missing_column_and_file(root: Path):
    table(root, "a.png,0", header="id,grades")
    with pytest.raises(DataError, match="no column 'grade'; did you mean 'grades'"):
        read_source(source(), root, CLASSES)
    with pytest.raises(DataError, match=r"there is no file .*other\.csv"):
        read_source(source(file="other.csv"), root, CLASSES)
