"""The command ``fastmed predict``."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, Optional

import typer

from fastmed.cli.options import (
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


def predict(
    source: Annotated[
        Path, typer.Argument(metavar="INPUT", help="An image, a folder, a CSV or an NPZ file.")
    ],
    run: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="RUN", help="A run folder or a family; the newest run if left out."),
    ] = None,
    views: Views = None,
    epoch: Epoch = None,
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="FILE.csv", help="Where the table goes; printed if left out."),
    ] = None,
    competition: Annotated[
        Optional[Literal["number", "name"]],  # noqa: UP045
        typer.Option(help="Write two columns only: image, and class as number or name."),
    ] = None,
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
) -> None:
    """Predict the class or grade of images, labelled or not.

    Example: fastmed predict new_images --views plain,hflip --out result.csv
    """
    from fastmed.cli.tables import print_predictions
    from fastmed.console import note
    from fastmed.errors import DataError
    from fastmed.prediction import check_output, competition_table, write_predictions
    from fastmed.prediction import predict as predict_images

    if out is not None:
        check_output(out)
    if competition is not None and (sets is not None or abstain is not None):
        raise DataError("--sets and --abstain have no effect with --competition")
    options: dict[str, Any] = {
        "views": split_names(views),
        "device": device,
        "workers": workers,
        "skip_bad": skip_bad,
        "cache": not no_cache,
        "calibrate": not uncalibrated,
        "prevalence": ",".join(prevalence) or None,
        "operating_point": operating_point,
        "sets": sets,
        "abstain": abstain,
    }
    if is_family(run, epoch):
        from fastmed.families import Family, predict_together

        family = Family.open(str(run))
        task, place = family.task, family.path
        predict_them = partial(predict_together, family)
    else:
        opened = open_run(run, runs, epoch)
        task, place = opened.task, opened.path
        predict_them = partial(predict_images, opened)
    if competition is not None and task.pseudonymise:
        raise DataError("a competition wants the names of images, which this run hides")
    table = predict_them(source, **options)
    if competition is not None:
        table = competition_table(task, table, competition)
    if out is None:
        print_predictions(table)
    else:
        write_predictions(table, out)
        note(f"{len(table)} predictions of {place} are in {out}")
