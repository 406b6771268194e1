"""Pixels become square, and images with them neither lose anything nor grow without end."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made import dicom_sequence, write_dicom
from PIL import Image

from fastmed.data.pixels.dicom import read_dicom
from fastmed.data.pixels.dicom.limits import Limits
from fastmed.errors import DataError
from fastmed.settings.image import ImageSettings

GREY = np.random.default_rng(0).integers(0, 256, (30, 40), dtype=np.uint8)
COLOURS = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)


def see(path: Path, **settings: Any):
    return read_dicom(path, ImageSettings(**settings))


@pytest.mark.parametrize("values", [GREY, COLOURS], ids=["grey", "colours"])
@pytest.mark.parametrize(
    "fields, shape",
    [
        ({"PixelSpacing": ["2", "1"]}, (60, 40)),  # taller than wide
        ({"PixelSpacing": ["1", "2.5"]}, (30, 100)),
        ({"ImagerPixelSpacing": ["0.3", "0.2"]}, (45, 40)),
        ({"NominalScannedPixelSpacing": ["1", "1.5"]}, (30, 60)),
        ({"PixelAspectRatio": ["4", "3"]}, (40, 40)),
        ({"PixelAspectRatio": ["1", "2"]}, (30, 80)),
        ({"PixelSpacing": ["1", "1"], "PixelAspectRatio": ["4", "3"]}, (30, 40)),
        ({"PixelSpacing": ["0", "0"], "PixelAspectRatio": ["4", "3"]}, (40, 40)),
        ({"PixelSpacing": ["0.1390", "0.1385"]}, (30, 40)),  # rounded by the scanner
        ({"PixelSpacing": ""}, (30, 40)),
        ({}, (30, 40)),
    ],
)
def test_the_side_with_long_pixels_gets_more(
    fields: dict, shape: tuple, values: np.ndarray, tmp_path: Path
):
    opened = see(write_dicom(tmp_path / "a.dcm", values, **fields))
    assert opened.pixels.shape[:2] == shape
    columns, rows = shape[1], shape[0]
    expected = Image.fromarray(values).resize((columns, rows), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(opened.pixels, np.asarray(expected))
    assert opened.scaling.endswith(", made square") == (shape != (30, 40))


def test_a_circle_stays_round(tmp_path: Path):
    """A disk of 40 mm, in pixels of 1 mm by 0.5 mm."""
    y, x = np.mgrid[:60, :120]
    disk = ((y - 30) ** 2 + ((x - 60) / 2) ** 2 < 20**2).astype(np.uint8) * 255
    seen = see(write_dicom(tmp_path / "a.dcm", disk, PixelSpacing=["1", "0.5"])).pixels
    rows, columns = (np.ptp(np.nonzero(seen.max(axis=axis) > 127)[0]) for axis in (1, 0))
    assert abs(rows - columns) <= 2


def test_spacing_in_the_groups_of_each_frame(tmp_path: Path):
    sizes = [["1", "1"], ["3", "1"]]
    groups = [{"PixelMeasuresSequence": dicom_sequence({"PixelSpacing": size})} for size in sizes]
    path = write_dicom(
        tmp_path / "a.dcm", GREY, NumberOfFrames=2, PixelData=GREY.tobytes() * 2,
        PerFrameFunctionalGroupsSequence=dicom_sequence(*groups),
    )  # fmt: skip
    assert see(path).pixels.shape == (30, 40)
    assert see(path, frame="last").pixels.shape == (90, 40)


def test_what_can_not_be_is_refused(tmp_path: Path):
    path = write_dicom(tmp_path / "a.dcm", GREY, PixelSpacing=["0.001", "1"])
    with pytest.raises(DataError, match=r"its pixels are 0.001 x 1 mm, which can't be"):
        see(path)


def test_the_larger_image_keeps_to_the_limit(tmp_path: Path):
    path = write_dicom(tmp_path / "a.dcm", GREY, PixelSpacing=["2", "1"])
    assert read_dicom(path, ImageSettings(), Limits(pixels=2400)).pixels.shape == (60, 40)
    with pytest.raises(DataError, match="60 x 40 square ones are more than the limit of 2,399"):
        read_dicom(path, ImageSettings(), Limits(pixels=2399))
