"""The command ``fastmed tune``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from fastmed.cli.options import (
    Arch,
    DataFolder,
    Device,
    NoCache,
    RunsFolder,
    Settings,
    Size,
    SkipBad,
    TaskName,
    TasksFile,
    Workers,
    changed_task,
)
from fastmed.errors import TaskError

if TYPE_CHECKING:
    from fastmed.settings.tune import Space
    from fastmed.task import Task

_SEARCH = "Search"


def tune(
    task: TaskName,
    data: DataFolder = None,
    trials: Annotated[
        int,
        typer.Option(
            min=1,
            help="In all: those of before and of other processes too.",
            rich_help_panel=_SEARCH,
        ),
    ] = 20,
    space: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            "--space",
            metavar="KEY=VALUES",
            help="What is tried, as in train.lr=1e-4..1e-2:log, train.batch=8..64:8 or "
            "train.opt=adamw,sgd; repeatable; the task's if left out.",
            rich_help_panel=_SEARCH,
        ),
    ] = None,
    warm_up: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="N",
            help="Trials before with a frozen body, from the best of which the others go on.",
            show_default=False,
            rich_help_panel=_SEARCH,
        ),
    ] = 0,
    folds: Annotated[
        int,
        typer.Option(
            min=0,
            help="Nested: a search without each fold, whose best settings are tested on the fold.",
            show_default=False,
            rich_help_panel=_SEARCH,
        ),
    ] = 0,
    sampler: Annotated[
        str,
        typer.Option(help="How values are chosen: tpe, random, grid.", rich_help_panel=_SEARCH),
    ] = "tpe",
    pruner: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="How trials that fall behind are ended: median, halving, none; median if left "
            "out.",
            rich_help_panel=_SEARCH,
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Of the choice of values.", rich_help_panel=_SEARCH)
    ] = 42,
    keep: Annotated[
        int,
        typer.Option(min=1, help="The runs of so many best trials stay.", rich_help_panel=_SEARCH),
    ] = 3,
    storage: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            metavar="URL",
            envvar="FASTMED_STORAGE",
            help="A database for trials of several machines; a file in the folder if left out.",
            rich_help_panel=_SEARCH,
        ),
    ] = None,
    tasks_file: TasksFile = None,
    arch: Arch = None,
    size: Size = None,
    epochs: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(help="Epochs with the whole network, of each trial."),
    ] = None,
    settings: Settings = None,
    runs: RunsFolder = Path("runs"),
    name: Annotated[
        str, typer.Option(help="Of the folder; search, or with folds nested, if left out.")
    ] = "",
    skip_bad: SkipBad = False,
    no_cache: NoCache = False,
    device: Device = None,
    workers: Workers = None,
) -> None:
    """Search the settings that do best on the validation part.

    The same command goes on with a search that was stopped, and beside one that runs.

    Example: fastmed tune pneumonia --trials 30 --warm-up 10
    """
    named = {"train.arch": arch, "image.size": size, "train.epochs": epochs}
    chosen = changed_task(task, tasks_file, named, settings or [])
    options: dict[str, Any] = {
        "trials": trials,
        "space": _space(space or []),
        "warm_up": warm_up,
        "sampler": sampler,
        "pruner": pruner,
        "seed": seed,
        "keep": keep,
        "runs": runs,
        "name": name,
        "device": device,
        "workers": workers,
        "skip_bad": skip_bad,
        "cache": not no_cache,
    }
    folder = data or Path("data") / task
    if folds:
        _nested(chosen, folder, folds, storage, options)
    else:
        _tune(chosen, folder, {**options, "storage": storage})


def _space(lines: list[str]) -> "Space | None":
    from fastmed.settings.tune import parse_space

    try:
        return parse_space(lines) or None
    except ValueError as error:
        raise TaskError(f"--space {error}") from None


def _tune(task: "Task", folder: Path, options: dict[str, Any]) -> None:
    from fastmed.cli.searches import print_search
    from fastmed.tuning.tune import tune as tune_task

    print_search(tune_task(task, folder, **options))


def _nested(
    task: "Task", folder: Path, folds: int, storage: str | None, options: dict[str, Any]
) -> None:
    if storage is not None:
        raise TaskError("--storage goes with one search, and --folds are several; leave one out")

    from fastmed.cli.searches import print_nested
    from fastmed.tuning.nested import tune_nested

    print_nested(tune_nested(task, folder, folds=folds, **options))
