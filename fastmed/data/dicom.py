"""DICOM files: the pixels as the standard shows them, and a few header fields by allow-list."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.errors import InvalidDicomError
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi, pixel_array

from fastmed.data.opened import Opened
from fastmed.data.remarks import remarks
from fastmed.errors import DataError
from fastmed.image_settings import ImageSettings

Values = NDArray[np.float64]

DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")
MOST_PIXELS = 100_000_000

# Column of items -> the DICOM keyword that fills it. No other field reaches a table.
HEADER = {"meta_age": "PatientAge", "meta_sex": "PatientSex", "meta_view": "ViewPosition"}
_YEARS = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}
_IMAGE_GROUP = 0x0028


def is_dicom(path: Path) -> bool:
    """True if a file says that it is DICOM, by its content or else by its suffix."""
    if path.suffix.lower() in DICOM_SUFFIXES:
        return True
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def read_dicom(path: Path, settings: ImageSettings) -> Opened:
    """Return the first frame as it is meant to be seen.

    The order is that of the standard (PS3.3 C.7.6.3, C.11.1, C.11.2; PS3.4 N.2): palette or
    colour space, modality transformation, window or VOI table, inversion. Without a window the
    full range of the stored bits is shown.

    Raises:
        DataError: the file has no image, is broken, or needs a decoder that is not installed.
    """
    dataset = _open(path)
    if "Rows" not in dataset or "Columns" not in dataset:
        raise DataError(f"{path}: the DICOM file holds no image")
    if dataset.Rows * dataset.Columns > MOST_PIXELS:
        raise DataError(f"{path}: {dataset.Rows} x {dataset.Columns} pixels are too many")
    frame = _frame(dataset, path)
    shown = _colour(frame, dataset) if frame.ndim == 3 else _grey(frame, dataset)
    pixels = np.asarray(shown.clip(0, 1) * 255 + 0.5, dtype=np.uint8)
    return Opened(pixels, "pydicom", "as declared")


def read_header(path: Path) -> dict[str, float | str]:
    """Return age (years, not-a-number if unknown), sex and view of one file."""
    raw = _raw_values(path, *HEADER.values())
    values: dict[str, float | str] = {name: raw[keyword] for name, keyword in HEADER.items()}
    return {**values, "meta_age": years(raw["PatientAge"])}


def read_tag(path: Path, keyword: str) -> str:
    """Return one text field of a header; empty if the file doesn't have it."""
    return _raw_values(path, keyword)[keyword]


def years(age: str) -> float:
    """Return an age in years: ``049Y``, ``006M``, ``3D``, or the plain number ``49``."""
    unit = age[-1:].upper()
    number = age[:-1] if unit in _YEARS else age
    return int(number) * _YEARS.get(unit, 1.0) if number.isdigit() else float("nan")


def _raw_values(path: Path, *keywords: str) -> dict[str, str]:
    """Return text fields unparsed, so that odd values neither fail nor warn."""
    try:
        dataset = dcmread(path, stop_before_pixels=True, specific_tags=list(keywords))
    except Exception as error:
        raise DataError(f"{path}: the DICOM header can't be read ({_first_line(error)})") from None
    return {keyword: _text(dataset, keyword) for keyword in keywords}


def _text(dataset: Dataset, keyword: str) -> str:
    tag = tag_for_keyword(keyword)
    if tag is None or tag not in dataset:
        return ""
    element = dataset.get_item(tag)
    value = element.value if isinstance(element, RawDataElement) else str(element.value)
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value or "")
    return text.strip(" \0")


def _open(path: Path) -> Dataset:
    """Return a file whose image fields are parsed, without pydicom's remarks on odd values."""
    with remarks("ignore", Warning):
        try:
            dataset = dcmread(path)
        except InvalidDicomError:
            raise DataError(f"{path}: it is named as DICOM, but is not") from None
        for tag in list(dataset.group_dataset(_IMAGE_GROUP).keys()):
            dataset[tag]
    return dataset


def _frame(dataset: Dataset, path: Path) -> np.ndarray:
    """Return the stored values of the first frame; YBR is RGB already."""
    try:
        return np.asarray(pixel_array(dataset, index=0))
    except Exception as error:
        syntax = dataset.file_meta.get("TransferSyntaxUID")
        name = getattr(syntax, "name", "unknown transfer syntax")
        if "missing dependencies" in str(error):
            reason = f"{name} needs a decoder that is not installed; try `pip install python-gdcm`"
        elif "available plugins" in str(error):
            reason = f"its pixels ({name}) are broken, or need a decoder that is not installed"
        else:
            reason = f"its pixels ({name}) can't be decoded: {_first_line(error)}"
        raise DataError(f"{path}: {reason}") from None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".:")


