"""Predicting: images through the network's views to the predictions table."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from fastai.learner import Learner

from fastmed import grades
from fastmed.console import progress, warn
from fastmed.data.inputs import read_input
from fastmed.data.metadata import tell_of_gaps
from fastmed.data.store.cache import Cache
from fastmed.data.store.inspection import inspect_images
from fastmed.data.tables import LEFT_OUT, grades_of, root_of, score_columns, write_table
from fastmed.errors import DataError, TaskError, nearest
from fastmed.learn.fitting.interrupts import interrupt_between_batches
from fastmed.learn.fitting.losses import losses_of_values
from fastmed.learn.input.loaders import loader_of
from fastmed.learn.input.statistics import Statistics
from fastmed.learn.outputs import read_outputs
from fastmed.learn.restore import statistics_of
from fastmed.learn.views import VIEWS
from fastmed.run import Run
from fastmed.task import Task


@dataclass(frozen=True)
class Grading:
    """How a value becomes a grade: cut points (K-1,), and the scale of the grades' scores.

    A network that gives the scores itself (CORN, CORAL) needs no scale.
    """

    cut_points: np.ndarray
    scale: float

    @classmethod
    def rounding(cls, task: Task) -> "Grading":
        """Return plain rounding, for a run whose cut points were never fitted."""
        return cls(grades.round_points(len(task.classes)), 0.25)


def predict(
    run: Run | str | Path,
    source: str | Path | pd.DataFrame,
    *,
    views: Sequence[str] | None = None,
    device: str | None = None,
    workers: int | None = None,
    skip_bad: bool = False,
    cache: bool = True,
) -> pd.DataFrame:
    """Return the predictions table of any images, labelled or not.

    Args:
        run: a run or its folder.
        source: an image, a folder, a CSV, an NPZ file, or an items table.
        views: fixed views that are averaged; None takes the task's.
        device: ``cpu``, ``cuda``, ...; None takes the best.
        workers: loader processes; None chooses.
        skip_bad: leave out images that can't be read, instead of refusing.
        cache: keep the decoded images on disk, so that none is decoded again.

    Returns:
        One row an image: item, group, target, predicted, score of each class, for grades value
        and grade, loss where there is a target, split.

    Raises:
        DataError: nothing to predict, or an image can't be read.
        RunError: the run is missing or has no weights.
    """
    run = run if isinstance(run, Run) else Run.open(run)
    task = run.task
    views = check_views(views or task.predict.views)
    learn = run.restore(device)
    items = source if isinstance(source, pd.DataFrame) else read_input(task, source, skip_bad)
    items = _readable(items, task, skip_bad, cache)
    statistics = statistics_of(run)
    if statistics.metadata is not None:
        tell_of_gaps(statistics.metadata, items)
    outputs = network_outputs(
        learn, task, items, statistics, views=views, workers=workers, cache=cache
    )
    return predictions_table(task, items, outputs, grading_of(run))


def _readable(items: pd.DataFrame, task: Task, skip_bad: bool, cache: bool) -> pd.DataFrame:
    kept = Cache(task.image) if cache else None
    items = inspect_images(items, root_of(items), task.image, skip_bad, kept)
    items = items[items["split"] != LEFT_OUT]
    if items.empty:
        raise DataError(f"no image to predict in {root_of(items)}")
    return items


def network_outputs(
    learn: Learner,
    task: Task,
    items: pd.DataFrame,
    statistics: Statistics,
    *,
    views: Sequence[str] | None = None,
    workers: int | None = None,
    cache: bool = True,
) -> np.ndarray:
    """Return the mean over views of probabilities (n, K), or of values of plain grades (n,)."""
    chosen = check_views(views or task.predict.views)
    loader = loader_of(
        task, items, statistics, device=str(learn.dls.device), workers=workers, cache=cache
    )
    model = learn.model.eval()
    batches = progress(loader, f"Predicting {len(items)} images", len(loader))
    outputs = []
    with interrupt_between_batches() as heed:
        for batch in batches:
            heed()
            outputs.append(_mean_over_views(model, batch, chosen, task))
    return np.concatenate(outputs)


def check_views(views: Sequence[str]) -> list[str]:
    """Return the views, each known and named once.

    Raises:
        TaskError: a view is unknown or stands twice.
    """
    for view in views:
        if view not in VIEWS:
            close = nearest(view, VIEWS) or f"; known are {', '.join(VIEWS)}"
            raise TaskError(f"no view '{view}'{close}")
    if len(set(views)) < len(views):
        raise TaskError(f"a view stands twice in {','.join(views)}")
    return list(views)


@torch.no_grad()
def _mean_over_views(
    model: torch.nn.Module, batch: Sequence[torch.Tensor], views: list[str], task: Task
) -> np.ndarray:
    """Return the mean over views of the images; metadata, if there is any, is the same in each."""
    images, *metadata = (given.as_subclass(torch.Tensor) for given in batch)
    outputs = torch.stack([model(VIEWS[view](images), *metadata).float() for view in views])
    return read_outputs(task, outputs).mean(0).cpu().numpy().astype(np.float64)


def predictions_table(
    task: Task, items: pd.DataFrame, outputs: np.ndarray, grading: Grading | None
) -> pd.DataFrame:
    """Return the predictions table of outputs (n, K) or (n,), in the items' order."""
    table = items[["item", "group", "target"]].reset_index(drop=True)
    if task.goal == "category":
        scores, columns, decided = outputs, {}, outputs.argmax(axis=1)
    else:
        grading = grading or Grading.rounding(task)
        values = grades.values_of(outputs)
        scores = outputs
        if not task.ordinal:
            scores = grades.grade_scores(values, grading.cut_points, grading.scale)
        decided = grades.to_grades(values, grading.cut_points)
        columns = {"value": values, "grade": decided}
    table["predicted"] = np.array(task.classes)[decided]
    table[score_columns(task.classes)] = scores
    for name, column in columns.items():
        table[name] = column
    table["loss"] = _losses(task, table["target"], outputs)
    table["split"] = items["split"].to_numpy()
    return table


