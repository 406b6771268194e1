"""Secondary Captures of heat maps, marked in their pixels and in their header."""

from typing import TYPE_CHECKING

import numpy as np
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from fastmed.clients.model import Model
from fastmed.data.pixels.image import open_image
from fastmed.data.pixels.remarks import remarks
from fastmed.dicom_out.lettering import MARK, lettered
from fastmed.dicom_out.objects import MANUFACTURER, new_uid, short, versions
from fastmed.dicom_out.sources import LOSSY, Source
from fastmed.explaining.explanation import Explanation
from fastmed.results.figures.heatmaps import METHOD_LABELS, OUTLINED

if TYPE_CHECKING:
    from highdicom.sc import SCImage

SERIES = 9102
_SOURCE = ("121322", "DCM", "Source image for image processing operation")


def capture_of(
    source: Source, found: Explanation, model: Model, series: str, number: int
) -> "SCImage":
    """Return the capture of one image's heat map.

    Args:
        source: the image.
        found: its explanation.
        model: that predicted.
        series: UID of the new series.
        number: of the capture in it, from 1.
    """
    pixels = open_image(source.file, model.task.image).pixels
    picture = lettered(pixels, found.on_image(), _lines(found, model))
    with remarks("ignore", UserWarning):
        made = _made(source.header, picture, model, series, number)
        _describe(made, source, found)
    return made


def _made(
    header: Dataset, picture: np.ndarray, model: Model, series: str, number: int
) -> "SCImage":
    from highdicom.sc import SCImage

    return SCImage.from_ref_dataset(
        header,
        pixel_array=picture,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "F"),  # highdicom wants one; the source's own follows
        series_instance_uid=series,
        series_number=SERIES,
        sop_instance_uid=new_uid(),
        instance_number=number,
        manufacturer=MANUFACTURER,
        transfer_syntax_uid=ExplicitVRLittleEndian,
        series_description=short(f"{MARK}: heat maps, {model.task.title}"),
        manufacturer_model_name=short(model.network),
        software_versions=tuple(short(one) for one in versions(model)),
        specific_character_set="ISO_IR 192",
    )


def _describe(made: "SCImage", source: Source, found: Explanation) -> None:
    """Fill in where a capture comes from, and that words are in its pixels."""
    header = source.header
    made.copy_patient_and_study_information(header)
    made.PatientOrientation = header.get("PatientOrientation")
    made.ConversionType = "WSD"
    made.BurnedInAnnotation = "YES"
    made.SecondaryCaptureDeviceManufacturer = MANUFACTURER
    made.ImageComments = f"{MARK}. Shows what a network used, not where disease is. Research use."
    made.DerivationDescription = (
        f"Heat map by {METHOD_LABELS[found.method]} for '{found.explained}', over the image in grey"
    )
    made.SourceImageSequence = [_reference(source)]
    for name in ("BodyPartExamined", "Laterality", *LOSSY):
        if name in header:
            setattr(made, name, header[name].value)


def _reference(source: Source) -> Dataset:
    item, purpose = Dataset(), Dataset()
    item.ReferencedSOPClassUID = source.header.SOPClassUID
    item.ReferencedSOPInstanceUID = source.header.SOPInstanceUID
    if source.frame is not None:
        item.ReferencedFrameNumber = source.frame
    purpose.CodeValue, purpose.CodingSchemeDesignator, purpose.CodeMeaning = _SOURCE
    item.PurposeOfReferenceCodeSequence = [purpose]
    return item


def _lines(found: Explanation, model: Model) -> list[str]:
    """Return what stands below the picture."""
    row = found.prediction
    chance = float(row[f"score_{row['predicted']}"])
    value = f", value {float(row['value']):.2f}" if "value" in row else ""
    return [
        f"Predicted: {row['predicted']} ({chance:.0%}{value}). Heat for '{found.explained}' by "
        f"{METHOD_LABELS[found.method]}; the line encloses heat from {OUTLINED} of the hottest on.",
        "; ".join(versions(model)[:2]) + ". Research use, not a medical device.",
    ]
