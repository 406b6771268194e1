"""Pictures of every kind come out upright, as 8-bit grey or RGB."""

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hostile_pictures import png
from PIL import Image
from tiff_maker import tiff

from fastmed.data.pixels.image import open_image
from fastmed.data.pixels.picture import frame_number
from fastmed.data.pixels.scaling import UnreadableError
from fastmed.errors import DataError
from fastmed.settings.image import ImageSettings

RAMP = np.array([[0, 128, 255], [1, 2, 3]], dtype=np.uint8)
DEEP = np.array([[0, 257, 1000], [32768, 60000, 65535]], dtype=np.uint16)
DEEP_AS_BYTES = np.array([[0, 1, 4], [128, 233, 255]])  # 255 / 65535, rounded
COLOURS = np.stack([DEEP, DEEP[::-1], DEEP[:, ::-1]], axis=2)
COLOURS_AS_BYTES = np.stack(
    [DEEP_AS_BYTES, DEEP_AS_BYTES[::-1], DEEP_AS_BYTES[:, ::-1]], axis=2
)  # fmt: skip


def saved(path: Path, picture: Image.Image, **options: object) -> Path:
    picture.save(path, **options)
    return path


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def pixels_of(path: Path, **settings: object) -> np.ndarray:
    return open_image(path, ImageSettings(**settings)).pixels