def _colour(frame: np.ndarray, dataset: Dataset) -> Values:
    return frame.astype(np.float64) / (2.0 ** int(dataset.BitsStored) - 1)


def _grey(frame: np.ndarray, dataset: Dataset) -> Values:
    """Return a single-sample frame on a scale of 0 to 1."""
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        colours = np.asarray(apply_color_lut(frame, dataset))[..., :3]
        return colours.astype(np.float64) / float(np.iinfo(colours.dtype).max)
    values, low, high = _modality(frame, dataset)
    shown = _voi(values, low, high, dataset)
    inverse = dataset.get("PresentationLUTShape") == "INVERSE"
    if inverse or dataset.PhotometricInterpretation == "MONOCHROME1":
        return 1 - shown
    return shown


def _modality(frame: np.ndarray, dataset: Dataset) -> tuple[Values, float, float]:
    """Return the values after the modality transformation, and the range they could take."""
    if dataset.get("ModalityLUTSequence"):
        bits = int(dataset.ModalityLUTSequence[0].LUTDescriptor[2])
        looked_up = np.asarray(apply_modality_lut(frame, dataset), dtype=np.float64)
        return looked_up, 0.0, 2.0**bits - 1
    transform = _macro(dataset, "PixelValueTransformationSequence")
    slope = _number(transform.get("RescaleSlope"), 1.0)
    intercept = _number(transform.get("RescaleIntercept"), 0.0)
    low, high = _stored_range(frame, dataset)
    values = frame.astype(np.float64) * slope + intercept
    return values, low * slope + intercept, high * slope + intercept


def _stored_range(frame: np.ndarray, dataset: Dataset) -> tuple[float, float]:
    if frame.dtype.kind == "f":
        return float(frame.min()), float(frame.max())
    bits = int(dataset.BitsStored)
    if dataset.PixelRepresentation == 1:
        return -(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1
    return 0.0, 2.0**bits - 1


def _voi(values: Values, low: float, high: float, dataset: Dataset) -> Values:
    """Return the values of interest on a scale of 0 to 1: by table, window or full range."""
    if dataset.get("VOILUTSequence"):
        bits = int(dataset.VOILUTSequence[0].LUTDescriptor[2])
        looked_up = np.asarray(apply_voi(values.astype(np.int64), dataset), dtype=np.float64)
        return looked_up / (2.0**bits - 1)
    window = _macro(dataset, "FrameVOILUTSequence")
    center, width = _number(window.get("WindowCenter")), _number(window.get("WindowWidth"))
    function = WINDOWS.get(window.get("VOILUTFunction") or "LINEAR", _linear)
    if np.isfinite(center) and width > 0:
        return function(values, center, width)
    return (values - low) / (high - low or 1.0)


def _linear(values: Values, center: float, width: float) -> Values:
    if width <= 1:
        return (values > center - 0.5).astype(np.float64)
    return (values - (center - 0.5)) / (width - 1) + 0.5


def _linear_exact(values: Values, center: float, width: float) -> Values:
    return (values - center) / width + 0.5


def _sigmoid(values: Values, center: float, width: float) -> Values:
    fall: Values = np.exp((-4 * (values - center) / width).clip(-700, 700))
    return 1 / (1 + fall)


WINDOWS: dict[str, Callable[[Values, float, float], Values]] = {
    "LINEAR": _linear,
    "LINEAR_EXACT": _linear_exact,
    "SIGMOID": _sigmoid,
}


def _macro(dataset: Dataset, sequence: str) -> Dataset:
    """Return where the first frame's fields stand: a functional group, else the data set."""
    for groups in ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"):
        found = dataset.get(groups)
        if found and found[0].get(sequence):
            return found[0][sequence][0]
    return dataset


def _number(value: Any, missing: float = float("nan")) -> float:
    """Return the first of one or several numbers; ``missing`` stands for none."""
    first = value[0] if isinstance(value, Sequence) and len(value) else value
    return missing if first in (None, "") or isinstance(first, Sequence) else float(first)
