"""What commands print of searches."""

from typing import TYPE_CHECKING

import pandas as pd

from fastmed.cli.families import print_family
from fastmed.console import note, print_table

if TYPE_CHECKING:
    from fastmed.families import Family
    from fastmed.tuning.search import Search

_MOST = 10  # trials in the table
_SHOWN = ("trial", "state", "value", "epochs")


def print_search(search: "Search") -> None:
    """Print the best trials, what their values are worth, and what to do next."""
    from fastmed.tuning.search import BEST, TRIALS

    table = search.trials
    metric, task = search.info["metric"], search.task
    print_table(f"Best trials, by {metric} on the validation part", *_best(search, table))
    counts = table["state"].value_counts()
    note("Trials: " + ", ".join(f"{count} {state}" for state, count in counts.items()))
    if search.info["status"] == "searching":
        note("Other processes are still on their last trials; they will write the whole table.")
    tested = (search.items["split"] == "test").any()
    nested = f"fastmed tune {task.name} --folds 5"
    honest = f"fastmed evaluate {search.path}, once" if tested else nested
    note(
        f"{search.info['best_value']:.4g} is optimistic: the same images chose the settings and "
        f"the epoch. For an honest estimate: {honest}"
    )
    note(f"Table {search.path / TRIALS}, figures in {search.path / 'figures'}")
    note(f"Next: fastmed train {task.name} --tasks {search.path / BEST} --data {search.data}")


def print_nested(family: "Family") -> None:
    """Print the settings that each fold's search found, and their scores on the fold."""
    from fastmed.tuning.nested import inner_search

    searches = {member.name: inner_search(family, member.fold) for member in family.plan}
    rows = [
        {"fold": name, "value": search.info["best_value"], **_texts(search.best_changes)}
        for name, search in searches.items()
    ]
    table = pd.DataFrame(rows)
    metric = next(iter(searches.values())).info["metric"]
    title = f"Settings found without each fold, by {metric} on a validation part (optimistic)"
    print_table(title, list(table.columns), table.itertuples(index=False))
    print_family(family)
    note(
        "The scores on the folds are the honest estimate: no fold chose anything that it was "
        f"tested with. Settings to use come from: fastmed tune {family.task.name}"
    )


def _best(search: "Search", table: pd.DataFrame) -> tuple[list[str], list[list[object]]]:
    """Return columns and rows of the best trials."""
    own = table[(table["stage"] == "whole") & (table["state"] == "done")]
    ranked = own.sort_values("value", ascending=search.best_is_least).head(_MOST)
    settings = list(search.task.tune.space or {})
    columns = [*_SHOWN, *(key for key in settings if key in ranked and ranked[key].notna().any())]
    return columns, [
        [_text(cell) for cell in row] for row in ranked[columns].itertuples(index=False)
    ]


def _texts(changes: dict[str, object]) -> dict[str, object]:
    return {key: _text(value) for key, value in changes.items()}


def _text(cell: object) -> object:
    """Return numbers with three digits, so that small rates can be read."""
    return f"{cell:.3g}" if isinstance(cell, float) else cell
