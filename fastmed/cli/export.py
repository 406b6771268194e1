"""The command ``fastmed export``."""

from pathlib import Path
from typing import Annotated, Literal, Optional

import typer

from fastmed.cli.options import (
    Average,
    Epoch,
    RunFolder,
    RunsFolder,
    Uncalibrated,
    Views,
    is_family,
    open_run,
    split_names,
)
from fastmed.errors import RunError


def export(
    run: RunFolder = None,
    form: Annotated[
        Literal["onnx", "pt2"],
        typer.Option("--format", help="ONNX, or PyTorch's own archive."),
    ] = "onnx",
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="FILE", help="The file; model.onnx in the run if left out."),
    ] = None,
    precision: Annotated[
        Literal["fp32", "fp16", "int8"],
        typer.Option(help="Of the network's numbers; int8 goes with onnx."),
    ] = "fp32",
    views: Views = None,
    average: Average = None,
    epoch: Epoch = None,
    uncalibrated: Uncalibrated = False,
    prevalence: Annotated[
        list[str],
        typer.Option(metavar="CLASS=SHARE", help="Shares of the classes where it is used."),
    ] = [],  # noqa: B006
    check: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            metavar="INPUT",
            help="Images to check the file on; the run's validation part if left out.",
        ),
    ] = None,
    ranges: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            metavar="INPUT",
            help="For int8: images like the training images; these themselves if left out.",
        ),
    ] = None,
    tolerance: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(
            metavar="X",
            help="The largest difference of a probability from the run's that is accepted.",
        ),
    ] = None,
    runs: RunsFolder = Path("runs"),
) -> None:
    """Write a run as one file that predicts without fastmed: pixels in, probabilities out.

    Resizing, normalisation, calibration and cut points are in the file. Its predictions are
    compared with the run's before it is kept.

    Example: fastmed export runs/cardiomegaly/first --out model.onnx
    Example: fastmed export runs/cardiomegaly/first --precision int8
    """
    from fastmed.cli.tables import print_cost
    from fastmed.exporting import export as export_run
    from fastmed.exporting import tell_of

    if is_family(run, epoch):
        raise RunError(f"{run} is a family of runs, and a file holds one network; name one run")
    made = export_run(
        open_run(run, runs, epoch),
        out,
        form=form,
        precision=precision,
        views=split_names(views),
        average=average,
        calibrate=not uncalibrated,
        prevalence=",".join(prevalence) or None,
        check=check,
        ranges=ranges,
        tolerance=tolerance,
    )
    if precision != "fp32":
        print_cost(precision, made.check.scores)
    tell_of(made)
