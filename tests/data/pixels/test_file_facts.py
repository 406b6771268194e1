from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made import write_dicom
from PIL import Image

from fastmed.data.pixels.file_facts import UNKNOWN, FileFacts, file_facts, read_facts


def picture(mode: str, size: tuple[int, int] = (7, 5)) -> Image.Image:
    return Image.new(mode, size)


@pytest.mark.parametrize(
    ("mode", "name", "facts"),
    [
        ("L", "a.png", (7, 5, "PNG", "grey", 8, ".png")),
        ("1", "a.png", (7, 5, "PNG", "black and white", 1, ".png")),
        ("P", "a.gif", (7, 5, "GIF", "palette", 8, ".gif")),
        ("RGBA", "A.PNG", (7, 5, "PNG", "RGB with alpha", 8, ".png")),
        ("I;16", "a.png", (7, 5, "PNG", "grey", 16, ".png")),
        ("I;16", "a.tif", (7, 5, "TIFF", "grey", 16, ".tif")),
        ("F", "a.tiff", (7, 5, "TIFF", "grey, float", 32, ".tiff")),
        ("RGB", "a.jpg", (7, 5, "JPEG", "RGB", 8, ".jpg")),
        ("CMYK", "a.jpeg", (7, 5, "JPEG", "CMYK", 8, ".jpeg")),
        ("RGB", "a.bmp", (7, 5, "BMP", "RGB", 8, ".bmp")),
    ],
)
def test_pictures(tmp_path: Path, mode: str, name: str, facts: tuple) -> None:
    picture(mode).save(tmp_path / name)
    assert read_facts(tmp_path / name) == FileFacts(*facts)


def test_content_counts_and_not_the_suffix(tmp_path: Path) -> None:
    picture("L").save(tmp_path / "a.png", "JPEG")
    facts = read_facts(tmp_path / "a.png")
    assert (facts.format, facts.suffix) == ("JPEG", ".png")


def test_deep_colours_of_a_png(tmp_path: Path) -> None:
    import cv2

    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((5, 7, 3), np.uint16))
    assert read_facts(tmp_path / "a.png")[:5] == (7, 5, "PNG", "RGB", 16)


@pytest.mark.parametrize(("orientation", "size"), [(1, (7, 5)), (3, (7, 5)), (6, (5, 7))])
@pytest.mark.parametrize("name", ["a.jpg", "a.png"])
def test_sizes_are_upright(tmp_path: Path, orientation: int, size: tuple, name: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture("L").save(tmp_path / name, exif=exif)
    assert read_facts(tmp_path / name)[:2] == size


def test_dicom(tmp_path: Path) -> None:
    values = np.zeros((5, 7), np.uint16)
    file = write_dicom(tmp_path / "a.dcm", values, BitsStored=12, HighBit=11)
    facts = FileFacts(7, 5, "DICOM, Explicit VR Little Endian", "MONOCHROME2", 12, ".dcm")
    assert read_facts(file) == facts


def test_rows_of_arrays(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "a.npz", grey=np.zeros((3, 5, 7), np.uint8), rgb=np.zeros((2, 4, 6, 3), "u1")
    )
    items = pd.DataFrame({"image": "a.npz", "array": ["grey", "rgb", "grey"], "index": [0, 1, 2]})
    facts = file_facts(items, tmp_path)
    assert facts["width"].tolist() == [7, 6, 7]
    assert facts["colour"].tolist() == ["grey", "RGB", "grey"]
    assert set(facts["format"]) == {"NPZ"}


def test_what_cannot_be_read_is_not_known(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no image")
    items = pd.DataFrame({"image": ["a.png", "gone.dcm"], "array": ""}, index=[5, 3])
    facts = file_facts(items, tmp_path)
    assert facts.index.tolist() == [5, 3]
    assert facts[["width", "height", "bits"]].isna().all(axis=None)
    assert set(facts["format"]) == {UNKNOWN}
    assert facts["suffix"].tolist() == [".png", ".dcm"]


def test_pixels_are_not_decoded(tmp_path: Path) -> None:
    """A file that is cut off in the middle of its pixels says its size all the same."""
    Image.effect_noise((200, 100), 50).save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(content[: len(content) // 2])
    assert read_facts(tmp_path / "a.png")[:2] == (200, 100)
