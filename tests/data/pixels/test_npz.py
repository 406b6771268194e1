"""NPZ files: read without pickles, and never more than they hold."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.lib import format as npy

from fastmed.data.pixels.npz import array_names, read_images, read_labels
from fastmed.errors import DataError

IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


def test_shapes_of_images(tmp_path: Path):
    np.savez(tmp_path / "a.npz", grey=IMAGES, one=IMAGES[..., None], rgb=np.stack([IMAGES] * 3, 3))
    assert array_names(tmp_path / "a.npz") == ["grey", "one", "rgb"]
    assert read_images(tmp_path / "a.npz", "grey").shape == (2, 3, 4)
    assert read_images(tmp_path / "a.npz", "one").shape == (2, 3, 4)
    assert read_images(tmp_path / "a.npz", "rgb").shape == (2, 3, 4, 3)


def test_fortran_order_is_read_right(tmp_path: Path):
    np.savez(tmp_path / "a.npz", data=np.asfortranarray(IMAGES))
    np.testing.assert_array_equal(read_images(tmp_path / "a.npz", "data"), IMAGES)


@pytest.mark.parametrize(
    "images",
    [
        IMAGES[0],
        np.zeros((2, 3, 4, 4), dtype=np.uint8),
        np.zeros((2, 0, 4), dtype=np.uint8),
        IMAGES.astype(np.complex64),
        IMAGES.astype(str),
    ],
)
def test_other_kinds_of_images_are_refused(tmp_path: Path, images: np.ndarray):
    np.savez(tmp_path / "a.npz", data=images)
    with pytest.raises(DataError, match="expected images .N, H, W."):
        read_images(tmp_path / "a.npz", "data")


@pytest.mark.parametrize("kind", [bool, np.uint16, np.int16, np.float32, np.float64])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_images_of_any_real_number_are_returned_as_they_are(tmp_path: Path, kind: type, save):
    save(tmp_path / "a.npz", data=IMAGES.astype(kind))
    images = read_images(tmp_path / "a.npz", "data")
    assert images.dtype == kind
    np.testing.assert_array_equal(images, IMAGES.astype(kind))


def test_an_array_without_images_is_empty(tmp_path: Path):
    np.savez(tmp_path / "a.npz", data=IMAGES[:0])
    assert len(read_images(tmp_path / "a.npz", "data")) == 0


def test_an_image_has_a_largest_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    np.savez(tmp_path / "a.npz", data=IMAGES)
    monkeypatch.setattr("fastmed.data.pixels.npz.MOST_PIXELS", 11)
    with pytest.raises(DataError, match="images of 4 x 3 pixels, more than"):
        read_images(tmp_path / "a.npz", "data")


def test_members_that_are_no_arrays_are_left_aside(tmp_path: Path):
    np.savez(tmp_path / "a.npz", data=IMAGES)
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as archive:
        archive.writestr("../../notes.txt", "nothing")
        archive.writestr("data", "not the array")
    assert array_names(tmp_path / "a.npz") == ["data"]
    np.testing.assert_array_equal(read_images(tmp_path / "a.npz", "data"), IMAGES)


@pytest.mark.parametrize("name", ["a b", "train/images", "x" * 300, "ä", "..", "\u202etxt"])
def test_odd_names_of_arrays_are_just_names(tmp_path: Path, name: str):
    np.savez(tmp_path / "a.npz", **{name: IMAGES})
    assert array_names(tmp_path / "a.npz") == [name]
    np.testing.assert_array_equal(read_images(tmp_path / "a.npz", name), IMAGES)


def test_file_that_changed_is_read_again(tmp_path: Path):
    np.savez(tmp_path / "a.npz", data=IMAGES)
    first = np.array(read_images(tmp_path / "a.npz", "data"))
    (tmp_path / "a.npz").unlink()
    np.savez(tmp_path / "a.npz", data=IMAGES + 1)
    np.testing.assert_array_equal(read_images(tmp_path / "a.npz", "data"), first + 1)


def test_unknown_array_names_the_nearest(tmp_path: Path):
    np.savez(tmp_path / "a.npz", images=IMAGES)
    with pytest.raises(DataError, match="no array 'image'; did you mean 'images'"):
        read_images(tmp_path / "a.npz", "image")


def test_missing_or_other_file(tmp_path: Path):
    (tmp_path / "b.npz").write_bytes(b"text")
    with pytest.raises(DataError, match="there is no file"):
        array_names(tmp_path / "a.npz")
    with pytest.raises(DataError, match="is not an NPZ file"):
        array_names(tmp_path / "b.npz")


@pytest.mark.parametrize(
    "labels, expected",
    [
        (np.array([0, 2]), ["0", "2"]),
        (np.array([[1], [0]], dtype=np.uint8), ["1", "0"]),
        (np.array(["TUM", "ADI"]), ["TUM", "ADI"]),
        (np.array([b"TUM", b"ADI"]), ["TUM", "ADI"]),
        (np.array([True, False]), ["1", "0"]),
    ],
)
def test_labels_are_text(tmp_path: Path, labels: np.ndarray, expected: list[str]):
    np.savez(tmp_path / "a.npz", labels=labels)
    assert read_labels(tmp_path / "a.npz", "labels").tolist() == expected


@pytest.mark.parametrize("labels", [np.zeros((2, 14), dtype=int), np.array([0.5, 1.0])])
def test_other_kinds_of_labels_are_refused(tmp_path: Path, labels: np.ndarray):
    np.savez(tmp_path / "a.npz", labels=labels)
    with pytest.raises(DataError, match="expected one whole number or text an image"):
        read_labels(tmp_path / "a.npz", "labels")


def test_pickled_objects_are_never_loaded(tmp_path: Path):
    np.savez(tmp_path / "a.npz", data=np.array([{"a": 1}], dtype=object))
    with pytest.raises(DataError, match="pickled objects"):
        read_images(tmp_path / "a.npz", "data")


def lying(path: Path, shape: tuple[int, ...], compression: int) -> None:
    """Write an array of 100 bytes whose header announces another shape."""
    buffer = io.BytesIO()
    npy.write_array_header_1_0(buffer, {"descr": "|u1", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("data.npy", buffer.getvalue() + bytes(100))


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("shape", [(10**6, 10**6, 3), (2, 3, 4)])
def test_header_that_lies_about_the_size(tmp_path: Path, shape: tuple[int, ...], compression: int):
    lying(tmp_path / "a.npz", shape, compression)
    with pytest.raises(DataError, match="which is not its size"):
        read_images(tmp_path / "a.npz", "data")
