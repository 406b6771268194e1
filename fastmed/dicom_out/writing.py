"""Writing DICOM objects of what was predicted: all of them or none."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from fastmed.clients.findings import finding_of
from fastmed.clients.model import model_of
from fastmed.clients.writing import check_apart
from fastmed.console import progress
from fastmed.data.inputs import read_input
from fastmed.data.pixels.remarks import remarks
from fastmed.dicom_out.captures import capture_of
from fastmed.dicom_out.codes import with_codes
from fastmed.dicom_out.extra import require_highdicom
from fastmed.dicom_out.objects import new_uid
from fastmed.dicom_out.reports import report_of
from fastmed.dicom_out.sources import Source, check_dicom, studies_of
from fastmed.errors import DataError, RunError
from fastmed.explaining.several import aim_of, explain_several
from fastmed.prediction.networks import readable
from fastmed.prediction.story import predict
from fastmed.run import Run
from fastmed.settings.heatmaps import check_method_name
from fastmed.whole_folder import check_place, whole_folder

if TYPE_CHECKING:
    from pydicom import Dataset

_OWN = re.compile(r"(SR|SC)\.[\d.]+\.dcm")


def write_dicom_sr(
    run: Run | str | Path,
    source: str | Path | pd.DataFrame,
    out: str | Path,
    *,
    codes: str | Path | None = None,
    overwrite: bool = False,
    skip_bad: bool = False,
    device: str | None = None,
    workers: int | None = None,
    cache: bool = True,
    **options: Any,
) -> list[Path]:
    """Write one Structured Report (TID 1500) for each study of some DICOM images; return the files.

    A report holds for each image, and for all of the study together, the finding as a code, how
    certain it is, the probability of each class, and what made it. It is preliminary and
    unverified. Patient and study are those of the images. The folder appears when it is whole.

    Args:
        run: a run or its folder.
        source: DICOM images: a file, a folder, a CSV file, or an items table.
        out: the folder to write, new or empty.
        codes: a TOML file with a code for each class; None takes those of the task.
        overwrite: replace DICOM objects that fastmed has written there.
        skip_bad: leave out images that can't be read, instead of refusing.
        device: ``cpu``, ``cuda``, ...; None takes the best.
        workers: loader processes; None chooses.
        cache: keep the decoded images on disk.
        options: others of `predict`: views, calibrate, prevalence, operating_point, sets, abstain.

    Raises:
        DataError: an image is no DICOM, can't be read, or doesn't say of which study it is.
        MissingExtraError: highdicom is not installed.
        RunError: ``out`` holds something else, or the run hides names or is a family.
    """
    run, out = check_dicom_out(run, out, source, overwrite), Path(out)
    task, model = with_codes(run.task, codes), model_of(run, **options)
    items, studies = _read(run, source, skip_bad, cache)
    table = predict(run, items, device=device, workers=workers, cache=cache, **options)
    with whole_folder(out) as place:
        for study in progress(studies, f"Reporting {len(studies)} studies", len(studies)):
            rows = table.iloc[[one.place for one in study]]
            finding = finding_of(rows, task, model.calibration, model.point)
            with remarks("ignore", UserWarning):
                made = report_of(study, rows.to_dict("records"), finding, model, task)
            _save(made, place, "SR")
    return sorted(out.iterdir())


def write_dicom_sc(
    run: Run | str | Path,
    source: str | Path | pd.DataFrame,
    out: str | Path,
    *,
    method: str = "gradcam",
    overwrite: bool = False,
    skip_bad: bool = False,
    device: str | None = None,
    workers: int | None = None,
    cache: bool = True,
    **options: Any,
) -> list[Path]:
    """Write a Secondary Capture of the heat map of each DICOM image; return the files.

    A capture lies in the study of its image and refers to it. That it is not for diagnosis is
    written into its pixels. The folder appears when it is whole.

    Args:
        run: as of `write_dicom_sr`.
        source: as of `write_dicom_sr`.
        out: as of `write_dicom_sr`.
        method: of heat maps: ``gradcam``, ``hirescam``, ``occlusion``, ``integrated_gradients``.
        overwrite: as of `write_dicom_sr`.
        skip_bad: as of `write_dicom_sr`.
        device: as of `write_dicom_sr`.
        workers: as of `write_dicom_sr`.
        cache: as of `write_dicom_sr`.
        options: as of `write_dicom_sr`.

    Raises:
        DataError, MissingExtraError, RunError: as `write_dicom_sr`.
        TaskError: there is no such method, or the network looks at no image.
        ModelError: the method needs a feature map, and the network has none.
    """
    run, out = check_dicom_out(run, out, source, overwrite), Path(out)
    check_method_name(method)
    model = model_of(run, **options)
    aim = aim_of(run, method, device)
    items, studies = _read(run, source, skip_bad, cache)
    table = predict(run, items, device=device, workers=workers, cache=cache, **options)
    placed = [(one, series, number) for study, series in zip(studies, _uids(), strict=False)
              for number, one in enumerate(study, 1)]  # fmt: skip
    placed.sort(key=lambda each: each[0].place)
    found = explain_several(run, aim, items, table, method=method, cache=cache)
    with whole_folder(out) as place:
        for (image, series, number), one in zip(placed, found, strict=True):
            _save(capture_of(image, one, model, series, number), place, "SC")
    return sorted(out.iterdir())


def check_dicom_out(run: Run | str | Path, out: str | Path, source: object, overwrite: bool) -> Run:
    """Return the run, if DICOM objects of its predictions can be written into a folder.

    Raises:
        MissingExtraError: highdicom is not installed.
        RunError: the run is a family or hides names, or the folder holds something else.
    """
    require_highdicom()
    run, out = run if isinstance(run, Run) else Run.open(run), Path(out)
    if isinstance(source, str | Path):
        check_apart(out, Path(source))
    if run.task.pseudonymise:
        raise RunError(
            "a DICOM object names its patient and study, which this run hides (pseudonymise); use "
            "a run that was trained without it"
        )
    own = [file.name for file in out.iterdir() if _OWN.fullmatch(file.name)] if out.is_dir() else []
    check_place(out, own, "DICOM objects of fastmed")
    if own and not overwrite:
        raise RunError(f"{out} holds {len(own)} DICOM objects; `--overwrite` replaces them")
    return run


def _read(
    run: Run, source: str | Path | pd.DataFrame, skip_bad: bool, cache: bool
) -> tuple[pd.DataFrame, Sequence[Sequence[Source]]]:
    """Return the images that can be read, and the studies that they are of."""
    task = run.task
    items = source if isinstance(source, pd.DataFrame) else read_input(task, source, skip_bad)
    if items.empty:
        raise DataError("there is no image to predict")
    check_dicom(items)
    items = readable(items, task, skip_bad, cache)
    return items, studies_of(items, task)


def _uids() -> Iterator[str]:
    while True:
        yield new_uid()


def _save(made: "Dataset", folder: Path, kind: str) -> None:
    with remarks("ignore", UserWarning):
        made.save_as(folder / f"{kind}.{made.SOPInstanceUID}.dcm", enforce_file_format=True)
