"""From a network's outputs to probabilities and decisions, as the validation part fits them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp, softmax

from fastmed import grades
from fastmed.errors import DataError
from fastmed.task import Task

TEMPERATURES = (0.1, 10.0)  # the smallest and the largest that is fitted
TINY = 1e-12  # a probability below it counts as it


class Shares(NamedTuple):
    """Shares of the classes, (K,): what is, and what the training met."""

    natural: np.ndarray  # of the training part before it was balanced
    trained: np.ndarray  # as the loss counted them

    @property
    def weights(self) -> np.ndarray:
        """How much more often a class was met than it occurs, (K,); 1 where nothing is known."""
        known = (self.natural > 0) & (self.trained > 0)
        ones = np.ones(len(known))
        return np.asarray(np.divide(self.trained, self.natural, out=ones, where=known))


@dataclass(frozen=True)
class Calibration:
    """How outputs of a network become probabilities and decisions.

    Outputs are probabilities (n, K), or values of plain grades (n,). Views and networks are
    averaged before.

    Attributes:
        temperature: logarithms of probabilities are divided by it; 1 changes nothing.
        weights: (K,), how much more often each class was met in training than it occurs, which is
            taken back before the temperature; None takes nothing back.
        shares: (K,), of the classes, that the probabilities mean; None if they are unknown.
        prevalence: (K,), shares of the classes where the images come from; None is ``shares``.
        cut_points: (K - 1,), for grades: where the next one begins; None for categories.
        scale: of plain grades: the spread of their probabilities, which is their temperature.
    """

    temperature: float = 1.0
    weights: np.ndarray | None = None
    shares: np.ndarray | None = None
    prevalence: np.ndarray | None = None
    cut_points: np.ndarray | None = None
    scale: float = 1.0

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Return the probability of each class, (n, K); rows sum to 1."""
        if outputs.ndim == 1:
            scores = grades.grade_scores(outputs, self._cut_points, self.scale)
        else:
            scores = outputs
        if self.temperature == 1 and self.weights is None and self.prevalence is None:
            return scores
        logs = logits_of(scores, self.weights) / self.temperature
        return np.asarray(softmax(logs + self._shift(scores.shape[1]), axis=1))

    def decisions(self, outputs: np.ndarray) -> np.ndarray:
        """Return the position of the decided class, (n,) int64.

        Grades are decided by the cut points. A category is the one with the highest output of the
        network: what a balanced training says is which mistakes weigh more, and that is heeded
        although the probabilities are corrected for it. A prevalence shifts both alike.
        """
        if self.cut_points is not None:
            return grades.to_grades(grades.values_of(outputs), self.cut_points)
        if self.prevalence is None:
            return np.asarray(outputs.argmax(axis=1))
        logs = logits_of(outputs) + self.temperature * self._shift(outputs.shape[1])
        return np.asarray(logs.argmax(axis=1))

    def decided(self, probabilities: np.ndarray) -> np.ndarray:
        """Return the position of the decided class, (n,) int64, of probabilities (n, K).

        They are those that this calibration gave, or means of such over a patient's images. What
        `decisions` says of outputs, this says of their probabilities.
        """
        logs = self.temperature * logits_of(probabilities)
        if self.weights is not None:
            logs = logs + np.log(self.weights)
        return np.asarray(logs.argmax(axis=1))

    def at_prevalence(self, prevalence: np.ndarray) -> "Calibration":
        """Return the same for a place with other shares of the classes, (K,) (Saerens, 2002).

        Raises:
            DataError: it isn't known what shares the probabilities mean.
        """
        if self.shares is None:
            raise DataError(
                "it isn't known what class shares these probabilities mean, so that they can't be "
                "corrected to others; `fastmed evaluate RUN --split valid` finds out"
            )
        if not (self.shares > 0).all():
            raise DataError("a class had no image in training, so nothing is known of its share")
        return replace(self, prevalence=prevalence)

    @property
    def _cut_points(self) -> np.ndarray:
        if self.cut_points is None:
            raise DataError("values of grades have no cut points")
        return self.cut_points

    def _shift(self, classes: int) -> np.ndarray:
        if self.prevalence is None or self.shares is None:
            return np.zeros(classes)
        return np.asarray(np.log(self.prevalence) - np.log(self.shares))


