"""Predictions of images made predictions of patients."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from fastmed.data.tables import grades_of, group_keys, score_columns, scores_of
from fastmed.errors import DataError
from fastmed.grades import to_grades
from fastmed.results.calibration.probabilities import Calibration

How = Literal["mean", "max"]


class PatientTable(NamedTuple):
    """A predictions table of patients, and how many had images of different labels."""

    table: pd.DataFrame
    left_out: int


def per_patient(
    predictions: pd.DataFrame,
    classes: Sequence[str],
    goal: str,
    how: How,
    calibration: Calibration | None = None,
) -> PatientTable:
    """Return one row a patient; an image without a patient is a patient of its own.

    - ``mean``: scores are averaged, of grades the network's values too. The calibration decides,
      as it does for an image: by cut points, or by the highest score before a balanced training
      was taken back.
    - ``max``: the image that speaks most for disease decides. Of grades it is the one with the
      highest value, whose row is taken; of two classes the one with the highest score of the
      last. Of more classes each has its highest score, and the scores are shares of their sum.

    A patient whose images have different labels has the highest one with ``max``, if the classes
    are grades or two: any image that shows a disease makes a patient ill. Elsewhere no label
    would be right, and the patient is left out and counted.

    Args:
        predictions: of images, labelled ones among them.
        classes: their names; for grades in ascending order.
        goal: ``category`` or ``grade``.
        how: scores become one.
        calibration: that gave the scores; of grades ``mean`` needs its cut points. None lets the
            highest score decide.

    Raises:
        DataError: no image has a label, or nothing is known about patients.
    """
    rows = predictions[predictions["target"] != ""].reset_index(drop=True)
    if rows.empty:
        raise DataError("none of the predictions has a label, so they can't be scored")
    if not (rows["group"] != "").any():
        raise DataError(
            "nothing is known about patients, so nothing can be scored per patient; the setting "
            "source.group says how they are told"
        )
    keys, places = np.unique(group_keys(rows), return_inverse=True)
    labels = grades_of(rows["target"], classes)
    highest, lowest = _highest(labels, places), -_highest(-labels, places)
    ordered = goal == "grade" or len(classes) == 2
    kept = np.ones(len(keys), bool) if how == "max" and ordered else highest == lowest
    if not kept.any():
        raise DataError("each patient has images of different labels, so none can be scored")
    table = _predicted(rows, classes, goal, places, how, calibration)
    table.insert(0, "target", np.array(classes)[highest])
    _name(table, keys)
    return PatientTable(table[kept].reset_index(drop=True), int((~kept).sum()))


def mean_of_patients(
    rows: pd.DataFrame, classes: Sequence[str], goal: str, calibration: Calibration | None = None
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return one row a patient with the mean scores, labelled or not, and whose each image is.

    Args:
        rows: predictions of n images.
        classes, goal, calibration: as of `per_patient`.

    Returns:
        A table of ``item``, ``group``, ``predicted``, the scores, and for grades value and grade;
        and for each image the place of its patient in it, (n,).
    """
    keys, places = np.unique(group_keys(rows), return_inverse=True)
    table = _predicted(rows, classes, goal, places, "mean", calibration)
    _name(table, keys)
    return table, places


def _predicted(  # noqa: PLR0917
    rows: pd.DataFrame,
    classes: Sequence[str],
    goal: str,
    places: np.ndarray,
    how: How,
    calibration: Calibration | None,
) -> pd.DataFrame:
    if goal == "grade":
        return _grades(rows, classes, places, how, calibration)
    return _categories(rows, classes, places, how, calibration or Calibration())


def _name(table: pd.DataFrame, keys: np.ndarray) -> None:
    """Put the names of patients into the first columns."""
    table.insert(0, "group", [key[2:] if key.startswith("g:") else "" for key in keys])
    table.insert(0, "item", [key[2:] for key in keys])


def _highest(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return the highest value of each patient."""
    found = np.full(places.max() + 1, values.min())
    np.maximum.at(found, places, values)
    return found


def _mean(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return the mean of values (n, k) for each patient, (P, k)."""
    sums = np.stack([np.bincount(places, column) for column in values.T], axis=1)
    return np.asarray(sums / np.bincount(places)[:, None])


def _grades(
    rows: pd.DataFrame,
    classes: Sequence[str],
    places: np.ndarray,
    how: How,
    calibration: Calibration | None,
) -> pd.DataFrame:
    names = score_columns(classes)
    if how == "max":
        order = np.lexsort((rows["value"].to_numpy(), places))
        last = order[np.append(np.diff(places[order]) > 0, True)]
        own = rows.loc[last, ["predicted", *names, "value", "grade"]]
        return pd.DataFrame(own.reset_index(drop=True))
    if calibration is None or calibration.cut_points is None:
        raise DataError("grades of patients need the run's cut points, and there are none")
    means = _mean(rows[[*names, "value"]].to_numpy(dtype=float), places)
    table = pd.DataFrame(means, columns=[*names, "value"])
    table["grade"] = to_grades(table["value"].to_numpy(), calibration.cut_points)
    table.insert(0, "predicted", np.array(classes)[table["grade"]])
    return table


def _categories(
    rows: pd.DataFrame,
    classes: Sequence[str],
    places: np.ndarray,
    how: How,
    calibration: Calibration,
) -> pd.DataFrame:
    scores = scores_of(rows, classes)
    if how == "mean":
        found = _mean(scores, places)
    elif len(classes) == 2:
        last = _highest(scores[:, 1], places)
        found = np.stack([1 - last, last], axis=1)
    else:
        found = np.stack([_highest(column, places) for column in scores.T], axis=1)
        found /= found.sum(axis=1, keepdims=True)
    table = pd.DataFrame(found, columns=score_columns(classes))
    table.insert(0, "predicted", np.array(classes)[calibration.decided(found)])
    return table
