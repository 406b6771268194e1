"""NPZ files: read without pickles, and never more than they hold."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.lib import format as npy

from fastmed.data.npz import array_names, read_images, read_labels
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
    "images", [IMAGES.astype(np.float32), IMAGES[0], np.zeros((2, 3, 4, 4), dtype=np.uint8)]
)
def test_other_kinds_of_images_are_refused(tmp_path: Path, images: np.ndarray):
    np.savez(tmp_path / "a.npz", data=images)
    with pytest.raises(DataError, match="expected 8-bit images"):
        read_images(tmp_path / "a.npz", "data")


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


def test_bomb_is_refused_before_it_inflates(tmp_path: Path):
    buffer = io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": (600, 1024, 1024)}
    npy.write_array_header_1_0(buffer, header)
    with (
        zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("data.npy", "w") as member,
    ):
        member.write(buffer.getvalue())
        for _ in range(600):
            member.write(bytes(2**20))
    with pytest.raises(DataError, match="inflates more than 200-fold"):
        read_images(tmp_path / "a.npz", "data")