def logits_of(scores: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Return logarithms of probabilities (n, K), each class's divided by its weight before."""
    logs = np.log(np.maximum(scores, TINY))
    return np.asarray(logs if weights is None else logs - np.log(weights))


def fit_temperature(
    scores: np.ndarray, true: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """Return the temperature that makes the true classes most likely (Guo et al., 1706.04599).

    Args:
        scores: probabilities (n, K).
        true: positions of the true classes, (n,); -1 where there is none. Without any it is 1.
        weights: as of `Calibration`.

    Raises:
        DataError: a score is not a number.
    """
    broken = int((~np.isfinite(scores).all(axis=1)).sum())
    if broken:
        raise DataError(
            f"{broken} of {len(scores)} predictions are not finite numbers; the training may have "
            "diverged, try a smaller learning rate"
        )
    known = np.flatnonzero(true >= 0)
    if not len(known):
        return 1.0
    logits, true = logits_of(scores[known], weights), true[known]
    chosen = logits[np.arange(len(true)), true]

    def surprise(inverse: float) -> float:
        return float((logsumexp(logits * inverse, axis=1) - chosen * inverse).mean())

    # It is convex in the inverse, so a bounded search finds its one minimum.
    limits = (1 / TEMPERATURES[1], 1 / TEMPERATURES[0])
    found = minimize_scalar(surprise, bounds=limits, method="bounded", options={"xatol": 1e-9})
    return float(1 / found.x)


def fit_calibration(
    task: Task, outputs: np.ndarray, true: np.ndarray, shares: Shares
) -> Calibration:
    """Return what the labelled outputs (n, K) or (n,) of a task's network say about them.

    Args:
        task: says how grades are cut, and whether anything else is calibrated.
        outputs: of the network, the mean over views.
        true: positions of the true classes, (n,); -1 where there is none.
        shares: of the classes.
    """
    start = uncalibrated(task, outputs, true, shares)
    if not task.predict.calibrate or outputs.ndim == 1:
        return start
    weights = shares.weights if corrects_shares(task) else None
    return replace(
        start,
        temperature=fit_temperature(outputs, true, weights),
        weights=weights,
        shares=shares.trained if weights is None else shares.natural,
    )


def uncalibrated(task: Task, outputs: np.ndarray, true: np.ndarray, shares: Shares) -> Calibration:
    """Return the probabilities of the network itself; for grades, cut points are fitted.

    Args and errors are those of `fit_calibration`. Plain grades have no probabilities before their
    scale is fitted.
    """
    plain = outputs.ndim == 1
    given = shares.natural if plain else shares.trained
    if task.goal == "category":
        return Calibration(shares=given)
    values = grades.values_of(outputs)
    cut_points = grades.fit_cut_points(values, true, len(task.classes), task.cut_points)
    scale = grades.fit_scale(values, true, cut_points) if plain else 1.0
    return Calibration(shares=given, cut_points=cut_points, scale=scale)


def corrects_shares(task: Task) -> bool:
    """True if probabilities are corrected for what a balanced training made of class shares."""
    return task.balance.method != "none" and task.predict.prior != "balanced"


Fit = Callable[[Task, np.ndarray, np.ndarray, Shares], Calibration]


def cross_fitted(
    task: Task,
    outputs: np.ndarray,
    true: np.ndarray,
    groups: np.ndarray,
    shares: Shares,
    *,
    fit: Fit = fit_calibration,
) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities (n, K) and decisions (n,) by calibrations that never saw the patient.

    The rows are parted into up to five stratified folds, grouped by patient; each fold is
    calibrated by the others. With one patient nothing is fitted. Rows without a true class take
    what all others say.

    Args:
        task, outputs, true, shares: as for `fit_calibration`.
        groups: the patient of each row, (n,).
        fit: `fit_calibration` or `uncalibrated`.
    """
    whole = fit(task, outputs, true, shares)
    scores, decided = whole.probabilities(outputs).copy(), whole.decisions(outputs)
    known = np.flatnonzero(true >= 0)
    for rest, fold in grades.folds(true[known], groups[known], task.split.seed):
        rows, fitted_on = known[fold], known[rest]
        fitted = fit(task, outputs[fitted_on], true[fitted_on], shares)
        scores[rows] = fitted.probabilities(outputs[rows])
        decided[rows] = fitted.decisions(outputs[rows])
    return scores, decided
