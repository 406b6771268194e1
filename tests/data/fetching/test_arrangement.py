import unicodedata
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from made import write_dicom, write_png

from fastmed.data.fetching.arrangement import arrange, is_there, may_hold
from fastmed.errors import DataError
from fastmed.settings.sources import (
    AnySource,
    ArraysSource,
    DicomSource,
    FoldersSource,
    TableSource,
)

CLASSES = ("normal", "nodule")
TABLE = TableSource(
    kind="table", file="train.csv", image="id", label="grade", folder="photos", suffix=".png"
)
FOLDERS = FoldersSource(kind="folders", rename={"case": "nodule"})
ARRAYS = ArraysSource(kind="arrays", file="train.npz", test_file="test.npz")


def make(top: Path, files: Mapping[str, str] | list[str]) -> Path:
    """Write files: text where it is given, else a picture."""
    for name in files:
        path = top / name
        if isinstance(files, dict) and files[name]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[name], encoding="utf-8")
        else:
            write_png(path)
    return top


def moved(source: AnySource, top: Path) -> tuple[dict[str, str], list[str]]:
    """Return what moves where, and what is left out."""
    found = arrange(source, top, CLASSES)
    assert found is not None
    return dict(found.moves), sorted({*found.spare.values(), *found.left_out})


def test_known_by_name(tmp_path: Path) -> None:
    make(tmp_path, {"train.csv": "id,grade\na,0\nb,1\n", "photos/a.png": "", "more/x.png": ""})
    found = arrange(TABLE, tmp_path, CLASSES)
    assert found is not None
    assert (found.moves, found.spare) == (
        {"photos": "photos", "train.csv": "train.csv"}, {"more": "more"},
    )  # fmt: skip
    assert (found.found, found.wanted) == (1, 2)


def test_known_by_name_within_folders(tmp_path: Path) -> None:
    make(tmp_path, {"a/b/c/train.csv": "id,grade\na,0\n", "a/b/c/photos/a.png": "", "a/read": "me"})
    places = {"a/b/c/photos": "photos", "a/b/c/train.csv": "train.csv"}
    assert moved(TABLE, tmp_path) == (places, [])


def test_several_folders_of_images(tmp_path: Path) -> None:
    source = TABLE.model_copy(update={"folder": ("old", "new")})
    make(tmp_path, {"train.csv": "id,grade\na,0\n", "new/a.png": ""})
    assert moved(source, tmp_path)[0] == {"new": "new", "train.csv": "train.csv"}


def test_known_by_content(tmp_path: Path) -> None:
    """The table by its columns, the folder by the images that the table names."""
    make(tmp_path, {
        "readme.csv": "name,value\nx,1\n",
        "labels/trainLabels.csv": "id,grade\na,0\nb.png,1\n",
        "resized/deep/a.png": "", "resized/deep/b.png": "", "test/c.png": "",
    })  # fmt: skip
    places = {"labels/trainLabels.csv": "train.csv", "resized/deep": "photos"}
    assert moved(TABLE, tmp_path) == (places, ["labels", "readme.csv", "resized", "test"])


def test_the_most_images_win(tmp_path: Path) -> None:
    """A set may come with a second copy, cropped, in which some images are missing."""
    make(tmp_path, {
        "labels.csv": "id,grade\na,0\nb,1\nc,1\n",
        "labels_cropped.csv": ",id,grade\n0,a,0\n1,b,1\n",
        "all/a.png": "", "all/b.png": "", "all/c.png": "", "cropped/a.png": "", "cropped/b.png": "",
    })  # fmt: skip
    assert moved(TABLE, tmp_path)[0] == {"labels.csv": "train.csv", "all": "photos"}


def test_two_that_are_as_good_are_refused(tmp_path: Path) -> None:
    make(tmp_path, {"x.csv": "id,grade\na,0\n", "one/a.png": "", "two/a.png": ""})
    with pytest.raises(DataError, match="give 1 images each: 'x.csv with one', 'x.csv with two'"):
        arrange(TABLE, tmp_path, CLASSES)


def test_images_beside_the_table(tmp_path: Path) -> None:
    make(tmp_path, {"x.csv": "id,grade\na,0\n", "a.png": ""})
    assert moved(TABLE, tmp_path)[0] == {"x.csv": "train.csv", "": "photos"}


def test_names_with_folders(tmp_path: Path) -> None:
    make(tmp_path, {"x.csv": "id,grade\np1/a,0\np2/a,1\n", "all/p1/a.png": "", "all/p2/a.png": ""})
    assert moved(TABLE, tmp_path)[0] == {"x.csv": "train.csv", "all": "photos"}


@pytest.mark.parametrize("files", [
    {"x.csv": "id,grade\na,0\n", "photos/a.jpg": ""},
    {"x.csv": "id,level\na,0\n", "photos/a.png": ""},
    {"photos/a.png": ""},
    {"x.csv": "id,grade\n../../a,0\n", "photos/a.png": ""},
])  # fmt: skip
def test_nothing_that_fits(files: dict[str, str], tmp_path: Path) -> None:
    assert arrange(TABLE, make(tmp_path, files), CLASSES) is None


