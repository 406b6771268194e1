"""The DICOM images that were predicted: what of their headers is carried over, study by study."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from pydicom import Dataset, config
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.uid import UID

from fastmed.data.pixels.dicom import is_dicom, years
from fastmed.data.pixels.dicom.container import open_container
from fastmed.data.pixels.dicom.limits import STANDARD
from fastmed.data.pixels.dicom.read import clear_reason
from fastmed.data.pixels.picture import frame_number
from fastmed.data.pixels.remarks import remarks
from fastmed.data.tables import root_of
from fastmed.errors import DataError, listed
from fastmed.task import Task

UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")
# Fields that every object of a study has, though they may be empty (type 2).
EMPTY = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime",
    "StudyID", "AccessionNumber", "ReferringPhysicianName",
)  # fmt: skip
LOSSY = ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod")
CARRIED = (
    *UIDS, *EMPTY, "IssuerOfPatientID", "PatientAge", "PatientSize", "PatientWeight",
    "StudyDescription", "BodyPartExamined", "Laterality", "PatientOrientation",
    *LOSSY,
)  # fmt: skip
_READ = ("SpecificCharacterSet", "NumberOfFrames", *CARRIED)
_UTF8 = "ISO_IR 192"
_SEXES = ("M", "F", "O")


class Source(NamedTuple):
    """One image that was predicted.

    Attributes:
        place: of its row in the predictions table.
        file: of the image.
        header: the fields that are carried over, each valid, as UTF-8.
        frame: that was looked at, from 1; None of a file with a single one.
    """

    place: int
    file: Path
    header: Dataset
    frame: int | None


def check_dicom(items: pd.DataFrame) -> None:
    """Refuse images that are not DICOM, before any work is done.

    Raises:
        DataError: says which.
    """
    root = root_of(items)
    rows = zip(items["item"], items["image"], items["array"], strict=True)
    others = [item for item, image, array in rows if array or not is_dicom(root / image)]
    if others:
        raise DataError(
            f"{len(others)} of {len(items)} images are not DICOM: {listed(others, 3)}; only what "
            "belongs to a DICOM study becomes a DICOM object"
        )


def studies_of(items: pd.DataFrame, task: Task) -> list[list[Source]]:
    """Return the images of each study, in the order of their first ones.

    Raises:
        DataError: a file doesn't say which image of which study it is, or a study has images of
            several patients.
    """
    root, studies = root_of(items), dict[str, list[Source]]()
    for place, image in enumerate(items["image"]):
        source = _source(place, root / image, task)
        studies.setdefault(str(source.header.StudyInstanceUID), []).append(source)
    for uid, own in studies.items():
        patients = {str(source.header.PatientID or "") for source in own}
        if len(patients) > 1:
            raise DataError(
                f"the study {uid} has images of {len(patients)} patients, by PatientID; correct "
                "their headers before anything is written about them"
            )
    return list(studies.values())


def _source(place: int, file: Path, task: Task) -> Source:
    with clear_reason(file), open_container(file, STANDARD) as container:
        stored = container.dataset([*_READ])
        with remarks("ignore", UserWarning):
            header = _carried(stored)
            frames = int(stored.get("NumberOfFrames") or 1)
    missing = [name for name in UIDS if not UID(str(header.get(name) or "")).is_valid]
    if missing:
        raise DataError(
            f"{file} has no valid {' and '.join(missing)}, by which a DICOM object refers to it"
        )
    frame = frame_number(task.image.frame, frames) + 1 if frames > 1 else None
    return Source(place, file, header, frame)


def _carried(stored: Dataset) -> Dataset:
    """Return the fields that are carried over; those that break the standard are left out."""
    header = Dataset()
    header.SpecificCharacterSet = _UTF8
    for name, value in _values(stored):
        element = _valid(name, value)
        if element is not None:
            header.add(element)
    for name in EMPTY:
        if name not in header:
            setattr(header, name, None)
    return header


def _values(stored: Dataset) -> Iterator[tuple[str, object]]:
    for name in CARRIED:
        try:
            value = stored.get(name)
        except Exception:  # noqa: S112 - whatever is wrong with a field, it is not carried over
            continue
        if value is not None and value != "":
            yield name, value


def _valid(name: str, value: object) -> DataElement | None:
    """Return a field as the standard wants it; None if it is not."""
    if name == "PatientAge":
        value = _age(str(value))
    if name == "PatientSex" and value not in _SEXES:
        return None
    tag = tag_for_keyword(name)
    try:
        return DataElement(tag, dictionary_VR(tag or 0), value, validation_mode=config.RAISE)
    except (ValueError, TypeError, AttributeError, OverflowError):
        return None


def _age(text: str) -> str:
    """Return an age as the standard writes it; empty if nobody knows what is meant."""
    number = years(text)
    if number != number:  # noqa: PLR0124 - not a number
        return ""
    if number >= 2:
        return f"{int(number):03d}Y"
    return f"{int(number * 12):03d}M" if number >= 1 / 12 else f"{int(number * 365.25):03d}D"
