"""One door: every file comes out as pixels, or as one sentence that names it."""

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from made import write_dicom
from PIL import Image

from fastmed.data.pixels.image import is_image, open_image, open_item
from fastmed.errors import DataError
from fastmed.settings.image import ImageSettings

RAMP = np.array([[0, 128, 255], [1, 2, 3]], dtype=np.uint8)


def saved(path: Path, pixels: np.ndarray = RAMP) -> Path:
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize(
    "name, content, reason",
    [
        ("a.png", b"", "the file is empty"),
        ("a.png", b"not an image\n", "it is text, not an image"),
        ("a.png", bytes(range(200)), "it is not an image fastmed knows"),
        ("a.dcm", b"", "the file is empty"),
    ],
)
def test_reason_is_one_sentence_that_names_the_file(
    tmp_path: Path, name: str, content: bytes, reason: str
):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        open_image(path)
    assert str(caught.value) == f"{path}: {reason}"


def test_what_is_no_file_is_never_opened(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    (tmp_path / "folder.png").mkdir()
    reasons = {
        "pipe": "no regular file",
        "zero": "no regular file",
        "loop": "no such file",
        "none": "no such file",
        "folder": "it is a folder",
    }
    for name, reason in reasons.items():
        with pytest.raises(DataError, match=f"{name}.png: .*{reason}"):
            open_image(tmp_path / f"{name}.png")
        assert not is_image(tmp_path / f"{name}.png")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read any file")
def test_file_that_may_not_be_read(tmp_path: Path):
    path = saved(tmp_path / "a.png")
    path.chmod(0)
    with pytest.raises(DataError, match="it can't be read .permission denied"):
        open_image(path)


def test_images_are_known_by_suffix_or_by_dicom_content(tmp_path: Path):
    for name in ("a.PNG", "b.jpeg", "c.dcm"):
        (tmp_path / name).write_bytes(b"x")
        assert is_image(tmp_path / name)
    (tmp_path / "1.2.840").write_bytes(bytes(128) + b"DICM")
    (tmp_path / "DICOMDIR").write_bytes(bytes(128) + b"DICM")
    (tmp_path / "notes.txt").write_bytes(b"x")
    assert is_image(tmp_path / "1.2.840")
    assert not any(is_image(tmp_path / name) for name in ("DICOMDIR", "notes.txt"))


def test_content_decides_and_not_the_name(tmp_path: Path):
    saved(tmp_path / "a.tif").rename(tmp_path / "a.png")
    np.testing.assert_array_equal(open_image(tmp_path / "a.png").pixels, RAMP)
    write_dicom(tmp_path / "b.png", RAMP)
    assert open_image(tmp_path / "b.png").pixels.shape == RAMP.shape


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_rows_of_arrays(tmp_path: Path, save):
    images = np.random.default_rng(0).integers(0, 256, (4, 5, 6, 3), dtype=np.uint8)
    save(tmp_path / "a.npz", data=images)
    opened = open_item(tmp_path, "a.npz", "data", 2)
    np.testing.assert_array_equal(opened.pixels, images[2])
    assert opened[1:] == ("numpy", "8 bits", "")
    with pytest.raises(DataError, match="has 4 images, none at 4"):
        open_item(tmp_path, "a.npz", "data", 4)


def test_rows_of_deep_arrays_need_a_range(tmp_path: Path):
    values = np.array([[[0, 1000], [2000, 4000]], [[0, 0], [0, 0]]], dtype=np.uint16)
    np.savez(tmp_path / "a.npz", data=values)
    opened = open_item(tmp_path, "a.npz", "data", 0, ImageSettings(value_range=(0, 4000)))
    np.testing.assert_array_equal(opened.pixels, [[0, 64], [128, 255]])
    assert opened.scaling == "values 0 to 4000"
    with pytest.raises(DataError, match="a.npz: in 'data', its values are 16-bit.*value_range"):
        open_item(tmp_path, "a.npz", "data", 0)


def test_item_that_is_a_file(tmp_path: Path):
    saved(tmp_path / "a.png")
    np.testing.assert_array_equal(open_item(tmp_path, "a.png", "", -1).pixels, RAMP)


def test_zip_that_is_no_npz_member(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("data.npy", b"nothing of use")
    with pytest.raises(DataError, match="'data' can't be read"):
        open_item(tmp_path, "a.npz", "data", 0)
