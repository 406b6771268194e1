"""The command ``fastmed runs``."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from fastmed.cli.options import RunsFolder


def runs(
    task: Annotated[
        Optional[str],  # noqa: UP045
        typer.Argument(metavar="TASK", help="Only runs of this task."),
    ] = None,
    folder: RunsFolder = Path("runs"),
) -> None:
    """List the runs, the newest last, with the metric that chose their epoch.

    Example: fastmed runs retinopathy
    """
    from fastmed.console import note, print_table
    from fastmed.network_files import without_folder
    from fastmed.run import list_runs

    found = [run for run in list_runs(folder) if task is None or run.task_name == task]
    if not found:
        note(f"No runs in {folder}.")
        return
    rows = [
        (
            str(run.path),
            without_folder(run.task.train.arch),
            run.status,
            run.info.get("best_epoch"),
            run.info.get("metric", ""),
            run.info.get("best_value"),
        )
        for run in found
    ]
    print_table("Runs", ["run", "backbone", "status", "best epoch", "metric", "value"], rows)
