"""Makers of small image files, each with pixels of its own, and what fastmed tells the user."""

import itertools
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
    generate_uid,
)

from fastmed import console

_NUMBERS = itertools.count(1000)


def write_png(path: Path, pixels: int | None = None) -> Path:
    """Write a small grey PNG; the same ``pixels`` number gives the same bytes."""
    seed = next(_NUMBERS) if pixels is None else pixels
    values = np.random.default_rng(seed).integers(0, 256, (6, 5), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)
    return path


def write_dicom(
    path: Path, values: np.ndarray, syntax: str = ExplicitVRLittleEndian, **fields: Any
) -> Path:
    """Write a DICOM file of one frame; fields are set by keyword.

    Args:
        path: of the file; its folder is made.
        values: of any type of number that DICOM has, (H, W) or (H, W, 3).
        syntax: the transfer syntax, compressed by pydicom's encoders or not.
    """
    dataset = dicom_of(values)
    if UID(syntax).is_encapsulated:
        dataset.compress(syntax, generate_instance_uid=False)
    elif not UID(syntax).is_little_endian:
        dataset.PixelData = _padded(values.astype(values.dtype.newbyteorder(">")).tobytes())
    dataset.file_meta.TransferSyntaxUID = syntax
    for keyword, value in fields.items():
        setattr(dataset, keyword, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def write_pieces(
    path: Path, values: np.ndarray, syntax: str, pieces: Sequence[bytes], **fields: Any
) -> Path:
    """Write a DICOM file whose pixels are compressed already; the values give its header."""
    dataset = dicom_of(values)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulate([*pieces], has_bot=False)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    for keyword, value in fields.items():
        setattr(dataset, keyword, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def dicom_of(values: np.ndarray) -> Dataset:
    """Return a data set of one frame, uncompressed."""
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
    dataset.BitsAllocated = 8 * values.dtype.itemsize
    if values.dtype.kind == "f":
        keyword = {4: "FloatPixelData", 8: "DoubleFloatPixelData"}[values.dtype.itemsize]
        setattr(dataset, keyword, values.tobytes())
        return dataset
    dataset.BitsStored = dataset.BitsAllocated
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(values.dtype.kind == "i")
    dataset.PixelData = _padded(values.tobytes())
    dataset["PixelData"].VR = "OB" if values.dtype.itemsize == 1 else "OW"
    return dataset


def dicom_sequence(*items: dict[str, Any]) -> DicomSequence:
    """Return a sequence of items, each with fields by keyword."""
    datasets = []
    for fields in items:
        item = Dataset()
        for keyword, value in fields.items():
            setattr(item, keyword, value)
        datasets.append(item)
    return DicomSequence(datasets)


def _padded(content: bytes) -> bytes:
    return content + b"\0" * (len(content) % 2)


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
