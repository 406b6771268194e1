"""The command ``fastmed evaluate``."""

from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from fastmed.cli.options import (
    Device,
    Epoch,
    NoCache,
    RunFolder,
    RunsFolder,
    SkipBad,
    Views,
    Workers,
    is_family,
    open_run,
    split_names,
)
from fastmed.errors import RunError


def evaluate(
    run: RunFolder = None,
    source: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Argument(metavar="INPUT", help="Another labelled set: folder, CSV or NPZ."),
    ] = None,
    split: Annotated[str, typer.Option(help="Of the run's own data: test or valid.")] = "test",
    views: Views = None,
    epoch: Epoch = None,
    runs: RunsFolder = Path("runs"),
    device: Device = None,
    workers: Workers = None,
    skip_bad: SkipBad = False,
    no_cache: NoCache = False,
) -> None:
    """Score a run on its test part, or on another labelled set.

    Example: fastmed evaluate runs/cardiomegaly/first --views plain,hflip
    """
    from fastmed.cli.tables import print_scores
    from fastmed.evaluation import evaluate as evaluate_run

    options: dict[str, Any] = {
        "views": split_names(views),
        "device": device,
        "workers": workers,
        "skip_bad": skip_bad,
        "cache": not no_cache,
    }
    if is_family(run, epoch):
        from fastmed.families import evaluate_together

        if split != "test":
            raise RunError(f"{run} is a family of runs; its {split} parts are those of its runs")
        _, scores = evaluate_together(str(run), source, **options)
        print_scores(f"{run}, {source or 'test part'}", scores)
        return
    opened = open_run(run, runs, epoch)
    _, scores = evaluate_run(opened, source, split=split, **options)
    print_scores(f"{opened.title}, {source or f'{split} part'}", scores)
