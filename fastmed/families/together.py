"""The members of a family as one: their predictions are averaged."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fastmed.console import note
from fastmed.data.folds import KEPT
from fastmed.data.inputs import read_input
from fastmed.data.tables import scores_of, write_table
from fastmed.errors import DataError, RunError
from fastmed.evaluation import Scores
from fastmed.families.family import Family
from fastmed.files import read_info, write_json
from fastmed.prediction import Grading, grading_of, predict, predictions_table
from fastmed.results.scores import score
from fastmed.run import Run
from fastmed.task import Task


def predict_together(
    family: Family | str | Path, source: str | Path | pd.DataFrame, **options: Any
) -> pd.DataFrame:
    """Return the predictions table of any images, averaged over the finished runs of a family.

    Probabilities are averaged; of grades the values, and the cut points that grade them.

    Args:
        family: a family or its folder.
        source: an image, a folder, a CSV, an NPZ file, or an items table.
        options: those of `predict`: views, device, workers, skip_bad, cache.

    Raises:
        RunError: no run of the family is finished.
    """
    family = family if isinstance(family, Family) else Family.open(family)
    runs = _finished(family)
    task = family.task
    if not isinstance(source, pd.DataFrame):
        source = read_input(runs[0].task, source, options.get("skip_bad", False))
    tables = [predict(run, source, **options) for run in runs]
    items = source.set_index("item").loc[tables[0]["item"]].reset_index()
    return predictions_table(task, items, _mean_outputs(task, tables), _mean_grading(task, runs))


def evaluate_together(
    family: Family | str | Path, source: str | Path | None = None, **options: Any
) -> tuple[pd.DataFrame, Scores]:
    """Return predictions and scores of a family on its test part, or on another labelled set.

    With folds the test part is the one that was kept for all of them. Both are saved in the
    family's folder: the table in ``predictions/``, the scores in ``scores.json``.

    Args:
        family: a family or its folder.
        source: another labelled set; None takes the family's own test part.
        options: those of `predict`.

    Raises:
        RunError: the family has no test part, or no finished run.
        DataError: the other set has no labels.
    """
    family = family if isinstance(family, Family) else Family.open(family)
    items, name = _labelled(family, source, options.get("skip_bad", False))
    table = predict_together(family, items, **options)
    task = family.task
    scores = {"runs": len(family.finished), **score(table, task.classes, task.goal)}
    file = family.path / "scores.json"
    known = read_info(file) if file.is_file() else {}
    write_table(table, family.path / "predictions" / f"{name}.csv")
    write_json(file, {**known, name: scores})
    return table, scores


def _finished(family: Family) -> Sequence[Run]:
    runs = list(family.finished.values())
    if not runs:
        raise RunError(f"no run of {family.path} is finished; `fastmed resume {family.path}`")
    missing = len(family.plan) - len(runs)
    note(f"The mean of {len(runs)} runs" + (f"; {missing} are not finished" if missing else ""))
    return runs


def _labelled(
    family: Family, source: str | Path | None, skip_bad: bool
) -> tuple[pd.DataFrame, str]:
    if source is not None:
        items = read_input(family.task, source, skip_bad)
        if not (items["target"] != "").any():
            raise DataError(f"no image in {source} has a label to score by; `fastmed predict` it")
        return items, Path(source).resolve().stem
    items = family.items
    test = items[items["split"] == "test"]
    if test.empty:
        raise RunError(
            f"{family.path} has no {KEPT if family.has_folds else 'test part'}; score another "
            f"labelled set with `fastmed evaluate {family.path} INPUT`"
        )
    return test, "test"


def _mean_outputs(task: Task, tables: Sequence[pd.DataFrame]) -> np.ndarray:
    """Return the mean of probabilities (n, K), or of values (n,)."""
    if task.goal == "category" or task.ordinal:
        every = [scores_of(table, task.classes) for table in tables]
    else:
        every = [table["value"].to_numpy(dtype=float) for table in tables]
    return np.asarray(np.mean(every, axis=0))


def _mean_grading(task: Task, runs: Sequence[Run]) -> Grading | None:
    gradings = [grading for run in runs if (grading := grading_of(run))]
    if task.goal == "category" or not gradings:
        return None
    points = np.mean([grading.cut_points for grading in gradings], axis=0)
    return Grading(points, float(np.mean([grading.scale for grading in gradings])))
