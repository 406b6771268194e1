"""The command ``fastmed study``."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from fastmed.cli.options import (
    DataFolder,
    NoCache,
    Pseudonymise,
    Settings,
    SkipBad,
    TaskName,
    TasksFile,
    changed_task,
)


def study(
    task: TaskName,
    data: DataFolder = None,
    tasks_file: TasksFile = None,
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="DIR", help="Where page and figures go; studies/TASK if left out."),
    ] = None,
    settings: Settings = None,
    by: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            metavar="COLUMN",
            help="Break the classes down by this column, too: age, format, ...; repeatable.",
        ),
    ] = None,
    samples: Annotated[int, typer.Option(min=1, max=12, help="Images of each class to show.")] = 6,
    seed: Annotated[int, typer.Option(min=0, help="Another seed shows other images.")] = 0,
    skip_bad: SkipBad = False,
    no_cache: NoCache = False,
    pseudonymise: Pseudonymise = False,
) -> None:
    """Look at a data set: classes, samples as the network sees them, sizes, files, breakdowns.

    Writes figures, tables and one HTML page, and says what stands out.

    Example: fastmed study pneumonia --data data/pneumonia --by format
    """
    changes = {"pseudonymise": pseudonymise or None}
    chosen = changed_task(task, tasks_file, changes, settings or [])

    from fastmed.console import note, print_table, warn
    from fastmed.data_study import study as study_data

    found = study_data(
        chosen,
        data or Path("data") / task,
        by=by or (),
        samples=samples,
        seed=seed,
        skip_bad=skip_bad,
        cache=not no_cache,
    )
    page = found.write(out or Path("studies") / task)
    counts = found.class_counts()
    rows = [(name, *(int(count) for count in row)) for name, row in counts.iterrows()]
    print_table("Images of each class", ["class", *counts.columns], rows)
    for remark in found.remarks():
        (warn if remark.level == "warning" else note)(remark.text)
    note(f"Page {page}")
