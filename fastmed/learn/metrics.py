"""Metrics on the validation part after each epoch; a new one is one function and one line.

They steer and show a training. The scores that are reported come from the predictions table.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from fastai.metrics import AccumMetric, ActivationType
from sklearn import metrics

from fastmed.task import METRICS_OF, Task


@dataclass(frozen=True)
class Rule:
    """How a metric is computed from (targets, outputs, classes), and which direction is better."""

    compute: Callable[[np.ndarray, np.ndarray, int], float]
    higher_is_better: bool = True


def _accuracy(targets: np.ndarray, outputs: np.ndarray, classes: int) -> float:
    return float(np.mean(targets == _decided(outputs, classes)))


def _balanced_accuracy(targets: np.ndarray, outputs: np.ndarray, classes: int) -> float:
    decided = _decided(outputs, classes)
    present = np.unique(targets)
    return float(np.mean([np.mean(decided[targets == one] == one) for one in present]))


def _macro_f1(targets: np.ndarray, outputs: np.ndarray, classes: int) -> float:
    decided = _decided(outputs, classes)
    seen = np.union1d(targets, decided)
    return float(metrics.f1_score(targets, decided, labels=seen, average="macro", zero_division=0))


def _auroc(targets: np.ndarray, outputs: np.ndarray, classes: int) -> float:
    """Return the mean one-vs-rest area over the classes for which it can be estimated."""
    columns = [1] if classes == 2 else range(classes)
    areas = [
        metrics.roc_auc_score(targets == one, outputs[:, one])
        for one in columns
        if 0 < np.sum(targets == one) < len(targets)
    ]
    return float(np.mean(areas)) if areas else float("nan")


def _kappa(targets: np.ndarray, outputs: np.ndarray, classes: int) -> float:
    decided, labels = _decided(outputs, classes), list(range(classes))
    return float(metrics.cohen_kappa_score(targets, decided, labels=labels, weights="quadratic"))


def _mae(targets: np.ndarray, outputs: np.ndarray, classes: int) -> float:
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
    category, classes, rule = task.goal == "category", len(task.classes), METRICS[name]
    return AccumMetric(
        lambda targets, outputs: rule.compute(targets, outputs, classes),
        dim_argmax=-1 if category else None,
        activation=ActivationType.Softmax if category else ActivationType.No,
        to_np=True,
        invert_arg=True,
        flatten=False,
        name=name,
    )


def _decided(outputs: np.ndarray, classes: int) -> np.ndarray:
    """Return class positions: of the highest score (n, K), or of rounded values (n,) or (n, 1)."""
    if outputs.ndim == 2 and outputs.shape[1] > 1:
        return outputs.argmax(axis=1)
    return np.clip(np.floor(outputs.reshape(-1) + 0.5), 0, classes - 1).astype(int)
