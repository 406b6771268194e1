"""The command ``fastmed predict``."""

from pathlib import Path
from typing import Annotated, Any, Literal, Optional

import typer

from fastmed.cli.options import (
    Device,
    Epoch,
    NoCache,
    RunsFolder,
    SkipBad,
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
    from fastmed.prediction import check_output, competition_table, write_predictions
    from fastmed.prediction import predict as predict_images

    if out is not None:
        check_output(out)
    options: dict[str, Any] = {
        "views": split_names(views),
        "device": device,
        "workers": workers,
        "skip_bad": skip_bad,
        "cache": not no_cache,
    }
    if is_family(run, epoch):
        from fastmed.families import Family, predict_together

        family = Family.open(str(run))
        task, place = family.task, family.path
        table = predict_together(family, source, **options)
    else:
        opened = open_run(run, runs, epoch)
        task, place = opened.task, opened.path
        table = predict_images(opened, source, **options)
    if competition is not None:
        table = competition_table(task, table, competition)
    if out is None:
        print_predictions(table)
    else:
        write_predictions(table, out)
        note(f"{len(table)} predictions of {place} are in {out}")
