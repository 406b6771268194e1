"""The command ``fastmed fetch``."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from fastmed.cli.options import TaskName, TasksFile, changed_task


def fetch(
    task: TaskName,
    data: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="DIR", help="The data folder; data/TASK if left out."),
    ] = None,
    archives: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            "--archive",
            metavar="main=FILE",
            help="A zip or tar file, or a folder, that you have: main=FILE, extra=FILE; "
            "repeatable. Kaggle is asked if left out.",
        ),
    ] = None,
    tasks_file: TasksFile = None,
    settings: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Any setting of the task, as in --set source.file=labels.csv; repeatable.",
        ),
    ] = None,
) -> None:
    """Fetch the data set of a task, from Kaggle or from archives, and check it.

    Archives are unpacked safely. The data folder has all of it or nothing.

    Example: fastmed fetch retinopathy --archive main=main.zip --archive extra=extra.zip
    """
    from fastmed.data.fetching.fetch import fetch as fetch_data
    from fastmed.data.fetching.fetch import parse_archives

    chosen = changed_task(task, tasks_file, {}, settings or [])
    fetch_data(chosen, data or Path("data") / task, parse_archives(archives or []))
