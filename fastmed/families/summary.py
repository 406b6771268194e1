"""What a family found: a row for each run, each trial with its spread, and the folds pooled."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from fastmed.data.tables import write_table
from fastmed.evaluation import saved_scores
from fastmed.families.family import Family
from fastmed.families.members import Member
from fastmed.files import write_json
from fastmed.results.scores import ScoreOptions, score
from fastmed.run import Run

PARTS = ("valid", "test")
FOLD_PART = "out-of-fold"
# Column of the summary -> how pandas calls it.
SPREAD = {"runs": "count", "mean": "mean", "sd": "std", "least": "min", "greatest": "max"}


def save_summary(family: Family) -> None:
    """Write ``comparison.csv``, ``summary.csv``, and with folds the pooled predictions.

    ``comparison.json`` and ``summary.json`` hold the same for programs.
    """
    rows = list(_rows(family))
    _write(family.path, "comparison", pd.DataFrame(rows))
    if family.has_folds:
        _save_pooled(family)
    _write(family.path, "summary", summary(family))


def comparison(family: Family, part: str) -> pd.DataFrame:
    """Return a row for each scored run with its scores on one part; empty without any."""
    return pd.DataFrame([row for row in _rows(family) if row["part"] == part])


def summary(family: Family) -> pd.DataFrame:
    """Return a row for each network, part and score, over its seeds and folds.

    Columns: network, part, score, runs, mean, sd (between the runs; empty for one), least,
    greatest, and with folds pooled: the score of all folds' predictions in one table, averaged
    over seeds.
    """
    rows = pd.DataFrame(_rows(family))
    if rows.empty:
        return rows
    names = [name for name in rows.columns if name in _scores_of(family)]
    long = rows.melt(["network", "part"], names, var_name="score", value_name="value")
    long["value"] = pd.to_numeric(long["value"])
    spread = long.dropna(subset="value").groupby(["network", "part", "score"], sort=False)["value"]
    columns = [spread.agg(how).rename(name) for name, how in SPREAD.items()]
    table = pd.concat(columns, axis=1).reset_index()
    return _with_pooled(table, family) if family.has_folds else table


def pooled_predictions(family: Family, trial: str) -> pd.DataFrame:
    """Return the predictions of all folds of one trial, each image once, with its ``fold``."""
    members = [member for member in family.plan if member.trial == trial]
    tables = [
        run.predictions("test").assign(fold=member.fold)
        for member in members
        if (run := family.finished.get(member.name))
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def pooled_file(family: Family, trial: str) -> Path:
    """Return where the pooled predictions of a trial are."""
    name = f"{FOLD_PART}-{trial}.csv" if trial else f"{FOLD_PART}.csv"
    return family.path / "predictions" / name


def _rows(family: Family) -> Iterator[dict[str, Any]]:
    for member in family.plan:
        run = family.members.get(member.name)
        if run is not None:
            yield from _rows_of(member, run)


def _rows_of(member: Member, run: Run) -> Iterator[dict[str, Any]]:
    scores = saved_scores(run)
    for part in (part for part in PARTS if part in scores):
        yield {
            "run": member.name,
            "network": member.network,
            "part": part,
            "n": scores[part]["n"],
            "best_epoch": run.info.get("best_epoch"),
            **scores[part]["overall"],
            **_cost(run),
        }


def _cost(run: Run) -> dict[str, Any]:
    """Return what a network costs: its size on disk, its weights, time and memory."""
    return {
        "parameters": run.info.get("parameters"),
        "megabytes": round(run.weights.stat().st_size / 1e6, 1),
        "seconds_per_epoch": round(float(run.history["seconds"].median()), 1),
        "memory_megabytes": run.info.get("memory_megabytes"),
    }


def _scores_of(family: Family) -> list[str]:
    """Return the names of the overall scores that any run has."""
    found = (scores for run in family.members.values() for scores in saved_scores(run).values())
    return list(dict.fromkeys(name for scores in found for name in scores["overall"]))


def _trials(family: Family) -> list[str]:
    return list(dict.fromkeys(member.trial for member in family.plan))


def _save_pooled(family: Family) -> None:
    for trial in _trials(family):
        table = pooled_predictions(family, trial)
        if len(table):
            write_table(table, pooled_file(family, trial))


def _with_pooled(table: pd.DataFrame, family: Family) -> pd.DataFrame:
    """Return the table with the mean over seeds of the score of all folds together."""
    task = family.task
    found: dict[tuple[str, str], list[float]] = {}
    for trial in _trials(family):
        predictions = pooled_predictions(family, trial)
        if predictions.empty:
            continue
        network = next(member.network for member in family.plan if member.trial == trial)
        scores = score(predictions, task.classes, task.goal, ScoreOptions(resamples=0))
        for name, value in scores["overall"].items():
            if value is not None:
                found.setdefault((network, name), []).append(value)
    keys = zip(table["network"], table["score"], strict=True)
    means = [_mean(found.get(key, [])) for key in keys]
    pooled = pd.Series(means, index=table.index, dtype=float)
    return table.assign(pooled=pooled.where(table["part"] == "test"))


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def _write(folder: Path, name: str, table: pd.DataFrame) -> None:
    write_table(table, folder / f"{name}.csv")
    records = table.astype(object).where(table.notna(), None).to_dict("records")
    write_json(folder / f"{name}.json", records)
