"""Black and white are exchanged once, what is outside of the image is black."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made import dicom_sequence, write_dicom
from pydicom.uid import ExplicitVRBigEndian

from fastmed.data.pixels.dicom import grey, read_dicom
from fastmed.settings.image import ImageSettings

BYTES = np.array([[0, 100], [200, 255]], dtype=np.uint8)


def see(path: Path, **settings: Any) -> np.ndarray:
    return read_dicom(path, ImageSettings(**settings)).pixels


@pytest.mark.parametrize(
    "fields",
    [
        {"PhotometricInterpretation": "MONOCHROME1"},
        {"PresentationLUTShape": "INVERSE"},
        {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"},
    ],
)
def test_inverted_once(fields: dict[str, str], tmp_path: Path):
    opened = read_dicom(write_dicom(tmp_path / "a.dcm", BYTES, **fields), ImageSettings())
    np.testing.assert_array_equal(opened.pixels, 255 - BYTES)
    assert opened.scaling == "8 bits, inverted"


def test_not_inverted(tmp_path: Path):
    path = write_dicom(tmp_path / "a.dcm", BYTES, PresentationLUTShape="IDENTITY")
    np.testing.assert_array_equal(see(path), BYTES)


def test_the_window_comes_before_the_inversion(tmp_path: Path):
    path = write_dicom(
        tmp_path / "a.dcm", BYTES, PhotometricInterpretation="MONOCHROME1",
        WindowCenter=150, WindowWidth=1,
    )  # fmt: skip
    np.testing.assert_array_equal(see(path), [[255, 255], [0, 0]])


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_black_and_no_part_of_percentiles(photometric: str, tmp_path: Path):
    image = np.random.default_rng(0).integers(500, 1500, (50, 40)).astype(np.int16)
    padded = np.pad(image, 20, constant_values=-2000)
    path = write_dicom(
        tmp_path / "a.dcm", padded, PixelPaddingValue=-2000, RescaleIntercept=-1024,
        PhotometricInterpretation=photometric,
    )  # fmt: skip
    seen = see(path)
    path.write_bytes(path.read_bytes().replace(b"\x20\x01SS", b"\x20\x01US"))
    np.testing.assert_array_equal(see(path), seen)
    alone = see(write_dicom(tmp_path / "b.dcm", image, PhotometricInterpretation=photometric))
    np.testing.assert_array_equal(seen[20:-20, 20:-20], alone)
    outside = seen.copy()
    outside[20:-20, 20:-20] = 0
    assert not outside.any()


def test_a_range_of_padding_in_any_order(tmp_path: Path):
    values = np.array([[0, 10, 20, 30, 40]], np.uint8)
    for ends in ((10, 30), (30, 10)):
        path = write_dicom(
            tmp_path / "a.dcm", values, PixelPaddingValue=ends[0], PixelPaddingRangeLimit=ends[1]
        )
        np.testing.assert_array_equal(see(path), [[0, 0, 0, 0, 40]])


def test_padding_with_a_sign_that_the_pixels_do_not_have(tmp_path: Path):
    values = np.array([[63536, 65535]], np.uint16)
    path = write_dicom(tmp_path / "a.dcm", values, PixelPaddingValue=1)
    content = path.read_bytes()
    place = content.index(b"\x28\0\x20\x01")
    path.write_bytes(
        content[: place + 4] + b"SS\x02\0" + np.int16(-2000).tobytes() + content[place + 10 :]
    )
    np.testing.assert_array_equal(see(path, scale="declared"), [[0, 255]])


def test_floats(tmp_path: Path):
    values = np.array([[0.0, 1.0, 2.0, np.nan, np.inf, -9]], np.float64)
    path = write_dicom(tmp_path / "a.dcm", values, DoubleFloatPixelPaddingValue=-9.0)
    np.testing.assert_array_equal(see(path, percentiles=(0, 100)), [[0, 128, 255, 0, 0, 0]])
    path = write_dicom(tmp_path / "b.dcm", values.astype(np.float32), FloatPixelPaddingValue=-9.0)
    np.testing.assert_array_equal(see(path, percentiles=(0, 100)), [[0, 128, 255, 0, 0, 0]])


def test_nothing_but_padding_is_black(tmp_path: Path):
    path = write_dicom(tmp_path / "a.dcm", np.full((3, 3), 7, np.uint16), PixelPaddingValue=7)
    assert not see(path).any()


@pytest.mark.parametrize("kind", ["u1", "u2", "i2", "u4", "i4"])
@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", ExplicitVRBigEndian])
def test_large_images_by_a_table_are_as_small_ones(kind: str, syntax: str, tmp_path: Path):
    """Of 8 and 16 bits each value is worked out once, however often it stands in the image."""
    info = np.iinfo(kind)
    values = np.random.default_rng(1).integers(info.min, info.max, (300, 400), dtype=kind)
    fields = {
        "RescaleSlope": 2, "RescaleIntercept": 3, "WindowCenter": 100, "WindowWidth": 20000,
        "VOILUTFunction": "SIGMOID", "PhotometricInterpretation": "MONOCHROME1",
    }  # fmt: skip
    whole = see(write_dicom(tmp_path / "a.dcm", values, syntax, **fields))
    small = see(write_dicom(tmp_path / "b.dcm", values[:7, :9], syntax, **fields))
    np.testing.assert_array_equal(whole[:7, :9], small)
    meant = 2.0 * values + 3
    expected = 1 - 1 / (1 + np.exp((-4 * (meant - 100) / 20000).clip(-700, 700)))
    np.testing.assert_allclose(whole, expected * 255, atol=0.51)


def test_overlays_are_not_burnt_in(tmp_path: Path):
    plain = see(write_dicom(tmp_path / "a.dcm", BYTES))
    path = tmp_path / "b.dcm"
    write_dicom(path, BYTES)
    content = path.read_bytes()
    place = content.index(b"\xe0\x7f\x10\0")
    overlay = (
        b"\0\x60\x10\0US\x02\0\x02\0" + b"\0\x60\x11\0US\x02\0\x02\0"
        + b"\0\x60\0\x30OW\0\0\x02\0\0\0\x0f\0"
    )  # fmt: skip
    path.write_bytes(content[:place] + overlay + content[place:])
    np.testing.assert_array_equal(see(path), plain)


def test_large_deep_images_take_percentiles_of_some_of_their_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    values = np.add.outer(np.arange(300), np.arange(300)).astype(np.uint16)
    path = write_dicom(tmp_path / "a.dcm", values)
    whole = see(path)
    monkeypatch.setattr(grey, "_AT_ONCE", 10_000)
    some = see(path)
    assert (some != whole).any()
    np.testing.assert_allclose(some, whole.astype(float), atol=3)


def test_a_supplemental_palette_leaves_grey_grey(tmp_path: Path):
    fields = {
        "PixelPresentation": "COLOR",
        "SharedFunctionalGroupsSequence": dicom_sequence({}),
        "RedPaletteColorLookupTableDescriptor": [1, 0, 16],
    }
    np.testing.assert_array_equal(see(write_dicom(tmp_path / "a.dcm", BYTES, **fields)), BYTES)