def grading_of(run: Run) -> Grading | None:
    """Return the run's cut points; None for categories."""
    task = run.task
    if task.goal == "category":
        return None
    if "cut_points" not in run.info:
        why = "it was stopped early"
        if run.epoch is not None:
            why = f"`fastmed evaluate {run.path} --epoch {run.epoch} --split valid` fits them"
        warn(f"{run.title} has no cut points ({why}): values are rounded")
        return Grading.rounding(task)
    return Grading(np.array(run.info["cut_points"]), run.info.get("scale", 1.0))


def check_output(file: Path) -> None:
    """Refuse a file for predictions that can't be written, before any work is done."""
    if file.suffix.lower() != ".csv":
        raise DataError(f"predictions are written as CSV, not '{file.suffix}'; name a .csv file")
    if file.is_dir():
        raise DataError(f"'{file}' is a folder; name a .csv file")
    folder = next(parent for parent in file.absolute().parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise DataError(f"can't write {file}: '{folder}' is no folder that can be written into")


def write_predictions(table: pd.DataFrame, file: Path) -> None:
    """Write a predictions table as CSV, as a whole."""
    check_output(file)
    write_table(table, file)


def competition_table(task: Task, table: pd.DataFrame, labels: str) -> pd.DataFrame:
    """Return the two columns that competitions want: the image's name and its class.

    The columns are named as in the task's own table, and names have a suffix only if they have
    one there.

    Args:
        task: of the predictions.
        table: the predictions.
        labels: ``number`` writes the position of the class, ``name`` its name.
    """
    source = task.source
    image, label, suffix = "image", "label", ""
    if source.kind in ("table", "dicom"):
        image, label, suffix = source.image, source.label, source.suffix
    names = [Path(item).stem if suffix else Path(item).name for item in table["item"]]
    numbers = grades_of(table["predicted"], task.classes)
    return pd.DataFrame(
        {image: names, label: numbers if labels == "number" else table["predicted"]}
    )


def _losses(task: Task, targets: pd.Series, outputs: np.ndarray) -> np.ndarray:
    """Return each image's own loss (n,); not a number where there is no target.

    Where the network gives probabilities, the cross-entropy of their mean; for other grades the
    task's loss of the value.
    """
    known = grades_of(targets, task.classes)
    losses = np.full(len(known), np.nan)
    rows = np.flatnonzero(known >= 0)
    if outputs.ndim == 2:
        chosen = outputs[rows, known[rows]]
        losses[rows] = -np.log(np.clip(chosen, 1e-12, 1))
        return losses
    true = torch.tensor(known[rows], dtype=torch.float64)
    losses[rows] = losses_of_values(task, torch.tensor(outputs[rows]), true).numpy()
    return losses
