"""Every image looked at once: contents hashed, broken ones found."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made import listening, write_png

from fastmed.data.inspection import inspect_images
from fastmed.data.tables import items_table
from fastmed.errors import DataError


def items_of(root: Path, *names: str) -> pd.DataFrame:
    return items_table(pd.DataFrame({"item": names, "image": names}), root)


def test_content_is_the_hash_of_the_bytes(tmp_path: Path):
    for name, pixels in (("a.png", 1), ("b.png", 2), ("c.png", 1)):
        write_png(tmp_path / name, pixels)
    seen = inspect_images(items_of(tmp_path, "a.png", "b.png", "c.png"), tmp_path)
    expected = hashlib.sha256((tmp_path / "a.png").read_bytes()).hexdigest()
    assert seen["content"].tolist()[::2] == [expected, expected]
    assert seen["content"].nunique() == 2
    assert seen.attrs == {"root": str(tmp_path)}


def test_rows_of_arrays_are_hashed_one_by_one(tmp_path: Path):
    images = np.zeros((3, 2, 2), dtype=np.uint8)
    images[1] = 1
    np.savez(tmp_path / "a.npz", data=images)
    rows = [{"item": str(n), "image": "a.npz", "array": "data", "index": n} for n in range(3)]
    seen = inspect_images(items_table(pd.DataFrame(rows), tmp_path), tmp_path)
    assert seen["content"].tolist() == [
        hashlib.sha256(bytes([value] * 4)).hexdigest() for value in (0, 1, 0)
    ]


def test_broken_image_is_refused_with_name_reason_and_count(tmp_path: Path):
    write_png(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"")
    (tmp_path / "c.png").write_text("text")
    with pytest.raises(DataError) as caught:
        inspect_images(items_of(tmp_path, "a.png", "b.png", "c.png"), tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / 'b.png'}: the file is empty (2 of 3 images can't be read; "
        "`--skip-bad` leaves them out)"
    )


def test_broken_images_are_left_out_if_wanted(tmp_path: Path):
    write_png(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("text")
    with listening() as told:
        seen = inspect_images(items_of(tmp_path, "a.png", "b.png"), tmp_path, skip_bad=True)
    assert seen["split"].tolist() == ["", "left_out"]
    assert seen["note"].tolist() == ["", "it is text, not an image"]
    assert seen["content"].iloc[1] == ""
    assert "1 images that can't be read are left out" in told.text


def test_what_is_left_out_already_is_not_looked_at(tmp_path: Path):
    items = items_of(tmp_path, "gone.png").assign(split="left_out", note="no file")
    seen = inspect_images(items, tmp_path)
    assert seen["note"].tolist() == ["no file"]
