"""Colours of every kind become RGB of 8 bits."""

from pathlib import Path

import numpy as np
import pytest
from hostile_dicom import palette
from made import write_dicom
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, JPEG2000Lossless, RLELossless

from fastmed.data.pixels.dicom import read_dicom
from fastmed.settings.image import ImageSettings

PLAIN = ImageSettings()
COLOURS = np.random.default_rng(0).integers(0, 256, (33, 40, 3), dtype=np.uint8)
_FROM_RGB = np.array(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]]
)  # PS3.3, C.7.6.3.1.2


def see(path: Path) -> np.ndarray:
    return read_dicom(path, PLAIN).pixels


def as_ybr(rgb: np.ndarray) -> np.ndarray:
    return (rgb @ _FROM_RGB.T + [0, 128, 128]).round().clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless, JPEG2000Lossless])
def test_rgb(syntax: str, tmp_path: Path):
    path = write_dicom(tmp_path / "a.dcm", COLOURS, syntax)
    np.testing.assert_array_equal(see(path), COLOURS)
    assert read_dicom(path, PLAIN).scaling == "colours"


def test_plane_by_plane(tmp_path: Path):
    planes = COLOURS.transpose(2, 0, 1).tobytes()
    path = write_dicom(tmp_path / "a.dcm", COLOURS, PlanarConfiguration=1, PixelData=planes)
    np.testing.assert_array_equal(see(path), COLOURS)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless])
def test_ybr(syntax: str, tmp_path: Path):
    path = write_dicom(tmp_path / "a.dcm", as_ybr(COLOURS), syntax)
    path.write_bytes(path.read_bytes().replace(b"CS\x04\0RGB ", b"CS\x08\0YBR_FULL"))
    assert np.abs(see(path).astype(int) - COLOURS).max() <= 2


def test_ybr_with_half_of_the_colours(tmp_path: Path):
    rgb = np.repeat(COLOURS[:, ::2], 2, axis=1)
    ybr = as_ybr(rgb)
    pairs = np.stack([ybr[:, ::2, 0], ybr[:, 1::2, 0], ybr[:, ::2, 1], ybr[:, ::2, 2]], axis=-1)
    path = write_dicom(
        tmp_path / "a.dcm", rgb, PhotometricInterpretation="YBR_FULL_422",
        PixelData=pairs.tobytes(),
    )  # fmt: skip
    assert np.abs(see(path).astype(int) - rgb).max() <= 2


@pytest.mark.parametrize("kind, bits", [("u2", 16), ("u2", 12), ("u4", 32)])
def test_more_than_8_bits(kind: str, bits: int, tmp_path: Path):
    values = np.random.default_rng(1).integers(0, 2**bits, (5, 4, 3), dtype="u8").astype(kind)
    path = write_dicom(tmp_path / "a.dcm", values, BitsStored=bits, HighBit=bits - 1)
    np.testing.assert_allclose(see(path), values / (2**bits - 1) * 255, atol=0.51)
    assert read_dicom(path, PLAIN).scaling == f"colours of {bits} bits"


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_palettes_look_the_same_in_either_byte_order(syntax: str, tmp_path: Path):
    order = "<u2" if syntax == ExplicitVRLittleEndian else ">u2"
    tables = np.random.default_rng(2).integers(0, 65536, (3, 256))
    names = ("Red", "Green", "Blue")
    data = {
        f"{name}PaletteColorLookupTableData": table.astype(order).tobytes()
        for name, table in zip(names, tables, strict=True)
    }
    values = COLOURS[..., 0]
    path = write_dicom(tmp_path / "a.dcm", values, syntax, **palette(**data))
    expected = tables.T[values] / 65535 * 255
    np.testing.assert_allclose(see(path), expected, atol=0.51)
    assert read_dicom(path, PLAIN).scaling == "palette"


def test_a_palette_of_bytes(tmp_path: Path):
    colours = {"Red": [0, 255], "Green": [10, 0], "Blue": [20, 40]}
    fields: dict[str, object] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for name, values in colours.items():
        fields[f"{name}PaletteColorLookupTableDescriptor"] = [2, 0, 8]
        fields[f"{name}PaletteColorLookupTableData"] = bytes(values)
    path = write_dicom(tmp_path / "a.dcm", np.array([[0, 1, 9]], dtype=np.uint8), **fields)
    np.testing.assert_array_equal(see(path), [[[0, 10, 20], [255, 0, 40], [255, 0, 40]]])


def test_8_bits_in_either_half_of_16(tmp_path: Path):
    """The descriptor says 8 bits; the words hold them below or above (PS3.3, C.7.6.3.1.5)."""
    for factor in (1, 256):
        words = (np.arange(256) * factor).astype("<u2").tobytes()
        fields = palette()
        for name in ("Red", "Green", "Blue"):
            fields[f"{name}PaletteColorLookupTableDescriptor"] = [256, 0, 8]
            fields[f"{name}PaletteColorLookupTableData"] = words
        values = COLOURS[..., 0]
        seen = see(write_dicom(tmp_path / "a.dcm", values, **fields))
        assert np.abs(seen - values[..., None].astype(int)).max() <= 1


def test_inversion_and_windows_are_for_grey_alone(tmp_path: Path):
    path = write_dicom(
        tmp_path / "a.dcm", COLOURS, PresentationLUTShape="INVERSE", WindowCenter=1, WindowWidth=1
    )
    np.testing.assert_array_equal(see(path), COLOURS)
