"""Predicting: images through the network's views to the predictions table."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from fastai.learner import Learner

from fastmed import grades
from fastmed.console import progress
from fastmed.data.inputs import read_input
from fastmed.data.metadata import tell_of_gaps
from fastmed.data.store.cache import Cache
from fastmed.data.store.inspection import inspect_images
from fastmed.data.tables import LEFT_OUT, grades_of, root_of, score_columns, write_table
from fastmed.errors import DataError, TaskError, nearest
from fastmed.familiarity.strangeness import strangeness, tell_of_strange
from fastmed.familiarity.watch import Watch, watching
from fastmed.learn.fitting.interrupts import interrupt_between_batches
from fastmed.learn.fitting.losses import losses_of_values
from fastmed.learn.input.loaders import loader_of
from fastmed.learn.input.statistics import Statistics
from fastmed.learn.outputs import read_outputs
from fastmed.learn.restore import statistics_of
from fastmed.learn.views import VIEWS
from fastmed.results.calibration.fitted import calibration_of
from fastmed.results.calibration.probabilities import TINY, Calibration
from fastmed.results.deciding.decisions import Wishes, fit_decisions
from fastmed.run import Run
from fastmed.task import Task


def predict(
    run: Run | str | Path,
    source: str | Path | pd.DataFrame,
    *,
    views: Sequence[str] | None = None,
    device: str | None = None,
    workers: int | None = None,
    skip_bad: bool = False,
    cache: bool = True,
    calibrate: bool = True,
    prevalence: str | Mapping[str, float] | None = None,
    operating_point: str | None = None,
    sets: float | None = None,
    abstain: str | float | None = None,
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
        calibrate: False leaves the probabilities as the network gives them.
        prevalence: shares of the classes where the images come from, as ``{"true": 0.02}`` or
            ``"true=0.02"``, to which probabilities are corrected.
        operating_point: a rule that says from which probability on an image is flagged, as in
            ``sensitivity=0.95`` or ``class=COVID,youden``.
        sets: the share of the images of each class for which the column ``set`` is to hold it.
        abstain: the share of images that is left to a reader, or ``error=0.05`` for the most
            mistakes among the others.

    Returns:
        One row an image: item, group, target, predicted, score of each class, for grades value
        and grade, loss where there is a target, split; what was asked for; ``unlike``, which says
        in what an image is unlike the training images, and ``distance`` of its content from them.

    Raises:
        DataError: nothing to predict, an image can't be read, or a rule can't be reached.
        RunError: the run is missing, has no weights, or nothing to fit a rule on.
    """
    run = run if isinstance(run, Run) else Run.open(run)
    calibration = calibration_of(run, calibrate, prevalence)
    wishes = Wishes(operating_point, sets, abstain)
    decisions = fit_decisions(wishes, run, calibration, own=calibrate and prevalence is None)
    items, outputs, strange = outputs_of(
        run, source, views=views, device=device, workers=workers, skip_bad=skip_bad, cache=cache
    )
    tell_of_strange(strange)
    table = decisions.applied(predictions_table(run.task, items, outputs, calibration))
    return pd.concat([table, strange], axis=1)


def outputs_of(
    run: Run,
    source: str | Path | pd.DataFrame,
    *,
    views: Sequence[str] | None = None,
    device: str | None = None,
    workers: int | None = None,
    skip_bad: bool = False,
    cache: bool = True,
) -> tuple[pd.DataFrame, np.ndarray, pd.DataFrame]:
    """Return the items of an input, what the run's network gives for them, and what is strange.

    The outputs are (n, K) or (n,); the last table has the columns ``unlike`` and ``distance``.

    Args and errors are those of `predict`.
    """
    task = run.task
    views = check_views(views or task.predict.views)
    learn = run.restore(device)
    items = source if isinstance(source, pd.DataFrame) else read_input(task, source, skip_bad)
    items = readable(items, task, skip_bad, cache)
    statistics = statistics_of(run)
    if statistics.metadata is not None:
        tell_of_gaps(statistics.metadata, items)
    watch = Watch(statistics)
    outputs = network_outputs(
        learn, task, items, statistics, views=views, workers=workers, cache=cache, watch=watch
    )
    return items, outputs, strangeness(run, watch, items)


def readable(items: pd.DataFrame, task: Task, skip_bad: bool, cache: bool) -> pd.DataFrame:
    """Return the items that can be read, each looked at once.

    Raises:
        DataError: an image can't be read, or there is none.
    """
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
    watch: Watch | None = None,
) -> np.ndarray:
    """Return the mean over views of probabilities (n, K), or of values of plain grades (n,).

    A watch sees the images and what the network's body makes of them.
    """
    chosen = check_views(views or task.predict.views)
    loader = loader_of(
        task, items, statistics, device=str(learn.dls.device), workers=workers, cache=cache
    )
    model = learn.model.eval()
    batches = progress(loader, f"Predicting {len(items)} images", len(loader))
    outputs = []
    with interrupt_between_batches() as heed, watching(model, watch):
        for batch in batches:
            heed()
            if watch is not None:
                watch.look(batch[0])
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
    task: Task, items: pd.DataFrame, outputs: np.ndarray, calibration: Calibration
) -> pd.DataFrame:
    """Return the predictions table of outputs (n, K) or (n,), in the items' order."""
    scores, decided = calibration.probabilities(outputs), calibration.decisions(outputs)
    return table_of(task, items, outputs, scores, decided)


def table_of(
    task: Task, items: pd.DataFrame, outputs: np.ndarray, scores: np.ndarray, decided: np.ndarray
) -> pd.DataFrame:
    """Return the predictions table of probabilities (n, K) and decisions (n,) on outputs."""
    table = items[["item", "group", "target"]].reset_index(drop=True)
    table["predicted"] = np.array(task.classes)[decided]
    table[score_columns(task.classes)] = scores
    if task.goal == "grade":
        table["value"], table["grade"] = grades.values_of(outputs), decided
    table["loss"] = _losses(task, table["target"], outputs if outputs.ndim == 1 else scores)
    table["split"] = items["split"].to_numpy()
    return table


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

    Of probabilities (n, K) it is the cross-entropy; of values of grades (n,) the task's loss.
    """
    known = grades_of(targets, task.classes)
    losses = np.full(len(known), np.nan)
    rows = np.flatnonzero(known >= 0)
    if outputs.ndim == 2:
        chosen = outputs[rows, known[rows]]
        losses[rows] = -np.log(np.clip(chosen, TINY, 1))
        return losses
    true = torch.tensor(known[rows], dtype=torch.float64)
    losses[rows] = losses_of_values(task, torch.tensor(outputs[rows]), true).numpy()
    return losses
