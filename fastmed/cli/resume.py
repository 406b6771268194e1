"""The command ``fastmed resume``."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from fastmed.cli.options import RunsFolder, is_family, is_search
from fastmed.processes import refuse_several, seat


def resume(
    run: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Argument(
            metavar="RUN",
            help="The folder of a run, a family of runs or a search; the newest interrupted run "
            "if left out.",
        ),
    ] = None,
    epoch: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(min=0, help="Go back to after this epoch; the last one if left out."),
    ] = None,
    runs: RunsFolder = Path("runs"),
    device: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="cpu, cuda, cuda:1, mps; the one that the run began on if left out."),
    ] = None,
    workers: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(min=0, help="Processes that read images; as the run began if left out."),
    ] = None,
) -> None:
    """Go on with a training that was interrupted, as if it had never stopped.

    Data, settings and versions must be as they were.

    Example: fastmed resume runs/lungs/first
    """
    if run is not None and is_search(run, epoch):
        _resume_search(run, device, workers)
        return
    if run is not None and is_family(run, epoch):
        _resume_family(run, device, workers)
        return
    from fastmed.cli.tables import print_training
    from fastmed.training.resume import newest_stopped
    from fastmed.training.resume import resume as resume_run

    chosen = run or (newest_stopped(runs).path if seat().main else runs)
    print_training(resume_run(chosen, epoch=epoch, device=device, workers=workers))


def _resume_family(folder: Path, device: str | None, workers: int | None) -> None:
    refuse_several("Going on with a family of runs")
    from fastmed.cli.families import print_family
    from fastmed.families import Family, resume_family
    from fastmed.families.resume import NESTED

    if Family.open(folder).info["kind"] == NESTED:
        from fastmed.cli.searches import print_nested
        from fastmed.tuning.nested import resume_nested

        print_nested(resume_nested(folder))
        return
    print_family(resume_family(folder, device=device, workers=workers))


def _resume_search(folder: Path, device: str | None, workers: int | None) -> None:
    refuse_several("Going on with a search")
    from fastmed.cli.searches import print_search
    from fastmed.tuning.tune import resume_search

    print_search(resume_search(folder, device=device, workers=workers))
