"""The command ``fastmed phantom``."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from fastmed.cli.options import TaskName


def phantom(
    task: TaskName,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.")],
    count: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(min=30, help="How many images; enough to learn from if left out."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed draws other pictures.")] = 0,
) -> None:
    """Make a phantom data set: drawn pictures in the task's own layout.

    Example: fastmed phantom lungs data/lungs
    """
    from fastmed.console import note
    from fastmed.demo.phantoms import write_phantom

    write_phantom(task, folder, count=count, seed=seed)
    note(f"Phantom data of task '{task}' is in {folder}")
