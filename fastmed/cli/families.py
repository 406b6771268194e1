"""What commands print of several trainings side by side."""

from typing import TYPE_CHECKING

import pandas as pd

from fastmed.console import note, print_table
from fastmed.results.scores import HEADLINES, LABELS

if TYPE_CHECKING:
    from fastmed.families import Family

_TITLES = {
    "valid": "Validation part (each epoch was chosen on it: expect less elsewhere)",
    "test": "Test part",
}
_SIDE_BY_SIDE = 6  # runs, whose names still fit above columns
_WHOLE = ("parameters", "memory_megabytes")  # columns of the cost that have no decimals
_COST = {
    "parameters": "parameters",
    "megabytes": "MB on disk",
    "seconds_per_epoch": "s an epoch",
    "memory_megabytes": "MB of memory",
}


def print_family(family: "Family") -> None:
    """Print each run's scores and cost, and their mean and spread over seeds and folds."""
    _print_runs(family)
    _print_cost(family)
    _print_spread(family)
    note(f"The tables are in {family.path}")
    note(f"Next: fastmed predict INPUT --run {family.path}, the mean of all runs")


def print_meta(family: "Family") -> None:
    """Print image, metadata and both side by side, and what the table can't tell."""
    from fastmed.families.metadata import BOTH, IMAGE

    _print_runs(family)
    note(f"The table is in {family.path / 'comparison.csv'}")
    both, image = family.members[BOTH], family.members[IMAGE]
    note(
        f"{both.path.name} was trained longer than image, from whose weights it went on. How much "
        f"of a lead comes from that, tells: fastmed train {image.task_name} --set meta=[] "
        f"--arch {image.task.train.arch} --weights {image.path}"
    )


def _print_runs(family: "Family") -> None:
    from fastmed.families.summary import comparison

    titles = {**_TITLES, "test": "Each run on its own fold"} if family.has_folds else _TITLES
    for part, title in titles.items():
        rows = comparison(family, part)
        if len(rows):
            further = [name for name in rows if name in LABELS and name not in ("n", *HEADLINES)]
            _print_scores(title, rows.drop(columns=["part", "network", *_COST, *further]))


def _print_cost(family: "Family") -> None:
    from fastmed.families.summary import comparison

    rows = comparison(family, "valid")
    if rows["network"].nunique() > 1:
        costs = rows.groupby("network", sort=False)[[*_COST]].median()
        whole = {name: costs[name].round().astype("Int64") for name in _WHOLE}
        _print("Cost", costs.assign(**whole).reset_index().rename(columns=_COST))


def _print_spread(family: "Family") -> None:
    """Print mean and standard deviation of each score; with folds, the score of all together."""
    from fastmed.families.summary import summary

    table = summary(family)
    part = "test" if "test" in set(table["part"]) else "valid"
    table = table[(table["part"] == part) & (table["runs"] > 1)]
    if table.empty:
        return
    table = table.assign(score=[LABELS.get(name, name) for name in table["score"]])
    columns = ["score", "mean", "sd", "least", "greatest", *(["pooled"] * family.has_folds)]
    if table["network"].any():
        columns = ["network", *columns]
    what = "folds" if family.has_folds else "seeds"
    _print(f"Over {int(table['runs'].max())} {what}, {part} part", table[columns])
    if family.has_folds:
        note("Pooled: every image once, predicted by the network that never saw it.")


def _print_scores(title: str, rows: pd.DataFrame) -> None:
    """Print a column for each of a few runs, or else a row for each."""
    if len(rows) > _SIDE_BY_SIDE:
        _print(title, rows)
        return
    scores = rows.drop(columns="run")
    names = rows["run"].tolist()
    lines = [[_name_of(column), *scores[column].tolist()] for column in scores.columns]
    print_table(title, ["score", *names], lines)


def _print(title: str, table: pd.DataFrame) -> None:
    print_table(title, [*map(_name_of, table.columns)], table.itertuples(index=False))


def _name_of(column: str) -> str:
    return LABELS.get(column, column.replace("_", " "))
