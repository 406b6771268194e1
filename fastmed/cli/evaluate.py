"""The command ``fastmed evaluate``."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from fastmed.cli.options import (
    Device,
    NoCache,
    RunFolder,
    RunsFolder,
    SkipBad,
    Views,
    Workers,
    open_run,
    split_names,
)


def evaluate(
    run: RunFolder = None,
    source: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Argument(metavar="INPUT", help="Another labelled set: folder, CSV or NPZ."),
    ] = None,
    split: Annotated[str, typer.Option(help="Of the run's own data: test or valid.")] = "test",
    views: Views = None,
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

    opened = open_run(run, runs)
    chosen = split_names(views)
    _, scores = evaluate_run(
        opened,
        source,
        split=split,
        views=chosen,
        device=device,
        workers=workers,
        skip_bad=skip_bad,
        cache=not no_cache,
    )
    print_scores(f"{opened.path}, {source or f'{split} part'}", scores)