def test_a_table_of_the_right_name_must_be_right(tmp_path: Path) -> None:
    make(tmp_path, {"train.csv": "id,level\na,0\n", "photos/a.png": ""})
    with pytest.raises(DataError, match="has no column 'grade'"):
        arrange(TABLE, tmp_path, CLASSES)


def test_given_parts_are_known_by_name_alone(tmp_path: Path) -> None:
    source = TABLE.model_copy(update={"test_file": "test.csv"})
    make(tmp_path, {"train.csv": "id,grade\na,0\n", "photos/a.png": "", "photos/b.png": ""})
    assert arrange(source, tmp_path, CLASSES) is None
    make(tmp_path, {"test.csv": "id,grade\nb,0\nc,0\n"})
    found = arrange(source, tmp_path, CLASSES)
    assert found is not None
    assert set(found.moves) == {"train.csv", "test.csv", "photos"}
    assert (found.found, found.wanted) == (2, 3)


def test_dicom(tmp_path: Path) -> None:
    source = DicomSource(kind="dicom", file="l.csv", image="id", label="class", folder="images")
    write_dicom(tmp_path / "stage" / "a.dcm", np.zeros((2, 2), np.uint8))
    make(tmp_path, {"info.csv": "id,class\na,normal\na,normal\n"})
    found = arrange(source, tmp_path, CLASSES)
    assert found is not None
    assert found.moves == {"info.csv": "l.csv", "stage": "images"}
    assert (found.found, found.wanted) == (1, 1)


@pytest.mark.parametrize("names, expected", [
    (["x/normal/a.png", "x/nodule/a.png", "x/other/a.png"], ["nodule", "normal"]),
    (["train/normal/a.png", "val/case/a.png", "raw/a.png"], ["train", "val"]),
    (["0/a.png", "1/a.png"], ["0", "1"]),
    (["a/b/c/Train/normal/a.png"], ["Train"]),
])  # fmt: skip
def test_folders(names: list[str], expected: list[str], tmp_path: Path) -> None:
    make(tmp_path, names)
    moves, left_out = moved(FOLDERS, tmp_path)
    assert sorted(Path(place).name for place in moves.values()) == expected
    assert left_out == [name for name in ("other", "raw") if f"{name}/" in " ".join(names)]


def test_folders_named_as_macos_does(tmp_path: Path) -> None:
    name = unicodedata.normalize("NFD", "gesund-ähnlich")
    make(tmp_path, [f"{name}/a.png"])
    found = arrange(FOLDERS, tmp_path, ("gesund-ähnlich", "krank"))
    assert found is not None
    assert list(found.moves) == [name]


def test_folders_go_where_the_source_says(tmp_path: Path) -> None:
    source = FoldersSource(kind="folders", folder="old/photos")
    make(tmp_path, ["normal/a.png"])
    assert moved(source, tmp_path)[0] == {"normal": "old/photos/normal"}


def test_folders_of_something_else(tmp_path: Path) -> None:
    make(tmp_path, ["train/dogs/a.png", "cats/b.png", "1/2/3/a.png"])
    assert arrange(FOLDERS, tmp_path, CLASSES) is None


def test_folders_too_deep(tmp_path: Path) -> None:
    make(tmp_path, ["a/b/c/d/e/normal/a.png"])
    assert arrange(FOLDERS, tmp_path, CLASSES) is None


def test_arrays(tmp_path: Path) -> None:
    place = tmp_path / "x"
    place.mkdir()
    np.savez(place / "train.npz", data=np.zeros((1, 2, 2), np.uint8))
    assert arrange(ARRAYS, tmp_path, CLASSES) is None
    (place / "test.npz").write_text("no arrays")
    with pytest.raises(DataError, match=r"test\.npz is not an NPZ file"):
        arrange(ARRAYS, tmp_path, CLASSES)
    np.savez(place / "test.npz", data=np.zeros((1, 2, 2), np.uint8))
    assert set(moved(ARRAYS, tmp_path)[0].values()) == {"train.npz", "test.npz"}


@pytest.mark.parametrize("source, files", [
    (TABLE, ["train.csv", "photos/a.png"]),
    (FOLDERS, ["train/normal/a.png"]),
    (ARRAYS, ["train.npz", "test.npz"]),
])  # fmt: skip
def test_what_is_there(source: AnySource, files: list[str], tmp_path: Path) -> None:
    """All of it is there, or it is not."""
    for name in files:
        assert not is_there(source, tmp_path, CLASSES)
        write_png((tmp_path / name).with_suffix(".png")).rename(tmp_path / name)
    assert is_there(source, tmp_path, CLASSES)


@pytest.mark.parametrize("source, names, may", [
    (TABLE, ["x/train.csv"], True),
    (TABLE, ["labels.CSV", "a.png"], True),
    (TABLE, ["a.png", "train.xls"], False),
    (FOLDERS, ["x/nodule/a.png"], True),
    (FOLDERS, ["x/case/a.png"], True),
    (FOLDERS, ["nodule.png", "x/y/a.png"], False),
    (ARRAYS, ["x/train.npz"], True),
    (ARRAYS, ["x/other.npz"], False),
])  # fmt: skip
def test_what_names_alone_tell(source: AnySource, names: list[str], may: bool) -> None:
    assert may_hold(source, CLASSES, names) is may
