"""Makers of small image files, each with pixels of its own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from fastmed import console


@pytest.fixture
def png() -> Callable[..., Path]:
    """Write a small grey PNG; the same ``pixels`` number gives the same bytes."""
    made = iter(range(1_000_000))

    def write(path: Path, pixels: int | None = None) -> Path:
        seed = next(made) if pixels is None else pixels
        values = np.random.default_rng(seed).integers(0, 256, (6, 5), dtype=np.uint8)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(values).save(path)
        return path

    return write


@pytest.fixture
def dcm() -> Callable[..., Path]:
    """Write an uncompressed DICOM file of one frame; fields are set by keyword."""

    def write(path: Path, values: np.ndarray, **fields: Any) -> Path:
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.SOPClassUID = SecondaryCaptureImageStorage
        dataset.SOPInstanceUID = generate_uid()
        dataset.Rows, dataset.Columns = values.shape[:2]
        dataset.SamplesPerPixel = 3 if values.ndim == 3 else 1
        dataset.PhotometricInterpretation = "RGB" if values.ndim == 3 else "MONOCHROME2"
        if values.ndim == 3:
            dataset.PlanarConfiguration = 0
        dataset.BitsAllocated = dataset.BitsStored = 8 * values.dtype.itemsize
        dataset.HighBit = dataset.BitsStored - 1
        dataset.PixelRepresentation = int(values.dtype.kind == "i")
        dataset.PixelData = values.tobytes() + b"\0" * (values.nbytes % 2)
        dataset["PixelData"].VR = "OB" if values.dtype.itemsize == 1 else "OW"
        for keyword, value in fields.items():
            setattr(dataset, keyword, value)
        path.parent.mkdir(parents=True, exist_ok=True)
        dataset.save_as(path, enforce_file_format=True)
        return path

    return write


@pytest.fixture
def notes(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What fastmed tells the user, as pytest's ``caplog``."""
    monkeypatch.setattr(console.log, "propagate", True)
    caplog.set_level("DEBUG", logger="fastmed")
    return caplog
