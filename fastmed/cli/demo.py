"""The command ``fastmed demo``."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    task: Annotated[str, typer.Argument(metavar="[TASK]", help="A built-in task.")] = "lungs",
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where everything goes.")] = Path("demo"),
    seed: Annotated[int, typer.Option(help="Of the pictures and the training.")] = 0,
) -> None:
    """Make phantom data, train on it from scratch, interpret and predict, in minutes.

    Needs no network, no account and no GPU.

    Example: fastmed demo retinopathy
    """
    from fastmed.demo.story import run_demo

    run_demo(task, out, seed)
