"""Files of every encoding of the data set are opened; what is deflated grows to a limit."""

import time
from pathlib import Path

import numpy as np
import pytest
from hostile_dicom import CASES
from made import write_dicom
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from fastmed.data.pixels.dicom.container import open_container
from fastmed.data.pixels.dicom.limits import STANDARD, Limits
from fastmed.data.pixels.dicom.read import read_dicom
from fastmed.data.pixels.scaling import UnreadableError
from fastmed.errors import DataError
from fastmed.settings.image import ImageSettings

NATIVE = [
    ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
]  # fmt: skip
DEEP = np.random.default_rng(3).integers(0, 4096, (33, 21), dtype=np.uint16)
DECLARED = ImageSettings(scale="declared")


@pytest.mark.parametrize("syntax", NATIVE)
def test_every_encoding_gives_the_same_pixels(syntax: str, tmp_path: Path):
    path = write_dicom(tmp_path / "a.dcm", DEEP, syntax, WindowCenter=2000, WindowWidth=4001)
    expected = ((DEEP - 1999.5) / 4000 + 0.5).clip(0, 1) * 255 + 0.5
    opened = read_dicom(path, DECLARED)
    np.testing.assert_array_equal(opened.pixels, expected.astype(np.uint8))
    assert opened[1:] == ("pydicom", "window of the file", "")


@pytest.mark.parametrize("syntax", NATIVE)
def test_fields_of_every_encoding(syntax: str, tmp_path: Path):
    path = write_dicom(tmp_path / "a.dcm", DEEP, syntax, PatientID="p")
    with open_container(path, STANDARD) as container:
        dataset = container.dataset(["Rows", "PixelData"])
    assert dataset.Rows == 33
    assert "PatientID" not in dataset
    assert "PixelData" not in dataset


def test_inflated_size_is_limited(tmp_path: Path):
    path = write_dicom(tmp_path / "a.dcm", np.zeros((600, 600), np.uint8), NATIVE[-1])
    assert path.stat().st_size < 2000
    assert read_dicom(path, DECLARED).pixels.shape == (600, 600)
    with pytest.raises(
        DataError, match=r"a\.dcm: its compressed data set grows to more than 0.3 M"
    ):
        read_dicom(path, DECLARED, Limits(inflated=300_000))


def test_the_file_is_closed_also_after_an_error(tmp_path: Path):
    path = CASES["nested_65"](tmp_path)
    with pytest.raises(UnreadableError), open_container(path, STANDARD) as container:
        pass
    path = write_dicom(path, DEEP)
    with open_container(path, STANDARD) as container:
        stream = container.source.stream
    assert stream.closed


def test_a_header_is_opened_quickly(tmp_path: Path):
    path = write_dicom(tmp_path / "a.dcm", DEEP)
    start = time.process_time()
    for _ in range(20):
        with open_container(path, STANDARD) as container:
            container.dataset(["PatientAge"])
    assert (time.process_time() - start) / 20 < 0.02
