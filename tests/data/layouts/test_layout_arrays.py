"""NPZ files of images and labels."""

from pathlib import Path

import numpy as np
import pytest

from fastmed.data.layouts import read_source
from fastmed.errors import DataError
from fastmed.settings.sources import ArraysSource

CLASSES = ("none", "mild")


def source(**fields: object) -> ArraysSource:
    return ArraysSource(kind="arrays", **{"file": "train.npz", **fields})  # type: ignore[arg-type]


def images(count: int) -> np.ndarray:
    return np.zeros((count, 4, 4, 3), dtype=np.uint8)


def test_one_file(tmp_path: Path):
    np.savez(tmp_path / "train.npz", data=images(3), labels=[0, 1, 1])
    rows = read_source(source(), tmp_path, CLASSES)
    assert rows["item"].tolist() == [f"train.npz/data/{index}" for index in range(3)]
    assert rows["target"].tolist() == ["none", "mild", "mild"]
    assert set(rows["image"]) == {"train.npz"}
    assert set(rows["array"]) == {"data"}
    assert rows["index"].tolist() == [0, 1, 2]
    assert set(rows["split"]) == {""}


def test_a_file_for_each_part(tmp_path: Path):
    for name, count in (("train", 2), ("valid", 1), ("test", 3)):
        np.savez(tmp_path / f"{name}.npz", data=images(count), labels=["none"] * count)
    rows = read_source(source(valid_file="valid.npz", test_file="test.npz"), tmp_path, CLASSES)
    assert rows["split"].tolist() == ["train"] * 2 + ["valid"] + ["test"] * 3


def test_medmnist_in_one_file(tmp_path: Path):
    arrays = {}
    for part, count in (("train", 3), ("val", 1), ("test", 2)):
        arrays[f"{part}_images"] = np.zeros((count, 4, 4), dtype=np.uint8)
        arrays[f"{part}_labels"] = np.ones((count, 1), dtype=np.uint8)
    np.savez_compressed(tmp_path / "train.npz", **arrays)
    rows = read_source(source(), tmp_path, CLASSES)
    assert rows["split"].value_counts().to_dict() == {"train": 3, "test": 2, "valid": 1}
    assert rows["item"].iloc[3] == "train.npz/val_images/0"
    assert set(rows["target"]) == {"mild"}


def test_labels_in_a_second_file_and_names_of_arrays(tmp_path: Path):
    np.savez(tmp_path / "train.npz", pixels=images(2))
    np.savez(tmp_path / "y.npz", grade=[1, 0])
    fields = {"label_file": "y.npz", "data": "pixels", "labels": "grade"}
    assert read_source(source(**fields), tmp_path, CLASSES)["target"].tolist() == ["mild", "none"]


def test_lengths_must_agree(tmp_path: Path):
    np.savez(tmp_path / "train.npz", data=images(3), labels=[0, 1])
    with pytest.raises(DataError, match="'data' has 3 images, but there are 2 labels"):
        read_source(source(), tmp_path, CLASSES)


def test_unknown_label_names_the_image(tmp_path: Path):
    np.savez(tmp_path / "train.npz", data=images(2), labels=[0, 2])
    with pytest.raises(DataError, match="image 1 of 'data' in train.npz: '2' is none of"):
        read_source(source(), tmp_path, CLASSES)


def test_missing_file_and_array(tmp_path: Path):
    with pytest.raises(DataError, match=r"there is no file .*train\.npz"):
        read_source(source(), tmp_path, CLASSES)
    np.savez(tmp_path / "train.npz", images=images(2))
    with pytest.raises(DataError, match="has no array 'data'; it holds 'images'"):
        read_source(source(), tmp_path, CLASSES)
