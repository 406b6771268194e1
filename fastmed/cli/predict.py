"""The command ``fastmed predict``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from fastmed.cli.handing_over import (
    ClientReportDir,
    DicomCodes,
    DicomSc,
    DicomSr,
    HandingOver,
    Method,
    OneClient,
    Overwrite,
    PerFileJson,
    hand_over,
)
from fastmed.cli.options import (
    Average,
    Competition,
    Device,
    Epoch,
    NoCache,
    RunsFolder,
    SkipBad,
    Uncalibrated,
    Views,
    Workers,
    is_family,
    open_run,
    split_names,
)
from fastmed.errors import DataError

if TYPE_CHECKING:
    from fastmed.prediction.manner import Manner
    from fastmed.prediction.predictor import Predictor

UNREADABLE = 3  # exit code: all is written, but images could not be read


def predict(
    source: Annotated[
        Path, typer.Argument(metavar="INPUT", help="An image, a folder, a CSV or an NPZ file.")
    ],
    run: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="RUN", help="A run folder or a family; the newest run if left out."),
    ] = None,
    views: Views = None,
    average: Average = None,
    per_view: Annotated[
        bool, typer.Option("--per-view", help="Add columns of the scores of each view.")
    ] = False,
    per_patient: Annotated[
        bool, typer.Option("--per-patient", help="A row a patient: the mean of all images.")
    ] = False,
    epoch: Epoch = None,
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            metavar="FILE",
            help="Where the table goes: .csv, .json, .npz or .parquet; printed if left out.",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with predictions that were interrupted."),
    ] = False,
    competition: Competition = None,
    operating_point: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            metavar="RULE",
            help="Flag images by a threshold: [class=NAME,]sensitivity=0.95, specificity=0.9, "
            "youden or cost=10:1.",
        ),
    ] = None,
    prevalence: Annotated[
        list[str],
        typer.Option(
            metavar="CLASS=SHARE,...",
            help="Correct probabilities to the shares of the classes where the images come from.",
        ),
    ] = [],  # noqa: B006
    sets: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(
            metavar="COVERAGE",
            help="Give sets of classes that hold the true one as often, in every class.",
        ),
    ] = None,
    abstain: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            metavar="SHARE",
            help="Leave this share of images, or all but so many mistakes (error=0.05), to a "
            "reader.",
        ),
    ] = None,
    uncalibrated: Uncalibrated = False,
    runs: RunsFolder = Path("runs"),
    device: Device = None,
    workers: Workers = None,
    skip_bad: SkipBad = False,
    no_cache: NoCache = False,
    client_report: ClientReportDir = None,
    per_file_json: PerFileJson = False,
    one_client: OneClient = False,
    dicom_sr: DicomSr = None,
    dicom_sc: DicomSc = None,
    dicom_codes: DicomCodes = None,
    method: Method = None,
    overwrite: Overwrite = False,
) -> None:
    """Predict the class or grade of images, labelled or not.

    Images that can't be read are rows with a reason, and the exit code is 3.

    Example: fastmed predict new_images --views plain,hflip --out result.csv
    Example: fastmed predict archive --out archive.parquet --resume
    """
    from fastmed.cli.tables import note_predictions, print_predictions
    from fastmed.prediction.export import Shape, predict_to_file
    from fastmed.prediction.formats import check_output
    from fastmed.prediction.manner import Manner

    wishes = HandingOver(
        client_report, per_file_json, one_client, dicom_sr, dicom_sc, dicom_codes, method, overwrite
    )
    table_options = {
        "--out": out, "--competition": competition, "--per-view": per_view,
        "--per-patient": per_patient, "--resume": resume,
    }  # fmt: skip
    wishes.check(table_options, skip_bad)
    if out is not None:
        check_output(out)
    elif resume:
        raise DataError("--resume goes on with a file; name it with --out")
    options: dict[str, Any] = {
        "views": split_names(views),
        "average": average,
        "device": device,
        "calibrate": not uncalibrated,
        "prevalence": ",".join(prevalence) or None,
    }
    asked: dict[str, Any] = {"operating_point": operating_point, "sets": sets, "abstain": abstain}
    reading: dict[str, Any] = {"workers": workers, "cache": not no_cache}
    if wishes.folders:
        opened = open_run(run, runs, epoch)
        if hand_over(wishes, opened, source, {**options, **asked, **reading}, skip_bad):
            raise typer.Exit(UNREADABLE)
        return
    manner = Manner(**options, **asked, per_view=per_view)
    predictor = _predictor(run, runs, epoch, manner)
    shape = Shape(competition, per_patient, skip_bad)
    found = predict_to_file(predictor, source, out, shape=shape, resume=resume, **reading)
    if out is None:
        print_predictions(found.first, count=found.rows)
    else:
        note_predictions(found.rows, predictor.place, out)
    if found.bad and not skip_bad:
        raise typer.Exit(UNREADABLE)


def _predictor(run: Path | None, runs: Path, epoch: int | None, manner: "Manner") -> "Predictor":
    """Return what predicts: a run, or a family of runs."""
    if is_family(run, epoch):
        from fastmed.families import Family, FamilyPredictor

        return FamilyPredictor(Family.open(str(run)), manner)
    from fastmed.prediction.predictor import RunPredictor

    return RunPredictor(open_run(run, runs, epoch), manner)
