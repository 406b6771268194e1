"""Class folders, with and without parts."""

from pathlib import Path

import pytest
from made import listening, write_png

from fastmed.data.layouts import read_source
from fastmed.errors import DataError
from fastmed.settings.sources import FoldersSource, Group

CLASSES = ("ill", "well")


def source(**fields: object) -> FoldersSource:
    return FoldersSource(kind="folders", **fields)  # type: ignore[arg-type]


def test_classes_without_parts(tmp_path: Path):
    for name in ("ill/b.png", "ill/a.png", "well/deep/er/c.png"):
        write_png(tmp_path / name)
    rows = read_source(source(), tmp_path, CLASSES)
    assert rows["item"].tolist() == ["ill/a.png", "ill/b.png", "well/deep/er/c.png"]
    assert rows["image"].tolist() == rows["item"].tolist()
    assert rows["target"].tolist() == ["ill", "ill", "well"]
    assert rows["split"].tolist() == ["", "", ""]


def test_parts_above_classes_by_any_of_their_names(tmp_path: Path):
    parts = {"Train": "train", "val": "valid", "test": "test"}
    for part in parts:
        write_png(tmp_path / part / "ill" / "a.png")
    rows = read_source(source(), tmp_path, CLASSES)
    assert dict(zip(rows["image"], rows["split"], strict=True)) == {
        f"{part}/ill/a.png": split for part, split in parts.items()
    }


def test_class_that_is_named_like_a_part(tmp_path: Path):
    write_png(tmp_path / "test" / "a.png")
    write_png(tmp_path / "control" / "b.png")
    rows = read_source(source(), tmp_path, ("control", "test"))
    assert rows["target"].tolist() == ["control", "test"]
    assert set(rows["split"]) == {""}


def test_inner_folder_as_root_of_images(tmp_path: Path):
    write_png(tmp_path / "set" / "ill" / "a.png")
    rows = read_source(source(folder="set"), tmp_path, CLASSES)
    assert rows["image"].tolist() == ["set/ill/a.png"]


def test_folders_by_rename_and_by_position(tmp_path: Path):
    write_png(tmp_path / "a" / "1" / "x.png")
    write_png(tmp_path / "a" / "0" / "x.png")
    rows = read_source(source(folder="a"), tmp_path, CLASSES)
    assert rows["target"].tolist() == ["ill", "well"]
    write_png(tmp_path / "b" / "sick" / "x.png")
    rows = read_source(source(folder="b", rename={"sick": "ill"}), tmp_path, CLASSES)
    assert rows["target"].tolist() == ["ill"]


def test_hidden_and_other_files_are_passed_by(tmp_path: Path):
    write_png(tmp_path / "ill" / "a.png")
    (tmp_path / "ill" / ".hidden.png").write_bytes(b"x")
    (tmp_path / "ill" / "notes.txt").write_text("x")
    (tmp_path / ".cache").mkdir()
    (tmp_path / "__MACOSX").mkdir()
    with listening() as told:
        rows = read_source(source(), tmp_path, CLASSES)
    assert rows["image"].tolist() == ["ill/a.png"]
    assert "1 files in" in told.text
    assert "are not images" in told.text


@pytest.mark.parametrize("other, reason", [("wel", "did you mean 'well'"), ("zzz", "'zzz'")])
def test_other_folder_is_refused_even_if_empty(tmp_path: Path, other: str, reason: str):
    write_png(tmp_path / "ill" / "a.png")
    (tmp_path / other).mkdir()
    with pytest.raises(DataError, match=f"folder {other}: '{other}' is none of .*{reason}"):
        read_source(source(), tmp_path, CLASSES)


def test_folder_beside_parts_is_refused(tmp_path: Path):
    write_png(tmp_path / "train" / "ill" / "a.png")
    write_png(tmp_path / "more" / "ill" / "a.png")
    with pytest.raises(DataError, match="has 'more' beside 'train'"):
        read_source(source(), tmp_path, CLASSES)


def test_patients_from_file_names(tmp_path: Path):
    for name in ("p12_a.png", "p12_b.png", "other.png"):
        write_png(tmp_path / "ill" / name)
    for pattern in (r"^(p\d+)_", r"^p\d+"):
        rows = read_source(source(group=Group(pattern=pattern)), tmp_path, CLASSES)
        assert rows["group"].tolist() == ["", "p12", "p12"]


def test_missing_folder_and_no_folders(tmp_path: Path):
    with pytest.raises(DataError, match="there is no folder"):
        read_source(source(folder="none"), tmp_path, CLASSES)
    with pytest.raises(DataError, match="expected one folder a class"):
        read_source(source(), tmp_path, CLASSES)


def test_linked_folders_are_not_followed_in_circles(tmp_path: Path):
    write_png(tmp_path / "ill" / "a.png")
    (tmp_path / "ill" / "loop").symlink_to(tmp_path / "ill", target_is_directory=True)
    assert len(read_source(source(), tmp_path, CLASSES)) == 1
