"""The whole way from a task and a folder to items."""

from pathlib import Path

import numpy as np
import pytest
from made import listening, write_png

from fastmed.data.items import read_items, summarize
from fastmed.data.tables import ITEM_DEFAULTS, root_of
from fastmed.errors import DataError
from fastmed.task import Task


def grading(**parts: object) -> Task:
    """A task with a table, and an extra table to mix in."""
    table = {"kind": "table", "file": "t.csv", "image": "id", "label": "y", "folder": "main"}
    extra = {**table, "file": "e.csv", "folder": "more"}
    fields = {
        "name": "x", "title": "X", "goal": "category", "classes": ["none", "mild"],
        "source": table, "extra": extra, "split": {"valid": 0.25}, **parts,
    }  # fmt: skip
    return Task.model_validate(fields)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Twelve and four images in the main part, four extra ones."""
    main = [(f"{number}.png", int(number < 4)) for number in range(16)]
    extra = [(f"e{number}.png", 1) for number in range(4)]
    for file, folder, rows in (("t.csv", "main", main), ("e.csv", "more", extra)):
        for name, _ in rows:
            write_png(tmp_path / folder / name)
        lines = [f"{name},{label}" for name, label in rows]
        (tmp_path / file).write_text("\n".join(["id,y", *lines]))
    return tmp_path


def test_main_and_extra_are_read_split_and_summed_up(root: Path):
    items = read_items(grading(), root)
    assert list(items.columns) == list(ITEM_DEFAULTS)
    assert root_of(items) == root
    assert items["item"].is_unique
    assert (items["content"].str.len() == 64).all()
    table = summarize(items, ("none", "mild"))
    assert table.to_dict("index") == {
        "none": {"train": 9, "valid": 3, "test": 0, "left_out": 0},
        "mild": {"train": 7, "valid": 1, "test": 0, "left_out": 0},
    }


def test_balancing_takes_extra_images_last(root: Path):
    items = read_items(grading(balance={"method": "per_class", "count": 5}), root)
    training = items[items["split"] == "train"].groupby(["target", "origin"]).size().to_dict()
    assert training == {("none", "main"): 5, ("mild", "main"): 3, ("mild", "extra"): 2}


def test_extra_that_is_a_copy_of_a_held_out_image_is_left_out(root: Path):
    for number in range(4):
        copied = (root / "main" / f"{number}.png").read_bytes()
        (root / "more" / f"e{number}.png").write_bytes(copied)
    items = read_items(grading(), root)
    extra = items[items["origin"] == "extra"]
    held = items[items["split"] == "valid"]
    assert (extra["split"] == "left_out").sum() == 1
    assert set(extra.loc[extra["split"] == "left_out", "content"]) <= set(held["content"])


def test_missing_extra_is_told_and_left_aside(root: Path):
    (root / "e.csv").unlink()
    with listening() as told:
        assert len(read_items(grading(), root)) == 16
    assert "without the extra images" in told.text


def test_missing_folder_says_what_to_do(tmp_path: Path):
    with pytest.raises(DataError, match="--data DIR.*fastmed phantom x"):
        read_items(grading(), tmp_path / "none")


def test_classes_without_images_are_named(root: Path):
    task = grading(classes=["none", "mild", "severe"])
    with pytest.raises(DataError, match=r"no image of 'severe', only the labels '0', '1'; .*--set"):
        read_items(task, root)


def test_bad_images_are_refused_or_counted(root: Path):
    (root / "main" / "15.png").write_bytes(b"")
    (root / "main" / "14.png").unlink()
    with pytest.raises(DataError, match="1 of 16 images are not in"):
        read_items(grading(), root)
    items = read_items(grading(), root, skip_bad=True)
    left = items[items["split"] == "left_out"].set_index("item")["note"].to_dict()
    assert left == {"14.png": "no file", "main/15.png": "the file is empty"}


def test_the_same_image_in_main_and_extra_is_refused(root: Path):
    (root / "e.csv").write_text("id,y\n0.png,1\n")
    task = grading(extra={**grading().source.model_dump(), "file": "e.csv"})
    with pytest.raises(DataError, match="stand twice"):
        read_items(task, root)


def test_arrays(tmp_path: Path):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 4, 4), dtype=np.uint8)
    np.savez(tmp_path / "train.npz", data=pixels, labels=[0, 1] * 10)
    np.savez(tmp_path / "test.npz", data=pixels[:3] + 1, labels=[0, 1, 1])
    source = {"kind": "arrays", "file": "train.npz", "test_file": "test.npz"}
    items = read_items(grading(source=source, extra=None), tmp_path)
    assert items["split"].value_counts().to_dict() == {"train": 14, "valid": 6, "test": 3}
