"""The command ``fastmed augmented``."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from fastmed.cli.options import (
    DataFolder,
    NoCache,
    Settings,
    SkipBad,
    TaskName,
    TasksFile,
    changed_task,
)


def augmented(
    task: TaskName,
    data: DataFolder = None,
    tasks_file: TasksFile = None,
    settings: Settings = None,
    images: Annotated[int, typer.Option(min=1, max=20, help="Training images to show.")] = 5,
    variants: Annotated[int, typer.Option(min=1, max=15, help="Augmentations of each.")] = 7,
    seed: Annotated[int, typer.Option(min=0, help="Another seed shows other images.")] = 0,
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="FILE.png", help="The figure; augmented/TASK.png if left out."),
    ] = None,
    skip_bad: SkipBad = False,
    no_cache: NoCache = False,
) -> None:
    """Look at augmented training images: each plain, and in random augmentations.

    Example: fastmed augmented retinopathy --data data/retinopathy --set augment.rotate=30
    """
    chosen = changed_task(task, tasks_file, {}, settings or [])

    from fastmed.console import note
    from fastmed.results.figures.style import check_figure_file, save
    from fastmed.training.augmentation import augmented_figure

    file = check_figure_file(out or Path("augmented") / f"{task}.png")
    figure = augmented_figure(
        chosen,
        data or Path("data") / task,
        images=images,
        variants=variants,
        seed=seed,
        skip_bad=skip_bad,
        cache=not no_cache,
    )
    save(figure, file)
    note(f"Figure {file}")
