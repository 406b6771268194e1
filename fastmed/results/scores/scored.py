"""All scores of a predictions table, and their intervals."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix, roc_auc_score

from fastmed.results.intervals.wilson import LEVEL
from fastmed.results.scores.limits import Chooser, Limits
from fastmed.results.scores.measures import Measures
from fastmed.results.scores.names import LABELS, OF_CLASSES, OVERALL, PER_CLASS, Address
from fastmed.results.scores.options import ScoreOptions
from fastmed.results.scores.sample import Dichotomy, Sample, sample_of
from fastmed.settings.scores import REFERABLE

Scores = dict[str, Any]


def score(
    predictions: pd.DataFrame,
    classes: Sequence[str],
    goal: str,
    options: ScoreOptions | None = None,
) -> Scores:
    """Return all scores of the labelled rows and their 95% intervals, ready for JSON.

    A number has one address: ``overall/SCORE``, ``per_class/CLASS/SCORE``, and with a referable
    grade ``referable/SCORE``. Beside them ``intervals`` has ``[low, high]`` at the same address,
    and ``methods`` what the interval was made by. What can't be estimated is None; a limit that
    is infinite is None, too. ``n``, ``patients``, ``goal``, ``classes``, ``confusion`` (rows are
    the true classes) and ``options`` (what was asked for) say what the scores are of.

    - With fewer than two true classes only accuracy, log loss, Brier score, ECE, costs and the
      distances of grades can be estimated overall.
    - Balanced accuracy, AUROC, average precision and ECE are means over the classes that occur;
      macro F1 also counts classes that are predicted and don't occur (as 0), and leaves out
      those that do neither. With two classes AUROC, average precision and ECE are the last's.
    - Per class: no sensitivity without such cases, no specificity without others, no PPV (NPV)
      where the class is never (always) predicted, no likelihood ratio that would be infinite.
    - The Brier score is the mean sum of squared errors over the classes, and half of it with two
      classes, where it is the usual score of a probability (Brier, 1950).
    - Kappa has quadratic weights over all grades, also those that don't occur.

    Args:
        predictions: the predictions table.
        classes: their names; for grades in ascending order.
        goal: ``category`` or ``grade``.
        options: what else the scores are to know; None asks for nothing more.

    Raises:
        DataError: no row has a label, a column is missing, or a score is not a number.
    """
    return score_sample(sample_of(predictions, classes, goal), options or ScoreOptions())


def score_sample(sample: Sample, options: ScoreOptions) -> Scores:
    """Return all scores of a sample, as `score` does."""
    measures = Measures(sample, options)
    found = {address: float(values[0]) for address, values in measures.once().items()}
    limits = Chooser(measures, found).all()
    values: dict[Address, Any] = {
        address: value if np.isfinite(value) else None for address, value in found.items()
    }
    tree = _tree(values)
    for name, of in sample.dichotomies():
        tree[OF_CLASSES][name] = _ordered({**_counts(sample, of), **tree[OF_CLASSES][name]})
    if options.referable is not None:
        counts = _counts(sample, sample.from_grade(sample.classes.index(options.referable)))
        tree[REFERABLE] = {"from": options.referable, **_ordered({**counts, **tree[REFERABLE]})}
    tree[OVERALL] = {name: tree[OVERALL][name] for name in LABELS if name in tree[OVERALL]}
    places = range(len(sample.classes))
    return {
        "n": sample.size,
        "patients": sample.patient_count,
        "goal": sample.goal,
        "classes": list(sample.classes),
        "options": options.told(),
        **tree,
        "confusion": confusion_matrix(sample.true, sample.predicted, labels=places).tolist(),
        **_intervals(limits, options),
    }


def auroc(positive: np.ndarray, scores: np.ndarray) -> float | None:
    """Return the area under the ROC curve; None unless there are positive and negative cases."""
    if positive.all() or not positive.any():
        return None
    return float(roc_auc_score(positive, scores))


def _counts(sample: Sample, of: Dichotomy) -> dict[str, int]:
    return {"n": int(of.positive.sum()), "patients": sample.patients_of(of.positive)}


def _ordered(scores: Mapping[str, Any]) -> dict[str, Any]:
    names = ["n", "patients", *PER_CLASS[1:]]
    return {name: scores[name] for name in names if name in scores}


def _tree(leaves: Mapping[Address, Any]) -> dict[str, Any]:
    """Return nested tables, in which each leaf stands at its address."""
    tree: dict[str, Any] = {}
    for address, leaf in leaves.items():
        place = tree
        for step in address[:-1]:
            place = place.setdefault(step, {})
        place[address[-1]] = leaf
    return tree


def _intervals(limits: Mapping[Address, Limits | None], options: ScoreOptions) -> dict[str, Any]:
    if not options.resamples:
        return {}
    found = {at: list(one.interval) if one else None for at, one in limits.items()}
    methods = {at: one.method if one else None for at, one in limits.items()}
    how = {"level": LEVEL, "resamples": options.resamples, "seed": options.seed}
    return {"intervals": {**how, **_tree(found)}, "methods": _tree(methods)}
