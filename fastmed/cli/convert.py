"""The command ``fastmed convert``."""

from pathlib import Path
from typing import Annotated, Literal, Optional

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


def convert(
    task: TaskName,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="A folder to write, new or empty, beside the data.")
    ],
    data: DataFolder = None,
    tasks_file: TasksFile = None,
    format: Annotated[
        Literal["png", "jpeg"], typer.Option(help="PNG is lossless, JPEG smaller.")
    ] = "png",
    quality: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(min=1, max=100, help="Of JPEG; 95 if left out."),
    ] = None,
    original_size: Annotated[
        bool,
        typer.Option(
            "--original-size", help="Write images as decoded, without operations and resizing."
        ),
    ] = False,
    labelled_only: Annotated[
        bool, typer.Option("--labelled-only", help="Leave out images that no label speaks of.")
    ] = False,
    settings: Settings = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace another conversion in the folder.")
    ] = False,
    skip_bad: SkipBad = False,
    no_cache: NoCache = False,
    pseudonymise: Pseudonymise = False,
) -> None:
    """Write a data set as PNG or JPEG, with the pixels that the network sees, and CSV tables.

    Every image of every part is converted: DICOM, arrays, any source. The folder is a data set
    with a task file of its own.

    Example: fastmed convert pneumonia --data data/pneumonia --out pneumonia_png
    """
    changes = {"pseudonymise": pseudonymise or None}
    chosen = changed_task(task, tasks_file, changes, settings or [])

    from fastmed.console import note, print_table
    from fastmed.conversion import Way
    from fastmed.conversion import convert as convert_data

    done = convert_data(
        chosen,
        data or Path("data") / task,
        out,
        way=Way(format, quality, original_size),
        unlabelled=not labelled_only,
        skip_bad=skip_bad,
        overwrite=overwrite,
        cache=not no_cache,
    )
    print_table(f"Images in {out}", ["table", "rows"], done.counts.items())
    if not done.new:
        note(f"{out} held all of it already; nothing was written")
    note(f"Next: fastmed train {task} --tasks {out / 'tasks.toml'} --data {out}")
