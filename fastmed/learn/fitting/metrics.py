"""Metrics on the validation part after each epoch; a new one is one function and one line.

They steer and show a training. The scores that are reported come from the predictions table.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from fastai.metrics import AccumMetric
from sklearn import metrics

from fastmed.grades import fit_cut_points, to_grades
from fastmed.learn.outputs import expected_grade, read_outputs
from fastmed.settings.predict import CutRule
from fastmed.task import METRICS_OF, Task


@dataclass(frozen=True)
class Rule:
    """How a metric is computed, and which direction is better.

    Attributes:
        compute: from targets (n,), scores (n, K) or values of grades (n,), the number of classes,
            and how values become grades.
    """

    compute: Callable[..., float]
    higher_is_better: bool = True


def _accuracy(
    targets: np.ndarray, outputs: np.ndarray, classes: int, cut_rule: CutRule = "round"
) -> float:
    return float(np.mean(targets == _decided(targets, outputs, classes, cut_rule)))


def _balanced_accuracy(
    targets: np.ndarray, outputs: np.ndarray, classes: int, cut_rule: CutRule = "round"
) -> float:
    decided = _decided(targets, outputs, classes, cut_rule)
    present = np.unique(targets)
    return float(np.mean([np.mean(decided[targets == one] == one) for one in present]))


def _macro_f1(
    targets: np.ndarray, outputs: np.ndarray, classes: int, cut_rule: CutRule = "round"
) -> float:
    decided = _decided(targets, outputs, classes, cut_rule)
    seen = np.union1d(targets, decided)
    return float(metrics.f1_score(targets, decided, labels=seen, average="macro", zero_division=0))


def _auroc(
    targets: np.ndarray, outputs: np.ndarray, classes: int, cut_rule: CutRule = "round"
) -> float:
    """Return the mean one-vs-rest area over the classes for which it can be estimated."""
    columns = [1] if classes == 2 else range(classes)
    areas = [
        metrics.roc_auc_score(targets == one, outputs[:, one])
        for one in columns
        if 0 < np.sum(targets == one) < len(targets)
    ]
    return float(np.mean(areas)) if areas else float("nan")


def _kappa(
    targets: np.ndarray, outputs: np.ndarray, classes: int, cut_rule: CutRule = "round"
) -> float:
    decided, labels = _decided(targets, outputs, classes, cut_rule), list(range(classes))
    return float(metrics.cohen_kappa_score(targets, decided, labels=labels, weights="quadratic"))


def _mae(
    targets: np.ndarray, outputs: np.ndarray, classes: int, cut_rule: CutRule = "round"
) -> float:
    return float(np.mean(np.abs(outputs.reshape(-1) - targets)))


METRICS: dict[str, Rule] = {
    "accuracy": Rule(_accuracy),
    "balanced_accuracy": Rule(_balanced_accuracy),
    "macro_f1": Rule(_macro_f1),
    "auroc": Rule(_auroc),
    "kappa": Rule(_kappa),
    "mae": Rule(_mae, higher_is_better=False),
}


def higher_is_better(name: str) -> bool:
    """True if a larger value of the metric is better; losses are better small."""
    return name in METRICS and METRICS[name].higher_is_better


def make_metrics(task: Task) -> list[AccumMetric]:
    """Return fastai metrics of every metric that fits the task's goal."""
    names = [name for name in METRICS_OF[task.goal] if name in METRICS]
    return [_fastai_metric(name, task) for name in names]


def _fastai_metric(name: str, task: Task) -> AccumMetric:
    classes, rule = len(task.classes), METRICS[name]

    def compute(targets: np.ndarray, outputs: np.ndarray) -> float:
        read = read_outputs(task, torch.from_numpy(outputs).float())
        read = expected_grade(read) if task.ordinal else read
        return rule.compute(targets, read.numpy(), classes, task.cut_points)

    return AccumMetric(
        compute,
        to_np=True,
        invert_arg=True,
        flatten=False,
        name=name,
    )


def _decided(
    targets: np.ndarray, outputs: np.ndarray, classes: int, cut_rule: CutRule
) -> np.ndarray:
    """Return class positions: of the highest score (n, K), or of values (n, 1) at cut points.

    Cut points are fitted on these very values, as they will be after the training; so an epoch is
    not refused for a scale that is shifted, but the metric is a little optimistic.
    """
    if outputs.ndim == 2 and outputs.shape[1] > 1:
        return outputs.argmax(axis=1)
    values = np.nan_to_num(outputs.reshape(-1).astype(np.float64))
    positions = targets.astype(np.int64)
    return to_grades(values, fit_cut_points(values, positions, classes, cut_rule))
