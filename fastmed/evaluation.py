"""Scoring a run: its validation part, its test part, or another labelled set."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from fastai.learner import Learner

from fastmed import grades
from fastmed.data.inputs import read_input
from fastmed.data.tables import grades_of, group_keys, part, write_table
from fastmed.errors import DataError, RunError
from fastmed.files import read_info, write_json
from fastmed.learn.restore import statistics_of
from fastmed.prediction import (
    Grading,
    network_outputs,
    predict,
    predictions_table,
)
from fastmed.results.scores import score
from fastmed.run import Run
from fastmed.run.places import relative_path
from fastmed.settings.sources import PARTS
from fastmed.task import Task

Scores = dict[str, Any]


def evaluate(
    run: Run | str | Path,
    source: str | Path | None = None,
    *,
    split: str = "test",
    views: Sequence[str] | None = None,
    device: str | None = None,
    workers: int | None = None,
    skip_bad: bool = False,
    cache: bool = True,
) -> tuple[pd.DataFrame, Scores]:
    """Return predictions and scores of a part of the run's data, or of another labelled set.

    Both are saved in the run: the table in ``predictions/``, the scores in ``scores.json``.

    Args:
        run: a run or its folder.
        source: another labelled set (folder, CSV, NPZ); None takes the run's own data.
        split: ``valid`` or ``test``, of the run's own data.
        views: fixed views that are averaged; None takes the task's.
        device: ``cpu``, ``cuda``, ...; None takes the best.
        workers: loader processes; None chooses.
        skip_bad: leave out images that can't be read, instead of refusing.
        cache: keep the decoded images on disk, so that none is decoded again.

    Raises:
        RunError: the run has no such part, or no weights.
        DataError: the data is gone, or the other set has no labels.
    """
    run = run if isinstance(run, Run) else Run.open(run)
    if source is None and split == "valid":
        finish(run, run.restore(device), views, workers, cache)
        return run.predictions("valid"), saved_scores(run)["valid"]
    items = own_part(run, split) if source is None else _labelled_input(run, source, skip_bad)
    table = predict(
        run, items, views=views, device=device, workers=workers, skip_bad=skip_bad, cache=cache
    )
    if source is None:
        return table, keep(run, split, table, views)
    name = _name_of(Path(source).resolve())
    scores = keep(run, name, table, views)
    run.update(inputs={**run.info.get("inputs", {}), name: relative_path(source, run.path)})
    return table, scores


def finish(
    run: Run,
    learn: Learner,
    views: Sequence[str] | None = None,
    workers: int | None = None,
    cache: bool = True,
) -> None:
    """Predict and score the validation part, and fit on it what turns values into grades.

    Grades: the stored cut points use all of the validation part, seen through the task's own
    views; its own predictions use cut points that were fitted without the image's patient, so
    that its scores stay honest.
    """
    task, items = run.task, own_part(run, "valid")
    outputs = network_outputs(
        learn, task, items, statistics_of(run), views=views, workers=workers, cache=cache
    )
    values = grades.values_of(outputs)
    grading = fit_grading(task, items, values)
    table = predictions_table(task, items, outputs, grading)
    if grading is not None:
        if list(views or task.predict.views) == list(task.predict.views):
            scale = {} if task.ordinal else {"scale": grading.scale}
            run.update(cut_points=grading.cut_points.tolist(), **scale)
        decided = _cross_fitted(task, items, values)
        table["grade"], table["predicted"] = decided, np.array(task.classes)[decided]
    keep(run, "valid", table, views)


def fit_grading(task: Task, items: pd.DataFrame, values: np.ndarray) -> Grading | None:
    """Return cut points and scale fitted on values (n,) of labelled items; None for categories."""
    if task.goal == "category":
        return None
    known = grades_of(items["target"], task.classes)
    cut_points = grades.fit_cut_points(values, known, len(task.classes), task.cut_points)
    scale = 1.0 if task.ordinal else grades.fit_scale(values, known, cut_points)
    return Grading(cut_points, scale)


def own_part(run: Run, split: str) -> pd.DataFrame:
    """Return the items of one part of the run's own data.

    Raises:
        RunError: the part is empty. DataError: the data folder is gone.
    """
    items = part(run.items, split)
    if items.empty:
        raise RunError(
            f"{run.path} has no {split} part; score another labelled set with "
            f"`fastmed evaluate {run.path} INPUT`"
        )
    if not run.data.is_dir():
        raise DataError(f"the data folder {run.data} of {run.path} is gone; put it back")
    return items


def _labelled_input(run: Run, source: str | Path, skip_bad: bool) -> pd.DataFrame:
    items = read_input(run.task, source, skip_bad)
    if not (items["target"] != "").any():
        raise DataError(f"no image in {source} has a label to score by; `fastmed predict` it")
    return items


def _name_of(source: Path) -> str:
    """Return the name under which another set is kept; never that of one of the run's parts."""
    name = source.stem if source.is_file() else source.name
    return f"{name}_input" if name in PARTS else name


def keep(run: Run, name: str, table: pd.DataFrame, views: Sequence[str] | None) -> Scores:
    """Score a predictions table and save both in the run."""
    task = run.task
    scores = {"views": list(views or task.predict.views), **score(table, task.classes, task.goal)}
    write_table(table, run.predictions_file(name))
    write_json(run.results / "scores.json", {**saved_scores(run), name: scores})
    return scores


def saved_scores(run: Run) -> dict[str, Scores]:
    """Return the run's scores by part or input."""
    file = run.results / "scores.json"
    return read_info(file) if file.is_file() else {}


def _cross_fitted(task: Task, items: pd.DataFrame, values: np.ndarray) -> np.ndarray:
    known = grades_of(items["target"], task.classes)
    return grades.cross_fitted_grades(
        values, known, group_keys(items), len(task.classes), task.cut_points, task.split.seed
    )
