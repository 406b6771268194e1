"""The command ``fastmed compare``."""

from pathlib import Path
from typing import Annotated, Optional

import typer


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN RUN...", help="Runs or families, or one family of several."),
    ],
    split: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="The part or set that all have predicted; test, or the held-out folds, if left "
            "out."
        ),
    ] = None,
    pairs: Annotated[
        bool, typer.Option("--pairs", help="Compare each with each, not only with the first.")
    ] = False,
    json: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--json", metavar="FILE", help="Write every difference as JSON."),
    ] = None,
    figure: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="FILE", help="Draw the differences as PNG."),
    ] = None,
) -> None:
    """Compare runs on the same images: differences with intervals, from paired patients.

    Needs predictions that are there; fastmed evaluate makes them.

    Example: fastmed compare runs/lungs/first runs/lungs/second --figure difference.png
    """
    from fastmed.cli.comparisons import print_comparison
    from fastmed.console import note
    from fastmed.results.comparison import compare as compare_runs
    from fastmed.results.figures.style import check_figure_file, save

    if figure is not None:
        check_figure_file(figure)
    found = compare_runs(runs, split=split, pairs=pairs)
    print_comparison(found)
    if json is not None:
        found.save(json)
        note(f"Differences {json}")
    if figure is not None:
        save(found.figure(), figure)
        note(f"Figure {figure}")
