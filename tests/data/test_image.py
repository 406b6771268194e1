"""Every kind of picture comes out as upright 8-bit grey or RGB, or as one clear sentence."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fastmed.data.image import is_image, open_image, open_item
from fastmed.errors import DataError

RAMP = np.array([[0, 128, 255], [1, 2, 3]], dtype=np.uint8)


def saved(path: Path, picture: Image.Image, **options: object) -> Path:
    picture.save(path, **options)
    return path


def test_grey_and_rgb_keep_their_values(tmp_path: Path):
    colour = np.stack([RAMP, RAMP // 2, 255 - RAMP], axis=2)
    for suffix in ("png", "tif", "bmp"):
        grey = open_image(saved(tmp_path / f"grey.{suffix}", Image.fromarray(RAMP))).pixels
        assert grey.dtype == np.uint8
        np.testing.assert_array_equal(grey, RAMP)
        rgb = open_image(saved(tmp_path / f"rgb.{suffix}", Image.fromarray(colour))).pixels
        np.testing.assert_array_equal(rgb, colour)


def test_16_bits_are_scaled_not_cut_off(tmp_path: Path):
    values = np.array([[0, 257, 1000], [32768, 60000, 65535]], dtype=np.uint16)
    expected = [[0, 1, 4], [128, 233, 255]]
    for suffix in ("png", "tif"):
        pixels = open_image(saved(tmp_path / f"deep.{suffix}", Image.fromarray(values))).pixels
        np.testing.assert_array_equal(pixels, expected)


def test_32_bit_integers_within_16_bits_count_as_16(tmp_path: Path):
    values = np.array([[0, 32768], [40000, 65535]], dtype=np.int32)
    pixels = open_image(saved(tmp_path / "i.tif", Image.fromarray(values))).pixels
    np.testing.assert_array_equal(pixels, [[0, 128], [156, 255]])


def test_negative_integers_are_stretched(tmp_path: Path):
    values = np.array([[-1000, 0], [1000, 3000]], dtype=np.int32)
    pixels = open_image(saved(tmp_path / "ct.tif", Image.fromarray(values))).pixels
    np.testing.assert_array_equal(pixels, [[0, 64], [128, 255]])


def test_floats_are_stretched_and_gaps_are_dark(tmp_path: Path):
    values = np.array([[-1.0, 0.0], [np.nan, 1.0]], dtype=np.float32)
    pixels = open_image(saved(tmp_path / "f.tif", Image.fromarray(values))).pixels
    np.testing.assert_array_equal(pixels, [[0, 128], [0, 255]])


def test_constant_floats_are_black(tmp_path: Path):
    picture = Image.fromarray(np.full((2, 2), 7.0, dtype=np.float32))
    assert not open_image(saved(tmp_path / "f.tif", picture)).pixels.any()


def test_one_bit_is_black_and_white(tmp_path: Path):
    picture = Image.fromarray(np.array([[0, 255]], dtype=np.uint8)).convert("1")
    np.testing.assert_array_equal(open_image(saved(tmp_path / "b.png", picture)).pixels, [[0, 255]])


def test_palette_becomes_its_colours(tmp_path: Path):
    picture = Image.new("P", (2, 1))
    picture.putpalette([0, 0, 0, 200, 10, 30])
    picture.putdata([0, 1])
    np.testing.assert_array_equal(
        open_image(saved(tmp_path / "p.png", picture)).pixels, [[[0, 0, 0], [200, 10, 30]]]
    )


def test_transparency_stands_on_black(tmp_path: Path):
    rgba = np.array([[[200, 100, 50, 255], [200, 100, 50, 0], [200, 100, 50, 128]]], dtype=np.uint8)
    np.testing.assert_array_equal(
        open_image(saved(tmp_path / "rgba.png", Image.fromarray(rgba))).pixels,
        [[[200, 100, 50], [0, 0, 0], [100, 50, 25]]],
    )
    grey = np.array([[[200, 255], [200, 0]]], dtype=np.uint8)
    np.testing.assert_array_equal(
        open_image(saved(tmp_path / "la.png", Image.fromarray(grey, "LA"))).pixels, [[200, 0]]
    )


def test_transparent_colour_of_a_grey_png_is_black(tmp_path: Path):
    path = saved(tmp_path / "t.png", Image.fromarray(RAMP), transparency=255)
    np.testing.assert_array_equal(open_image(path).pixels, [[0, 128, 0], [1, 2, 3]])


def test_cmyk_is_converted(tmp_path: Path):
    white = Image.new("CMYK", (8, 8), (0, 0, 0, 0))
    pixels = open_image(saved(tmp_path / "c.jpg", white)).pixels
    assert pixels.shape == (8, 8, 3)
    assert pixels.min() > 250


@pytest.mark.parametrize("orientation, turned", [(6, np.rot90(RAMP, -1)), (3, np.rot90(RAMP, 2))])
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int, turned: np.ndarray):
    exif = Image.Exif()
    exif[0x0112] = orientation
    for suffix in ("png", "tif"):
        path = saved(tmp_path / f"o.{suffix}", Image.fromarray(RAMP), exif=exif)
        np.testing.assert_array_equal(open_image(path).pixels, turned)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_garbage_in_exif_does_not_lose_the_image(tmp_path: Path):
    path = saved(tmp_path / "e.png", Image.fromarray(RAMP), exif=b"Exif\0\0MM\0*garbage")
    np.testing.assert_array_equal(open_image(path).pixels, RAMP)


def test_first_page_of_several(tmp_path: Path):
    pages = [Image.fromarray(RAMP), Image.fromarray(255 - RAMP)]
    path = saved(tmp_path / "m.tif", pages[0], save_all=True, append_images=pages[1:])
    np.testing.assert_array_equal(open_image(path).pixels, RAMP)


def noise(suffix: str) -> bytes:
    values = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, {"jpg": "JPEG", "tif": "TIFF"}.get(suffix, "PNG"))
    return buffer.getvalue()


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_truncated_file_is_refused(tmp_path: Path, suffix: str):
    path = tmp_path / f"cut.{suffix}"
    path.write_bytes(noise(suffix)[:2000])
    with pytest.raises(DataError, match=f"cut.{suffix}: .*(truncated|decoded)"):
        open_image(path).pixels


@pytest.mark.parametrize(
    "name, content, reason",
    [
        ("a.png", b"", "the file is empty"),
        ("a.png", b"not an image\n", "it is text, not an image"),
        ("a.png", bytes(range(200)), "it is not an image fastmed knows"),
        ("a.dcm", b"not an image\n", "it is named as DICOM, but is not"),
        ("a.dcm", b"", "the file is empty"),
    ],
)
def test_reason_is_one_sentence_that_names_the_file(
    tmp_path: Path, name: str, content: bytes, reason: str
):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        open_image(path).pixels
    assert str(caught.value) == f"{path}: {reason}"


def test_missing_file_and_folder(tmp_path: Path):
    for path in (tmp_path / "none.png", tmp_path):
        with pytest.raises(DataError, match="no such file"):
            open_image(path).pixels


def test_decompression_bomb_is_an_error(tmp_path: Path):
    path = saved(tmp_path / "bomb.png", Image.new("1", (12_000, 12_000)))
    with pytest.raises(DataError, match="too many pixels"):
        open_image(path).pixels


def test_images_are_known_by_suffix_or_by_dicom_content(tmp_path: Path):
    for name in ("a.PNG", "b.jpeg", "c.dcm"):
        (tmp_path / name).write_bytes(b"x")
        assert is_image(tmp_path / name)
    (tmp_path / "1.2.840").write_bytes(bytes(128) + b"DICM")
    (tmp_path / "DICOMDIR").write_bytes(bytes(128) + b"DICM")
    (tmp_path / "notes.txt").write_bytes(b"x")
    (tmp_path / "folder.png").mkdir()
    assert is_image(tmp_path / "1.2.840")
    assert not any(is_image(tmp_path / name) for name in ("DICOMDIR", "notes.txt", "folder.png"))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_rows_of_arrays(tmp_path: Path, save):
    images = np.random.default_rng(0).integers(0, 256, (4, 5, 6, 3), dtype=np.uint8)
    save(tmp_path / "a.npz", data=images)
    np.testing.assert_array_equal(open_item(tmp_path, "a.npz", "data", 2), images[2])
    with pytest.raises(DataError, match="has 4 images, none at 4"):
        open_item(tmp_path, "a.npz", "data", 4)


def test_item_that_is_a_file(tmp_path: Path):
    saved(tmp_path / "a.png", Image.fromarray(RAMP))
    np.testing.assert_array_equal(open_item(tmp_path, "a.png"), RAMP)


def test_zip_that_is_no_npz_member(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("data.npy", b"nothing of use")
    with pytest.raises(DataError, match="'data' can't be read"):
        open_item(tmp_path, "a.npz", "data", 0)
