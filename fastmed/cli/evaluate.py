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
    Uncalibrated,
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
    uncalibrated: Uncalibrated = False,
    drop_seen: Annotated[
        bool,
        typer.Option("--drop-seen", help="Leave out images that shaped the run."),
    ] = False,
    per_patient: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="mean|max", help="Score patients, too: of each one's images."),
    ] = None,
    by: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="A,B,...", help="Score subgroups, too, as by sex,age,view."),
    ] = None,
    prevalence: Annotated[
        list[str],
        typer.Option(metavar="CLASS=SHARE", help="Give PPV and NPV at this prevalence, too."),
    ] = [],  # noqa: B006
    threshold: Annotated[
        list[str],
        typer.Option(metavar="CLASS=SHARE", help="Give the net benefit at this chance, too."),
    ] = [],  # noqa: B006
    costs: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            metavar="A,B;C,D", help="Give the expected cost, too: a row for each true class."
        ),
    ] = None,
) -> None:
    """Score a run on its test part, or on another labelled set.

    Every score has its 95% interval. Files scores.json and scores.csv in the run have all of them.

    Example: fastmed evaluate runs/cardiomegaly/first --views plain,hflip
    Example: fastmed evaluate runs/pneumonia/first --by sex,age --per-patient mean
    """
    from fastmed.auditing.quick import print_banner
    from fastmed.cli.tables import print_scores
    from fastmed.evaluation import evaluate as evaluate_run
    from fastmed.results.scores.asked import Asked, parse_costs, parse_shares

    options: dict[str, Any] = {
        "views": split_names(views),
        "device": device,
        "workers": workers,
        "skip_bad": skip_bad,
        "cache": not no_cache,
        "calibrate": not uncalibrated,
        "drop_seen": drop_seen,
        "asked": Asked(
            parse_shares(prevalence, "--prevalence"),
            parse_shares(threshold, "--threshold"),
            parse_costs(costs),
            per_patient,
            split_names(by) or (),
        ),
    }
    if is_family(run, epoch):
        from fastmed.families import Family, evaluate_together

        if split != "test":
            raise RunError(f"{run} is a family of runs; its {split} parts are those of its runs")
        _, scores = evaluate_together(str(run), source, **options)
        print_scores(f"{run}, {source or 'test part'}", scores)
        first = next(iter(Family.open(str(run)).finished.values()))
        print_banner(first.info.get("audit", {}))
        return
    opened = open_run(run, runs, epoch)
    _, scores = evaluate_run(opened, source, split=split, **options)
    print_scores(f"{opened.title}, {source or f'{split} part'}", scores)
    print_banner(opened.info.get("audit", {}))
