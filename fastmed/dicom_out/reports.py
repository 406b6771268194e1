"""Structured Reports of what was predicted, by template 1500 of DICOM (PS3.16), unverified."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydicom.sr.codedict import codes

from fastmed.clients.findings import Finding
from fastmed.clients.model import Model
from fastmed.dicom_out.codes import (
    ABSTAINED,
    FLAGGED,
    SCHEME,
    SCHEME_NAME,
    THRESHOLD,
    UNLIKE,
    VALUE,
    chance_code,
    class_code,
    private,
)
from fastmed.dicom_out.objects import (
    MANUFACTURER,
    algorithm,
    device_uid,
    new_uid,
    short,
    versions,
)
from fastmed.dicom_out.sources import Source
from fastmed.task import Task

if TYPE_CHECKING:
    from highdicom.sr import (
        ComprehensiveSR,
        Measurement,
        MeasurementReport,
        MeasurementsAndQualitativeEvaluations,
        ObservationContext,
        QualitativeEvaluation,
    )

Row = Mapping[Hashable, Any]
SERIES = 9101
_PLACES = 4  # of a number


def report_of(
    study: Sequence[Source], rows: Sequence[Row], finding: Finding, model: Model, task: Task
) -> "ComprehensiveSR":
    """Return the report of a study: a group for each image, and one for all if there are several.

    Args:
        study: its images.
        rows: of the predictions table, for each image.
        finding: of all images together.
        model: that predicted.
        task: with the codes of its classes.
    """
    from highdicom.coding_schemes import CodingSchemeIdentificationItem
    from highdicom.sr import ComprehensiveSR

    scheme = CodingSchemeIdentificationItem(
        SCHEME, name=SCHEME_NAME, responsible_organization=MANUFACTURER
    )
    return ComprehensiveSR(
        evidence=[source.header for source in study],
        content=_content(study, rows, finding, model, task),
        series_instance_uid=new_uid(),
        series_number=SERIES,
        sop_instance_uid=new_uid(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        is_complete=True,
        is_final=False,
        is_verified=False,
        coding_schemes=[scheme],
        series_description=short(f"Research use: {model.task.title}"),
        manufacturer_model_name=short(model.network),
        software_versions=tuple(short(one) for one in versions(model)),
        device_serial_number=(model.weights_sha256 or "unknown")[:16],
    )


def _content(
    study: Sequence[Source], rows: Sequence[Row], finding: Finding, model: Model, task: Task
) -> "MeasurementReport":
    from highdicom.sr import MeasurementReport

    together = _together(finding, rows)
    groups = []
    if len(study) > 1:
        groups.append(_group(study, together, "All images of the study", model, task))
    for number, (one, row) in enumerate(zip(study, rows, strict=True), 1):
        groups.append(_group([one], row, f"Image {number}", model, task))
    return MeasurementReport(
        observation_context=_observer(model),
        procedure_reported=codes.SCT.ImagingProcedure,
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
    )


def _observer(model: Model) -> "ObservationContext":
    """Return that a device has observed, and which."""
    from highdicom.sr import (
        DeviceObserverIdentifyingAttributes,
        ObservationContext,
        ObserverContext,
    )

    device = DeviceObserverIdentifyingAttributes(
        uid=device_uid(model),
        name=f"fastmed: {model.task.title}",
        manufacturer_name=MANUFACTURER,
        model_name=model.network,
        serial_number=model.weights_sha256 or "unknown",
    )
    return ObservationContext(observer_device_context=ObserverContext(codes.DCM.Device, device))


def _together(finding: Finding, rows: Sequence[Row]) -> Row:
    """Return what all images say, as a row of predictions; it holds what any of them has."""
    together: dict[Hashable, Any] = {"predicted": finding.predicted}
    for name, chance in finding.probabilities.items():
        together[f"score_{name}"] = chance
    if finding.value is not None:
        together["value"] = finding.value
    for name in ("flagged", "unlike", "abstained"):
        if name in rows[0]:
            together[name] = any(bool(row[name]) for row in rows)
    return together


def _group(
    images: Sequence[Source], row: Row, name: str, model: Model, task: Task
) -> "MeasurementsAndQualitativeEvaluations":
    from highdicom.sr import (
        AlgorithmIdentification,
        MeasurementsAndQualitativeEvaluations,
        SourceImageForMeasurementGroup,
        TrackingIdentifier,
    )

    title, version, parameters = algorithm(model)
    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=new_uid(), identifier=name),
        finding_type=class_code(task, row["predicted"]),
        algorithm_id=AlgorithmIdentification(title, version, parameters),
        measurements=list(_measurements(row, model)),
        qualitative_evaluations=list(_evaluations(row)) or None,
        source_images=[
            SourceImageForMeasurementGroup(
                one.header.SOPClassUID,
                one.header.SOPInstanceUID,
                None if one.frame is None else [one.frame],
            )
            for one in images
        ],
    )


def _measurements(row: Row, model: Model) -> "Iterator[Measurement]":
    """Yield how certain the finding is, the probability of each class, and the value of grades."""
    from highdicom.sr import CodedConcept, Measurement

    percent, task = codes.UCUM.Percent, model.task
    certainty = CodedConcept("111012", "DCM", "Certainty of Finding")
    yield Measurement(certainty, _percent(row[f"score_{row['predicted']}"]), percent)
    for name in task.classes:
        yield Measurement(chance_code(task, name), _percent(row[f"score_{name}"]), percent)
    if "value" in row:
        yield Measurement(private(VALUE), round(float(row["value"]), _PLACES), codes.UCUM.NoUnits)
    if model.point is not None:
        yield Measurement(private(THRESHOLD), _percent(model.point.threshold), percent)


def _evaluations(row: Row) -> "Iterator[QualitativeEvaluation]":
    """Yield what is flagged, strange or uncertain, as yes or no."""
    from highdicom.sr import QualitativeEvaluation

    for name, code in (("flagged", FLAGGED), ("unlike", UNLIKE), ("abstained", ABSTAINED)):
        if name in row:
            answer = codes.SCT.Yes if row[name] else codes.SCT.No
            yield QualitativeEvaluation(private(code), answer)


def _percent(share: float) -> float:
    return round(100 * float(share), _PLACES)
