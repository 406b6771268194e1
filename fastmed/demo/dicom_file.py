"""A made-up radiograph as a DICOM file, with the header fields of the RSNA challenge."""

from pathlib import Path

import numpy as np
from pydicom import config
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from fastmed.demo.drawing import Bytes

_FILM_SIDE = 426.0  # mm


def write_dicom(path: Path, picture: Bytes, patient: str, rng: np.random.Generator) -> None:
    """Write an 8-bit grey picture, uncompressed, as a chest radiograph of a patient.

    Age, sex and view are drawn, whatever the picture shows. The age is written as in the
    challenge (``49``), which the standard would have as ``049Y``.
    """
    header = _header(patient)
    header.PatientSex = str(rng.choice(["F", "M"]))
    header.ViewPosition = str(rng.choice(["AP", "PA"]))
    header.SeriesDescription = f"view: {header.ViewPosition}"
    age = str(int(np.clip(rng.normal(47, 17), 2, 92)))
    header.add(DataElement("PatientAge", "AS", age, validation_mode=config.IGNORE))
    _add_pixels(header, picture)
    header.save_as(path, enforce_file_format=True)


def _header(patient: str) -> Dataset:
    header = Dataset()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.SOPClassUID = SecondaryCaptureImageStorage
    header.SOPInstanceUID = generate_uid(entropy_srcs=[patient, "image"])
    header.StudyInstanceUID = generate_uid(entropy_srcs=[patient, "study"])
    header.SeriesInstanceUID = generate_uid(entropy_srcs=[patient, "series"])
    header.StudyDate = "19010101"
    header.Modality = "CR"
    header.ConversionType = "WSD"
    header.PatientName = patient
    header.PatientID = patient
    header.BodyPartExamined = "CHEST"
    header.InstanceNumber = "1"
    return header


def _add_pixels(header: Dataset, picture: Bytes) -> None:
    header.SamplesPerPixel = 1
    header.PhotometricInterpretation = "MONOCHROME2"
    header.Rows, header.Columns = picture.shape
    header.PixelSpacing = [round(_FILM_SIDE / picture.shape[0], 3)] * 2
    header.BitsAllocated = header.BitsStored = 8
    header.HighBit = 7
    header.PixelRepresentation = 0
    header.PixelData = picture.tobytes() + b"\0" * (picture.size % 2)
    header["PixelData"].VR = "OB"
