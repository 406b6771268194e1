"""Every score of a predictions table, computed once, for tables, reports and figures."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import cohen_kappa_score, confusion_matrix, roc_auc_score

from fastmed.data.tables import grades_of, score_columns, scores_of
from fastmed.errors import DataError, listed

Scores = dict[str, Any]

# Score -> how people write it, in the order of tables.
LABELS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "auroc": "AUROC",
    "log_loss": "log loss",
    "brier": "Brier score",
    "kappa": "quadratic weighted kappa",
    "mae": "mean absolute error (grades)",
    "within_one": "at most one grade off",
    "n": "n",
    "prevalence": "prevalence",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "ppv": "PPV",
    "npv": "NPV",
    "f1": "F1",
}
PER_CLASS = ("n", "prevalence", "sensitivity", "specificity", "ppv", "npv", "f1", "auroc")
OVERALL_COLUMNS = ("score", "value")
PER_CLASS_COLUMNS = ("class", *(LABELS[name] for name in PER_CLASS))


def score(predictions: pd.DataFrame, classes: Sequence[str], goal: str) -> Scores:
    """Return all scores of the labelled rows, ready for JSON.

    The keys are ``n``, ``goal``, ``classes``, ``overall`` (score -> number), ``per_class``
    (class -> score -> number) and ``confusion`` (rows are the true classes). What can't be
    estimated is None. A number has one address, ``overall/SCORE`` or ``per_class/CLASS/SCORE``, so
    that an interval can be told by the same address.

    - With fewer than two true classes only accuracy, log loss, Brier score, and the distances of
      grades can be estimated overall.
    - Balanced accuracy and AUROC are means over the classes that occur; macro F1 also counts
      classes that are predicted and don't occur (as 0), and leaves out those that do neither.
    - Per class: no sensitivity without such cases, no specificity without others, no PPV (NPV)
      where the class is never (always) predicted.
    - AUROC is one-vs-rest, and with two classes that of the last.
    - The Brier score is the mean sum of squared errors over the classes, and half of it with two
      classes, where it is the usual score of a probability (Brier, 1950).
    - Kappa has quadratic weights over all grades, also those that don't occur.

    Args:
        predictions: the predictions table.
        classes: their names; for grades in ascending order.
        goal: ``category`` or ``grade``.

    Raises:
        DataError: no row has a label, a column is missing, or a score is not a number.
    """
    true, predicted, scores = labelled(predictions, classes)
    confusion = confusion_matrix(true, predicted, labels=range(len(classes)))
    per_class = {
        name: {**_rates(confusion, place), "auroc": auroc(true == place, scores[:, place])}
        for place, name in enumerate(classes)
    }
    overall = _overall(true, scores, confusion, per_class)
    if goal == "grade":
        overall |= _distances(true, predicted, len(classes))
    return {
        "n": len(true),
        "goal": goal,
        "classes": list(classes),
        "overall": overall,
        "per_class": per_class,
        "confusion": confusion.tolist(),
    }


def labelled(
    predictions: pd.DataFrame, classes: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return true and predicted positions, (n,), and scores, (n, classes), of labelled rows.

    Raises:
        DataError: no row has a label, a column is missing, or a score is not a number.
    """
    needed = ["target", "predicted", *score_columns(classes)]
    missing = [column for column in needed if column not in predictions.columns]
    if missing:
        raise DataError(f"the predictions have no column {listed(missing)}; predict them anew")
    rows = predictions[predictions["target"] != ""]
    if rows.empty:
        raise DataError("none of the predictions has a label, so they can't be scored")
    scores = scores_of(rows, classes)
    if not np.isfinite(scores).all():
        broken = int((~np.isfinite(scores).all(axis=1)).sum())
        raise DataError(f"{broken} of {len(rows)} predictions have scores that are not numbers")
    predicted = grades_of(rows["predicted"], classes)
    if (predicted < 0).any():
        raise DataError(f"{(predicted < 0).sum()} of {len(rows)} labelled rows are not predicted")
    return grades_of(rows["target"], classes), predicted, scores


