"""The command ``fastmed report``."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from fastmed.cli.options import Device, RunsFolder, open_run


def report(
    run: Annotated[
        Optional[list[Path]],  # noqa: UP045
        typer.Argument(
            metavar="RUN...",
            help="A run or a family; the newest run if left out. Several are compared.",
        ),
    ] = None,
    split: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="test, valid, or the name of a set that was evaluated; test if left out, or valid "
            "if no test part was evaluated."
        ),
    ] = None,
    checklist: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="NAME", help="Show claim, tripod-ai or stard-ai alone; else all."),
    ] = None,
    answers: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="FILE", help="What only you know; card.toml of the run if left out."),
    ] = None,
    heatmaps: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(
            min=1, max=40, metavar="N", help="Draw N heat maps before; else show those there are."
        ),
    ] = None,
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="DIR", help="The folder to write; the run's own if left out."),
    ] = None,
    runs: RunsFolder = Path("runs"),
    device: Device = None,
) -> None:
    """Write the report of a run as one HTML page, with a model card and a file for machines.

    Example: fastmed report runs/lungs/first --heatmaps 12
    """
    from fastmed.console import note
    from fastmed.errors import RunError
    from fastmed.reporting.writing import write_report

    if device is not None and heatmaps is None:
        raise RunError("--device has no effect without --heatmaps N")
    folders = list(run or [open_run(None, runs).path])
    page = write_report(
        folders, split=split, checklist=checklist, answers=answers, heatmaps=heatmaps, out=out,
        device=device,
    )  # fmt: skip
    note(f"Report {page}")
