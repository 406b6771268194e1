from pathlib import Path

import numpy as np
import pandas as pd
from conftest import tiny_task
from made import write_dicom, write_png

from fastmed.data.tables import items_table
from fastmed.data.unlabelled import unlabelled_items


def known(root: Path, *images: str) -> pd.DataFrame:
    return items_table(pd.DataFrame({"item": images, "image": images}), root)


def test_images_that_no_label_speaks_of(tmp_path: Path) -> None:
    for name in ("train/00000001_000.png", "test/00000002_001.png", "test/b.jpg", ".x/c.png"):
        write_png(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "labels.csv").write_text("image,label\n")
    found = unlabelled_items(
        tiny_task("lungs"), known(tmp_path, "train/00000001_000.png"), tmp_path
    )
    assert found["item"].tolist() == ["test/00000002_001.png", "test/b.jpg"]
    assert found["group"].tolist() == ["00000002", ""]
    assert set(found["target"]) == set(found["split"]) == {""}


def test_headers_are_read_by_the_allow_list(tmp_path: Path) -> None:
    write_dicom(tmp_path / "x", np.zeros((5, 5), np.uint8), PatientAge="061Y", PatientID="Secret")
    items = known(tmp_path, "other.dcm")
    found = unlabelled_items(tiny_task("pneumonia"), items, tmp_path)
    assert found["item"].tolist() == ["x"]
    assert found["meta_age"].tolist() == [61]
    assert found["group"][0] not in ("", "Secret")


def test_none(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png")
    assert unlabelled_items(tiny_task("lungs"), known(tmp_path, "a.png"), tmp_path).empty