def auroc(positive: np.ndarray, scores: np.ndarray) -> float | None:
    """Return the area under the ROC curve; None unless there are positive and negative cases."""
    if positive.all() or not positive.any():
        return None
    return float(roc_auc_score(positive, scores))


def overall_table(scores: Scores) -> list[tuple[str, float | int | None]]:
    """Return the rows of `OVERALL_COLUMNS`: the number of images, then each overall score."""
    return [("images", scores["n"]), *((LABELS[k], v) for k, v in scores["overall"].items())]


def per_class_table(scores: Scores) -> list[tuple[str | float | int | None, ...]]:
    """Return the rows of `PER_CLASS_COLUMNS`, one a class."""
    return [
        (name, *(scores["per_class"][name][column] for column in PER_CLASS))
        for name in scores["classes"]
    ]


def flat(scores: Scores) -> dict[str, float | int | None]:
    """Return one level of names for a row of a CSV file: ``accuracy``, ``sensitivity_COVID``."""
    per_class = {
        f"{column}_{name}": scores["per_class"][name][column]
        for name in scores["classes"]
        for column in PER_CLASS
    }
    return {"n": scores["n"], **scores["overall"], **per_class}


def _overall(
    true: np.ndarray, scores: np.ndarray, confusion: np.ndarray, per_class: dict[str, Scores]
) -> dict[str, float | None]:
    several = len(np.unique(true)) > 1
    areas = [rates["auroc"] for rates in per_class.values()]
    return {
        "accuracy": float(np.trace(confusion) / len(true)),
        "balanced_accuracy": _mean(per_class, "sensitivity") if several else None,
        "macro_f1": _mean(per_class, "f1") if several else None,
        "auroc": areas[-1] if len(areas) == 2 else _mean(per_class, "auroc"),
        "log_loss": _log_loss(true, scores),
        "brier": _brier(true, scores),
    }


def _rates(confusion: np.ndarray, place: int) -> dict[str, float | int | None]:
    """Return what the confusion matrix says about one class against all others."""
    hits = int(confusion[place, place])
    missed = int(confusion[place].sum()) - hits
    false_alarms = int(confusion[:, place].sum()) - hits
    rejected = int(confusion.sum()) - hits - missed - false_alarms
    return {
        "n": hits + missed,
        "prevalence": _share(hits + missed, rejected + false_alarms),
        "sensitivity": _share(hits, missed),
        "specificity": _share(rejected, false_alarms),
        "ppv": _share(hits, false_alarms),
        "npv": _share(rejected, missed),
        "f1": _share(2 * hits, missed + false_alarms),
    }


def _share(these: int, others: int) -> float | None:
    return these / (these + others) if these + others else None


def _mean(per_class: dict[str, Scores], name: str) -> float | None:
    """Return the mean over the classes for which the score can be estimated."""
    known = [rates[name] for rates in per_class.values() if rates[name] is not None]
    return float(np.mean(known)) if known else None


def _log_loss(true: np.ndarray, scores: np.ndarray) -> float:
    likelihood = scores[np.arange(len(true)), true]
    return float(-np.log(np.maximum(likelihood, np.finfo(float).eps)).mean())


def _brier(true: np.ndarray, scores: np.ndarray) -> float:
    squares = (scores - np.eye(scores.shape[1])[true]) ** 2
    return float(squares.sum(axis=1).mean() / (2 if scores.shape[1] == 2 else 1))


def _distances(true: np.ndarray, predicted: np.ndarray, classes: int) -> dict[str, float | None]:
    distance = np.abs(true - predicted)
    return {
        "kappa": _kappa(true, predicted, classes),
        "mae": float(distance.mean()),
        "within_one": float((distance <= 1).mean()),
    }


def _kappa(true: np.ndarray, predicted: np.ndarray, classes: int) -> float | None:
    """Return quadratic weighted kappa; None if all true or all predicted grades are the same."""
    if min(len(np.unique(true)), len(np.unique(predicted))) < 2:
        return None
    return float(cohen_kappa_score(true, predicted, labels=range(classes), weights="quadratic"))
