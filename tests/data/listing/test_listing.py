import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import tiny_task
from made import listening, write_png

from fastmed.data.inputs import read_input
from fastmed.data.listing import listing, listing_of
from fastmed.errors import DataError

TASK = tiny_task("lungs")


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists three rows at a time."""
    monkeypatch.setattr(listing, "TOGETHER", 3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.png", "a/z.png", "a.png", "a-b.png", "c/d/e.png", "c/a.png", "Z.png", "ä.png"):
        write_png(tmp_path / "new" / name)
    (tmp_path / "new" / "notes.txt").write_text("no image")
    return tmp_path / "new"


def whole(found: listing.Listing, size: int = 3) -> pd.DataFrame:
    parts = list(found.parts(size))
    assert [len(part) for part in parts[:-1]] == [size] * (len(parts) - 1)
    assert all(part.attrs["root"] == str(found.root) for part in parts)
    return pd.concat(parts, ignore_index=True)


def check_same(task: object, source: Path) -> None:
    found, expected = listing_of(task, source), read_input(task, source)
    assert len(found) == len(expected)
    pd.testing.assert_frame_equal(whole(found), expected, check_like=True)
    some = pd.concat(found.parts(2, start=4), ignore_index=True)
    assert some["item"].tolist() == expected["item"].tolist()[4:]


@pytest.mark.usefixtures("small_parts")
def test_a_folder_is_listed_as_it_is_read(folder: Path):
    check_same(TASK, folder)


@pytest.mark.usefixtures("small_parts")
def test_a_table_is_listed_as_it_is_read(folder: Path):
    rows = ["b.png,1,test", "a/z.png,0,", "c/a.png,2,test", "Z.png,,", "a.png,2,", "a-b.png,1,"]
    file = folder / "list.csv"
    file.write_text("\n".join(["image,label,age", *rows, "b.png,1,test", "c/d/e.png,0,"]))
    with listening() as told:
        check_same(TASK, file)
    assert told.text.count("1 rows that repeat an image are merged") == 2


@pytest.mark.parametrize("name", ["histology", "lungs"])
def test_arrays_are_listed_as_they_are_read(name: str, tmp_path: Path):
    generator = np.random.default_rng(0)
    arrays = {
        f"{part}_{what}": values
        for part, count in (("val", 4), ("train", 5))
        for what, values in (
            ("images", generator.integers(0, 256, (count, 8, 8), dtype=np.uint8)),
            ("labels", np.arange(count)[:, None] % 3),
        )
    }
    np.savez(tmp_path / "a.npz", **arrays)
    check_same(tiny_task(name), tmp_path / "a.npz")


def test_a_task_and_its_own_layout(phantoms: dict[str, Path]):
    check_same(tiny_task("cardiomegaly"), phantoms["cardiomegaly"])
    check_same(tiny_task("pneumonia"), phantoms["pneumonia"])


@pytest.mark.usefixtures("small_parts")
def test_contradictions_are_refused_wherever_they_stand(folder: Path):
    file = folder / "list.csv"
    file.write_text("image,label\nb.png,1\na.png,0\nZ.png,1\na-b.png,1\nb.png,2\nc/a.png,0\n")
    with pytest.raises(DataError) as listed:
        listing_of(TASK, file)
    with pytest.raises(DataError) as read:
        read_input(TASK, file)
    assert str(listed.value) == str(read.value)
    assert "list.csv, line 2: 'b.png' stands there more than once" in str(listed.value)
    file.write_text("image,label\nb.png,1\na.png,0\nZ.png,1\na-b.png,COVID\n")
    with pytest.raises(DataError, match="line 2: '1' is none of the classes"):
        listing_of(TASK, file)
    file.write_text("image,label\nb.png,1\na.png,9\n")
    with pytest.raises(DataError, match="'9' is none of the classes"):
        listing_of(TASK, file)


def test_names_without_a_file_are_listed_with_a_note(folder: Path):
    file = folder / "list.csv"
    file.write_text("image\nb.png\nnone.png\n")
    found = whole(listing_of(TASK, file)).set_index("item")
    assert found.loc["none.png", "image"] == ""
    assert found.loc["none.png", "note"].startswith("no file of this name is in folder")
    assert found.loc["b.png", "note"] == ""
    file.write_text("image\nnone.png\n")
    with pytest.raises(DataError, match="1 of 1 images are not in folder"):
        listing_of(TASK, file)


def test_nothing_to_list_is_one_sentence(tmp_path: Path):
    with pytest.raises(DataError, match="no images found in"):
        listing_of(TASK, tmp_path)
    with pytest.raises(DataError, match="there is no file or folder"):
        listing_of(TASK, tmp_path / "none")
    (tmp_path / "empty.csv").write_text("image\n")
    with pytest.raises(DataError, match="no images found in"):
        listing_of(TASK, tmp_path / "empty.csv")


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such names")
def test_names_that_are_not_utf8_are_refused(folder: Path):
    shutil.copy(folder / "b.png", os.fsencode(folder) + b"/\xff.png")
    with pytest.raises(DataError, match="is not UTF-8; rename the file"):
        listing_of(TASK, folder)


def test_the_digest_tells_other_images_and_changed_files(folder: Path):
    digest = listing_of(TASK, folder).digest()
    assert digest == listing_of(TASK, folder).digest()
    os.utime(folder / "b.png", (1, 1))
    changed = listing_of(TASK, folder).digest()
    assert changed != digest
    (folder / "b.png").rename(folder / "bb.png")
    assert listing_of(TASK, folder).digest() not in (digest, changed)


def test_pseudonyms_are_given_part_by_part(folder: Path):
    hidden = tiny_task("lungs", pseudonymise=True)
    check_same(hidden, folder)
    items = whole(listing_of(hidden, folder))
    assert items["item"].str.fullmatch("[0-9a-f]{16}").all()