def deep_png(values: np.ndarray, colour: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """Return a PNG of 16 bits a channel; colour type 0 grey, 2 RGB, 4 grey and alpha, 6 RGBA."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    return png(values.shape[1::-1], 16, colour, zlib.compress(rows), *chunks)


# 8 bits


def test_grey_and_rgb_keep_their_values(tmp_path: Path):
    colour = np.stack([RAMP, RAMP // 2, 255 - RAMP], axis=2)
    for suffix in ("png", "tif", "bmp"):
        opened = open_image(saved(tmp_path / f"grey.{suffix}", Image.fromarray(RAMP)))
        assert opened.pixels.dtype == np.uint8
        np.testing.assert_array_equal(opened.pixels, RAMP)
        assert opened[1:] == ("pillow", "8 bits", "")
        np.testing.assert_array_equal(
            pixels_of(saved(tmp_path / f"rgb.{suffix}", Image.fromarray(colour))), colour
        )


def test_fewer_bits_are_spread_over_the_whole_scale(tmp_path: Path):
    one = Image.fromarray(np.array([[0, 255]], dtype=np.uint8)).convert("1")
    np.testing.assert_array_equal(pixels_of(saved(tmp_path / "b.png", one)), [[0, 255]])
    two = png((4, 1), 2, 0, zlib.compress(b"\0\x1b"))  # 0, 1, 2, 3
    np.testing.assert_array_equal(
        pixels_of(written(tmp_path / "two.png", two)), [[0, 85, 170, 255]]
    )


def test_a_palette_becomes_its_colours(tmp_path: Path):
    picture = Image.new("P", (2, 1))
    picture.putpalette([0, 0, 0, 200, 10, 30])
    picture.putdata([0, 1])
    for suffix in ("png", "tif", "gif", "bmp"):
        np.testing.assert_array_equal(
            pixels_of(saved(tmp_path / f"p.{suffix}", picture)), [[[0, 0, 0], [200, 10, 30]]]
        )


def test_cmyk_is_converted_and_remarked(tmp_path: Path):
    inks = Image.new("CMYK", (8, 8), (0, 255, 0, 0))
    for suffix in ("jpg", "tif"):
        opened = open_image(saved(tmp_path / f"c.{suffix}", inks))
        assert opened.pixels.shape == (8, 8, 3)
        np.testing.assert_allclose(opened.pixels[4, 4].astype(int), [255, 0, 255], atol=3)
        assert "CMYK" in opened.remark


@pytest.mark.parametrize("factor", [0x411111, 0x420000 | 0x1111, 0x221111, 0x211111, 0x121111])
@pytest.mark.parametrize("shape", [(17, 23), (64, 48), (1, 9)])
def test_odd_subsampling_of_jpeg(tmp_path: Path, factor: int, shape: tuple[int, int]):
    """Whatever the chroma's resolution, the colours stay at their places (OpenCV writes)."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    smooth = np.stack([x * 3, y * 3, 120 + x - y], axis=2).clip(0, 255).astype(np.uint8)
    settings = [cv2.IMWRITE_JPEG_QUALITY, 98, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor]
    done, content = cv2.imencode(".jpg", smooth[..., ::-1], settings)
    assert done
    pixels = pixels_of(written(tmp_path / "s.jpg", content.tobytes()))
    assert pixels.shape == (*shape, 3)
    assert np.abs(pixels.astype(int) - smooth).mean() < 5


def test_lab_is_refused(tmp_path: Path):
    path = saved(tmp_path / "l.tif", Image.new("LAB", (4, 4)))
    with pytest.raises(DataError, match="kind 'LAB' are not supported; save it as grey or RGB"):
        open_image(path)


# Transparency

GLASS = np.array([[[200, 100, 50, 255], [200, 100, 50, 0], [200, 100, 50, 128]]], dtype=np.uint8)


@pytest.mark.parametrize(
    "ground, expected",
    [
        ("black", [[[200, 100, 50], [0, 0, 0], [100, 50, 25]]]),
        ("white", [[[200, 100, 50], [255, 255, 255], [227, 177, 152]]]),
    ],
)
@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_transparency_stands_on_its_ground(
    tmp_path: Path, ground: str, expected: list, suffix: str
):
    lossless = {"lossless": True, "exact": True} if suffix == "webp" else {}
    path = saved(tmp_path / f"a.{suffix}", Image.fromarray(GLASS), **lossless)
    opened = open_image(path, ImageSettings(transparency=ground))
    np.testing.assert_array_equal(opened.pixels, expected)
    assert f"shown on {ground}" in opened.remark


def test_grey_transparency(tmp_path: Path):
    layers = np.array([[[200, 255], [200, 0]]], dtype=np.uint8)
    path = saved(tmp_path / "la.png", Image.fromarray(layers, "LA"))
    np.testing.assert_array_equal(pixels_of(path), [[200, 0]])
    np.testing.assert_array_equal(pixels_of(path, transparency="white"), [[200, 255]])


def test_transparent_value_of_a_grey_png(tmp_path: Path):
    path = saved(tmp_path / "t.png", Image.fromarray(RAMP), transparency=255)
    np.testing.assert_array_equal(pixels_of(path), [[0, 128, 0], [1, 2, 3]])
    deep = written(tmp_path / "d.png", deep_png(DEEP, 0, (b"tRNS", struct.pack(">H", 1000))))
    np.testing.assert_array_equal(
        pixels_of(deep, transparency="white"), [[0, 1, 255], [128, 233, 255]]
    )


def test_transparent_pictures_can_be_refused(tmp_path: Path):
    path = saved(tmp_path / "a.png", Image.fromarray(GLASS))
    with pytest.raises(DataError, match="has transparent pixels; set image.transparency"):
        open_image(path, ImageSettings(transparency="refuse"))
    opaque = saved(tmp_path / "b.png", Image.fromarray(GLASS[:, :1]))
    opened = open_image(opaque, ImageSettings(transparency="refuse"))
    np.testing.assert_array_equal(opened.pixels, [[[200, 100, 50]]])
    assert opened.remark == ""


def test_premultiplied_tiff_stands_on_its_ground(tmp_path: Path):
    layers = np.array([[[100, 50, 25, 128], [0, 0, 0, 0]]], dtype=np.uint8)
    for values in (layers, layers.astype(np.uint16) * 257):
        path = written(tmp_path / "p.tif", tiff(values, extra=[1]))
        np.testing.assert_allclose(pixels_of(path)[0].astype(int), [[100, 50, 25], [0] * 3], atol=1)


# More than 8 bits


def test_16_bits_are_scaled_not_cut_off(tmp_path: Path):
    for suffix in ("png", "tif"):
        opened = open_image(saved(tmp_path / f"deep.{suffix}", Image.fromarray(DEEP)))
        np.testing.assert_array_equal(opened.pixels, DEEP_AS_BYTES)
        assert opened.scaling == "declared values 0 to 65535"


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("deflate", [False, True])
def test_16_bit_tiff_of_either_order(tmp_path: Path, order: str, deflate: bool):
    path = written(tmp_path / "d.tif", tiff(DEEP, order=order, deflate=deflate))
    np.testing.assert_array_equal(pixels_of(path), DEEP_AS_BYTES)


def test_12_bit_tiff_is_scaled_by_its_4096_values(tmp_path: Path):
    values = np.array([[0, 1000], [2048, 4095]], dtype=np.uint16)
    opened = open_image(written(tmp_path / "d.tif", tiff(values, bits=12)))
    np.testing.assert_array_equal(opened.pixels, [[0, 62], [128, 255]])
    assert opened.scaling == "declared values 0 to 4095"


def test_the_tasks_range_goes_before_the_declared_one(tmp_path: Path):
    values = np.array([[0, 1000], [2048, 5000]], dtype=np.uint16)
    for suffix in ("png", "tif"):
        path = saved(tmp_path / f"d.{suffix}", Image.fromarray(values))
        opened = open_image(path, ImageSettings(value_range=(0, 4096)))
        np.testing.assert_array_equal(opened.pixels, [[0, 62], [128, 255]])
        assert opened.scaling == "values 0 to 4096"


def test_percentiles_of_a_16_bit_picture(tmp_path: Path):
    values = np.arange(1000, 1101, dtype=np.uint16)[None]
    path = saved(tmp_path / "d.png", Image.fromarray(values))
    opened = open_image(path, ImageSettings(scale="percentiles", percentiles=(10, 90)))
    assert opened.scaling == "percentiles 10 to 90"
    np.testing.assert_array_equal(opened.pixels[0, [0, 10, 50, 90, 100]], [0, 0, 128, 255, 255])


def test_deep_colours_keep_their_lower_bits(tmp_path: Path):
    """Pillow drops them, which nearly blackens a picture of 12 bits in 16."""
    paths = [
        written(tmp_path / "c.png", deep_png(COLOURS, 2)),
        written(tmp_path / "c.tif", tiff(COLOURS)),
        written(tmp_path / "b.tif", tiff(COLOURS, order=">", deflate=True)),
    ]
    for path in paths:
        opened = open_image(path)
        np.testing.assert_array_equal(opened.pixels, COLOURS_AS_BYTES)
        assert opened.decoder == "opencv"
    dark = written(tmp_path / "dark.png", deep_png(COLOURS // 16, 2))
    ranged = pixels_of(dark, value_range=(0, 4095)).astype(int)
    assert np.abs(ranged - COLOURS_AS_BYTES).max() <= 1


def test_deep_transparency(tmp_path: Path):
    alpha = np.array([[65535, 65535, 65535], [0, 0, 65535]], dtype=np.uint16)
    layers = np.concatenate([COLOURS, alpha[..., None]], axis=2)
    expected = np.where(alpha[..., None] > 0, COLOURS_AS_BYTES, 0)
    png_path = written(tmp_path / "c.png", deep_png(layers, 6))
    tiff_path = written(tmp_path / "c.tif", tiff(layers, extra=[2]))
    for path in (png_path, tiff_path):
        np.testing.assert_array_equal(pixels_of(path), expected)
    grey = np.stack([DEEP, alpha], axis=2)
    pixels = pixels_of(written(tmp_path / "g.png", deep_png(grey, 4)))
    np.testing.assert_array_equal(pixels, np.where(alpha > 0, DEEP_AS_BYTES, 0))


@pytest.mark.parametrize("order", ["<", ">"])
def test_white_can_be_zero(tmp_path: Path, order: str):
    for values, expected in ((RAMP, 255 - RAMP), (DEEP, 255 - DEEP_AS_BYTES)):
        path = written(tmp_path / "w.tif", tiff(values, order=order, meaning=0))
        np.testing.assert_array_equal(pixels_of(path), expected)
    shares = np.array([[0, 0.25, 1]], dtype=np.float32)
    path = written(tmp_path / "w.tif", tiff(shares, order=order, meaning=0))
    np.testing.assert_array_equal(pixels_of(path), [[255, 191, 0]])


def test_floats_within_0_to_1_are_taken_as_such(tmp_path: Path):
    values = np.array([[0.0, 0.5], [np.nan, 1.0]])
    for kind in (np.float32, np.float64):
        for shape in (values, np.stack([values] * 3, axis=2)):
            opened = open_image(written(tmp_path / "f.tif", tiff(shape.astype(kind))))
            grey = opened.pixels if opened.pixels.ndim == 2 else opened.pixels[..., 1]
            np.testing.assert_array_equal(grey, [[0, 128], [0, 255]])
            assert opened.scaling == "floats 0 to 1"


@pytest.mark.parametrize(
    "kind, said",
    [
        (np.float32, "32-bit floats from -1000 to 3000"),
        (np.int16, "16-bit signed integers from -1000 to 3000"),
        (np.int32, "32-bit signed integers from -1000 to 3000"),
    ],
)
def test_values_without_a_declared_range_need_one(tmp_path: Path, kind: type, said: str):
    values = np.array([[-1000, 0], [1000, 3000]]).astype(kind)
    path = written(tmp_path / "ct.tif", tiff(values))
    with pytest.raises(DataError, match=f"ct.tif: its values are {said}.*image.value_range"):
        open_image(path)
    pixels = pixels_of(path, value_range=(-1000, 1000))
    np.testing.assert_array_equal(pixels, [[0, 128], [255, 255]])


def test_signed_bytes_are_not_taken_for_unsigned_ones(tmp_path: Path):
    path = written(tmp_path / "s.tif", tiff(np.array([[-128, 0, 127]], dtype=np.int8)))
    with pytest.raises(DataError, match="8-bit signed"):
        open_image(path)
    np.testing.assert_array_equal(pixels_of(path, value_range=(-128, 127)), [[0, 128, 255]])


@pytest.mark.skipif(cv2.__version__ < "5", reason="OpenCV reads them from version 5 on")
def test_unsigned_32_bits_beyond_the_signed_ones(tmp_path: Path):
    path = written(tmp_path / "u.tif", tiff(np.array([[0, 2**32 - 1]], dtype=np.uint32)))
    np.testing.assert_array_equal(pixels_of(path, value_range=(0, 2**32 - 1)), [[0, 255]])


def test_tiff_of_five_deep_channels_is_refused(tmp_path: Path):
    path = written(tmp_path / "m.tif", tiff(np.zeros((2, 2, 5), np.uint16)))
    with pytest.raises(DataError, match="5 channels of 16 bits is not supported; expected 1, 3"):
        open_image(path)


def test_one_channel_after_the_other(tmp_path: Path):
    values = np.random.default_rng(0).integers(0, 256, (5, 4, 3), dtype=np.uint8)
    plain = written(tmp_path / "p.tif", tiff(values, planar=True))
    np.testing.assert_array_equal(pixels_of(plain), values)
    deep = written(tmp_path / "d.tif", tiff(COLOURS, planar=True))
    with pytest.raises(DataError, match="one channel after the other is not supported"):
        open_image(deep)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_compressed_tiff(tmp_path: Path, compression: str):
    values = np.random.default_rng(0).integers(0, 256, (70, 50, 3), dtype=np.uint8)
    path = saved(tmp_path / "c.tif", Image.fromarray(values), compression=compression)
    np.testing.assert_array_equal(pixels_of(path), values)


def test_tiled_tiff_with_a_predictor(tmp_path: Path):
    """Written by an implementation of its own (tifffile)."""
    tifffile = pytest.importorskip("tifffile")
    values = np.random.default_rng(0).integers(0, 65536, (70, 90), dtype=np.uint16)
    tifffile.imwrite(
        tmp_path / "t.tif", values, tile=(32, 32), compression="zlib", predictor=True
    )  # fmt: skip
    np.testing.assert_array_equal(
        pixels_of(tmp_path / "t.tif"), np.floor(values * (255 / 65535) + 0.5)
    )


# Upright


@pytest.mark.parametrize("orientation, turned", [(6, np.rot90(RAMP, -1)), (3, np.rot90(RAMP, 2))])
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int, turned: np.ndarray):
    exif = Image.Exif()
    exif[0x0112] = orientation
    for suffix in ("png", "tif", "webp"):
        lossless = {"lossless": True} if suffix == "webp" else {}
        path = saved(tmp_path / f"o.{suffix}", Image.fromarray(RAMP), exif=exif, **lossless)
        pixels = pixels_of(path)
        np.testing.assert_array_equal(pixels[..., 0] if pixels.ndim == 3 else pixels, turned)
    jpeg = saved(tmp_path / "o.jpg", Image.fromarray(np.kron(RAMP, np.ones((16, 16), np.uint8))),
                 exif=exif)  # fmt: skip
    np.testing.assert_allclose(pixels_of(jpeg)[8::16, 8::16].astype(int), turned, atol=6)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_deep_pictures_are_upright_too(tmp_path: Path, orientation: int):
    exif = Image.Exif()
    exif[0x0112] = orientation
    plain = pixels_of(saved(tmp_path / "p.png", Image.fromarray(RAMP), exif=exif))
    deep = np.stack([RAMP.astype(np.uint16) * 257] * 3, axis=2)
    chunk = (b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    made = {
        "deep.png": deep_png(deep, 2, chunk),
        "deep.tif": tiff(deep, orientation=orientation),
        "grey.tif": tiff(deep[..., 0], orientation=orientation),
        "float.tif": tiff((RAMP / 255).astype(np.float32), orientation=orientation),
    }
    for name, content in made.items():
        pixels = pixels_of(written(tmp_path / name, content))
        np.testing.assert_array_equal(pixels[..., 0] if pixels.ndim == 3 else pixels, plain)


def test_garbage_in_exif_does_not_lose_the_image(tmp_path: Path, recwarn: pytest.WarningsRecorder):
    path = saved(tmp_path / "e.png", Image.fromarray(RAMP), exif=b"Exif\0\0MM\0*garbage")
    np.testing.assert_array_equal(pixels_of(path), RAMP)
    assert not recwarn.list, "no reader may flood the terminal"


# Several frames

PAGES = [np.full((4, 4), value, dtype=np.uint8) for value in (10, 20, 30, 40, 50)]


@pytest.mark.parametrize("suffix", ["tif", "gif", "png", "webp"])
@pytest.mark.parametrize("frame, value", [("first", 10), ("middle", 30), ("last", 50), (3, 40)])
def test_the_frame_that_the_task_takes(tmp_path: Path, suffix: str, frame: str | int, value: int):
    pictures = [Image.fromarray(page) for page in PAGES]
    lossless = {"lossless": True} if suffix == "webp" else {}
    path = saved(
        tmp_path / f"m.{suffix}", pictures[0], save_all=True, append_images=pictures[1:], **lossless
    )
    opened = open_image(path, ImageSettings(frame=frame))
    assert np.unique(opened.pixels).tolist() == [value]
    assert ("only the first is read" in opened.remark) == (frame == "first")


def test_the_page_of_a_deep_tiff(tmp_path: Path):
    shares = [(page / 255).astype(np.float32) for page in PAGES]
    path = written(tmp_path / "m.tif", tiff(*shares))
    opened = open_image(path, ImageSettings(frame="last"))
    assert np.unique(opened.pixels).tolist() == [50]
    assert "only the first" in open_image(path).remark


def test_a_frame_that_is_not_there(tmp_path: Path):
    one = saved(tmp_path / "one.png", Image.fromarray(RAMP))
    two = written(tmp_path / "two.tif", tiff(RAMP, RAMP))
    for path, count in ((one, 1), (two, 2)):
        with pytest.raises(DataError, match=f"frame = 5, but it has {count} frames"):
            open_image(path, ImageSettings(frame=5))
    with pytest.raises(UnreadableError):
        frame_number(1, 1)


# Size


def test_limits_are_those_of_every_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = saved(tmp_path / "a.png", Image.fromarray(RAMP))
    monkeypatch.setattr("fastmed.data.pixels.picture.MOST_PIXELS", 6)
    assert pixels_of(path).shape == (2, 3)
    monkeypatch.setattr("fastmed.data.pixels.picture.MOST_PIXELS", 5)
    with pytest.raises(DataError, match="announces 3 x 2 pixels"):
        open_image(path)


def test_bytes_are_limited_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("fastmed.data.pixels.picture.MOST_BYTES", 100)
    path = written(tmp_path / "f.tif", tiff(np.zeros((4, 4, 3), np.float64)))
    with pytest.raises(DataError, match="announces 0.0 GB of pixels; refused"):
        open_image(path)


def test_a_window_is_remarked_where_it_does_nothing(tmp_path: Path):
    path = saved(tmp_path / "one.png", Image.fromarray(RAMP))
    opened = open_image(path, ImageSettings(window="lung"))
    assert "a window is of DICOM values" in opened.remark
    assert np.array_equal(opened.pixels, open_image(path).pixels)
