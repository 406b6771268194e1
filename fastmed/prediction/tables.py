"""The predictions table, and the two columns that competitions want."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fastmed import grades
from fastmed.data.tables import grades_of, score_columns
from fastmed.results.calibration.probabilities import TINY, Calibration
from fastmed.task import Task

AT = "@"  # between a column and the view that it is of


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


def with_views(  # noqa: PLR0917
    task: Task,
    table: pd.DataFrame,
    views: Sequence[str],
    outputs: Sequence[np.ndarray],
    scores: Sequence[np.ndarray],
    per_view: bool,
) -> pd.DataFrame:
    """Return a predictions table with how far its views are from each other, and what each says.

    ``spread`` is the standard deviation over the views (their number is the divisor) of the
    probability of the predicted class, or for grades of the value.

    Args:
        task: of the predictions.
        table: of n images.
        views: their V names.
        outputs: of each view, (n, K) or (n,).
        scores: the probabilities of each view by itself, (n, K).
        per_view: add the scores, and for grades the values, of each view.
    """
    values = [grades.values_of(given) for given in outputs] if task.goal == "grade" else None
    if len(views) > 1:
        decided = grades_of(table["predicted"], task.classes)
        rows = np.arange(len(table))
        spread = np.std(values or [given[rows, decided] for given in scores], axis=0)
        table.insert(list(table.columns).index("loss"), "spread", spread)
    more: dict[str, np.ndarray] = {}
    for place, view in enumerate(views if per_view else ()):
        more |= {
            f"{name}{AT}{view}": scores[place][:, k]
            for k, name in enumerate(score_columns(task.classes))
        }
        if values is not None:
            more[f"value{AT}{view}"] = values[place]
    return pd.concat([table, pd.DataFrame(more, index=table.index)], axis=1) if more else table


def competition_table(task: Task, table: pd.DataFrame, labels: str) -> pd.DataFrame:
    """Return the two columns that competitions want: the image's name and its class.

    The columns are named as in the task's own table, and names have a suffix only if they have
    one there. The class of an image that could not be read is empty.

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
    numbers = pd.Series(grades_of(table["predicted"], task.classes), index=table.index)
    if (numbers < 0).any():
        numbers = numbers.astype("Int64").mask(numbers < 0)
    return pd.DataFrame(
        {image: names, label: numbers if labels == "number" else table["predicted"]}
    )


def with_bad_rows(table: pd.DataFrame, bad: pd.DataFrame, good: np.ndarray) -> pd.DataFrame:
    """Return a table in which images that can't be read are rows with a reason.

    Whole numbers and flags that such a row lacks are missing values.

    Args:
        table: of the images that were predicted.
        bad: item, group, target, split and reason of the others, at their places.
        good: the places of those that were predicted, (n,).
    """
    table = table.set_axis(pd.Index(good), axis=0).assign(reason="")
    if bad.empty:
        return table
    rows = bad.reindex(columns=table.columns)
    for name, column in table.items():
        if name not in bad.columns:
            kind = _kind_with_gaps(column)
            empty = "" if kind is None else pd.NA if kind in ("Int64", "boolean") else np.nan
            rows[name] = pd.Series([empty] * len(rows), index=rows.index, dtype=kind or "str")
            table[name] = column if kind is None else column.astype(kind)
    return pd.concat([table, rows]).sort_index()


def _kind_with_gaps(column: pd.Series) -> Any:
    """Return the type in which numbers may be missing; None for text."""
    return {"b": "boolean", "i": "Int64", "u": "Int64", "f": "float64"}.get(column.dtype.kind)


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
    import torch

    from fastmed.learn.fitting.losses import losses_of_values

    true = torch.tensor(known[rows], dtype=torch.float64)
    losses[rows] = losses_of_values(task, torch.tensor(outputs[rows]), true).numpy()
    return losses
