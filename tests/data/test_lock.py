"""Locks tell images by what they are: same data same lock, and what shaped a run is known."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fastmed.data.lock import EARLIER, DataLock, refuse_seen
from fastmed.data.tables import ITEM_DEFAULTS
from fastmed.errors import DataError, RunError


def items_of(names: str, parts: list[str], **columns: object) -> pd.DataFrame:
    """Return inspected items, one for each letter, with a patient for every two of them."""
    given = {
        "item": list(names),
        "target": ["a" if name < "e" else "b" for name in names],
        "content": [f"bytes {name}" for name in names],
        "decoded": [f"pixels {name}" for name in names],
        "group": [f"patient {ord(name) // 2}" for name in names],
        "split": parts,
        **columns,
    }
    rows = {**{key: [value] * len(names) for key, value in ITEM_DEFAULTS.items()}, **given}
    return pd.DataFrame(rows)


@pytest.fixture
def items() -> pd.DataFrame:
    return items_of("abcdefgh", ["train"] * 4 + ["valid"] * 2 + ["test", "left_out"])


def test_file_and_root_are_those_of_the_images_in_any_order(items: pd.DataFrame, tmp_path: Path):
    lock = DataLock.of(items)
    other = DataLock.of(items.sample(frac=1, random_state=0).assign(item="renamed", image="x.png"))
    lock.write(tmp_path / "a")
    other.write(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert DataLock.read(tmp_path / "a").root == lock.root == other.root
    assert len(lock.rows) == 7


@pytest.mark.parametrize("column", ["content", "decoded", "target", "split", "group"])
def test_root_changes_with_what_it_stands_for(items: pd.DataFrame, column: str):
    changed = items.copy()
    changed.loc[2, column] = "valid" if column == "split" else "b"
    assert DataLock.of(changed).root != DataLock.of(items).root


def test_neither_names_nor_patients_are_in_it(items: pd.DataFrame, tmp_path: Path):
    named = items.assign(item=[f"Jane Doe {n}" for n in items["item"]])
    DataLock.of(named).write(tmp_path / "data.lock")
    text = (tmp_path / "data.lock").read_text()
    assert "Jane" not in text
    assert "patient 5" not in text
    assert DataLock.of(named).rows["patient"].nunique() == 4


def test_labels_may_hold_anything(tmp_path: Path):
    items = items_of("abc", ["train", "valid", "test"], target=['x"\r\n,', "\t=1", " é "])
    DataLock.of(items).write(tmp_path / "data.lock")
    read = DataLock.read(tmp_path / "data.lock")
    assert set(read.rows["target"]) == set(items["target"])


def test_hash_of_a_part_is_that_of_its_images_and_labels(items: pd.DataFrame):
    lock = DataLock.of(items)
    other = DataLock.of(
        items.assign(group="", split=np.where(items["item"] == "a", "", items.split))
    )
    assert other.root != lock.root
    assert other.root_of("test") == lock.root_of("test")
    assert other.root_of("train") != lock.root_of("train")


def test_changed_lock_is_refused(items: pd.DataFrame, tmp_path: Path):
    file = tmp_path / "data.lock"
    with pytest.raises(RunError, match=r"there is no .*data\.lock"):
        DataLock.read(file)
    DataLock.of(items).write(file)
    file.write_text(file.read_text().replace("valid", "test"))
    with pytest.raises(RunError, match="was changed after it was written"):
        DataLock.read(file)
    for text in ("", "a\nb,c\n", '# fastmed data.lock 1, root x\n"'):
        file.write_text(text)
        with pytest.raises(RunError, match=r"is not a data\.lock as fastmed writes it"):
            DataLock.read(file)


def test_images_that_shaped_the_run_are_seen_by_bytes_or_pixels(items: pd.DataFrame):
    lock = DataLock.of(items)
    asked = items_of("azegx", [""] * 5, decoded=["", "pixels b", "", "pixels g", "pixels x"])
    assert lock.seen(asked).tolist() == [True, True, True, False, False]
    with pytest.raises(DataError, match="3 of 5 images in the folder trained this run, chose"):
        refuse_seen(lock, asked, "the folder")
    with pytest.raises(DataError, match="judge it by other images$"):  # none would be left
        refuse_seen(lock, asked.iloc[:3], "the folder")
    refuse_seen(lock, asked.iloc[3:], "the folder")


def test_images_of_an_earlier_run_stay_seen(items: pd.DataFrame):
    first = DataLock.of(items)
    second = DataLock.of(items_of("gx", ["test", "train"]))
    lock = second.with_earlier(first)
    assert lock.root == second.root
    assert (lock.rows["split"] == EARLIER).sum() == 6
    assert lock.seen(items_of("ghx", [""] * 3)).tolist() == [False, False, True]
    third = DataLock.of(items_of("y", ["train"])).with_earlier(lock)
    assert third.seen(items_of("axgy", [""] * 4)).tolist() == [True, True, False, True]


def test_patients_that_shaped_the_run_are_counted(items: pd.DataFrame):
    lock = DataLock.of(items)
    assert lock.shared_patients(items_of("ayz", [""] * 3)) == 1
    assert lock.shared_patients(items_of("ayz", [""] * 3, group=["", "", ""])) == 0
