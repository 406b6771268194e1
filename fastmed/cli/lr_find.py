"""The command ``fastmed lr-find``."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from fastmed.cli.options import (
    Arch,
    Batch,
    DataFolder,
    Device,
    NoCache,
    Settings,
    Size,
    SkipBad,
    TaskName,
    TasksFile,
    Workers,
    changed_task,
    split_names,
)


def lr_find(
    task: TaskName,
    data: DataFolder = None,
    tasks_file: TasksFile = None,
    arch: Arch = None,
    size: Size = None,
    batch: Batch = None,
    settings: Settings = None,
    phase: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="A,B", help="frozen, whole; all that the task has if left out."),
    ] = None,
    steps: Annotated[
        int, typer.Option(min=50, help="Batches over which the rate rises, for each phase.")
    ] = 100,
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="FILE.png", help="The figure; lr-find/TASK.png if left out."),
    ] = None,
    skip_bad: SkipBad = False,
    no_cache: NoCache = False,
    device: Device = None,
    workers: Workers = None,
) -> None:
    """Find a learning rate: raise it batch by batch and look at the loss.

    Prints suggestions and draws the course. A training afterwards is the same as without it.

    Example: fastmed lr-find lungs --data data/lungs --arch resnet18 --batch 32
    """
    named = {"train.arch": arch, "image.size": size, "train.batch": batch}
    chosen = changed_task(task, tasks_file, named, settings or [])

    from fastmed.cli.tables import print_rates
    from fastmed.results.figures.style import check_figure_file
    from fastmed.training.rate_finding import find_rate

    file = check_figure_file(out or Path("lr-find") / f"{task}.png")
    rates = find_rate(
        chosen,
        data or Path("data") / task,
        phases=split_names(phase) or (),
        steps=steps,
        device=device,
        workers=workers,
        skip_bad=skip_bad,
        cache=not no_cache,
    )
    print_rates(rates, rates.write(file))
