"""Makers of small image files, each with pixels of its own, and what fastmed tells the user."""

import itertools
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from fastmed import console

_NUMBERS = itertools.count(1000)


def write_png(path: Path, pixels: int | None = None) -> Path:
    """Write a small grey PNG; the same ``pixels`` number gives the same bytes."""
    seed = next(_NUMBERS) if pixels is None else pixels
    values = np.random.default_rng(seed).integers(0, 256, (6, 5), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)
    return path


def write_dicom(path: Path, values: np.ndarray, **fields: Any) -> Path:
    """Write an uncompressed DICOM file of one frame; fields are set by keyword."""
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


class _Told(logging.Handler):
    """Collects what is told."""

    text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += record.getMessage() + "\n"


@contextmanager
def listening() -> Iterator[_Told]:
    """Collect what fastmed tells the user within a ``with`` block, as ``text``."""
    told, level = _Told(), console.log.level
    console.log.addHandler(told)
    console.log.setLevel(logging.DEBUG)
    try:
        yield told
    finally:
        console.log.removeHandler(told)
        console.log.setLevel(level)
