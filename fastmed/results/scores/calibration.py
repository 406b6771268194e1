"""Scores of probabilities: calibration slope and intercept, ECE, net benefit."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

BINS = 15
_EDGE = 1e-12  # probabilities nearer to 0 and 1 are taken for this
_STEPS, _SMALL = 60, 1e-9


class NetBenefit(NamedTuple):
    """Net benefit of treating by the score, and of treating all; that of treating none is 0."""

    model: float
    treat_all: float


def logits(scores: np.ndarray) -> np.ndarray:
    """Return log odds of probabilities, (n,)."""
    inside = np.clip(np.asarray(scores, dtype=float), _EDGE, 1 - _EDGE)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def sigmoid(values: np.ndarray) -> np.ndarray:
    """Return probabilities of log odds, without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * values)))


def calibration_line(positive: np.ndarray, scores: np.ndarray) -> tuple[float, float] | None:
    """Return intercept and slope of the logistic regression of the outcome on the log odds.

    A slope below 1 says that the scores are too extreme (Cox, 1958; Van Calster et al., 2019).

    Args:
        positive: (n,) bool.
        scores: (n,) probabilities.

    Returns:
        None where the fit has no end: one outcome, all scores alike, or scores that part the
        outcomes without fault.
    """
    odds = logits(scores)
    if positive.all() or not positive.any() or np.ptp(odds) == 0:
        return None
    found = _fit(np.stack([np.ones_like(odds), odds], axis=1), positive, np.zeros_like(odds))
    return None if found is None else (float(found[0]), float(found[1]))


def calibration_slope(positive: np.ndarray, scores: np.ndarray) -> float | None:
    """Return the slope of `calibration_line`; 1 is ideal."""
    line = calibration_line(positive, scores)
    return None if line is None else line[1]


def calibration_intercept(positive: np.ndarray, scores: np.ndarray) -> float | None:
    """Return how much too low the log odds are as a whole, the slope being held at 1; 0 is ideal.

    This is calibration in the large. None with one outcome.
    """
    if positive.all() or not positive.any():
        return None
    odds = logits(scores)
    found = _fit(np.ones((len(odds), 1)), positive, odds)
    return None if found is None else float(found[0])


def _fit(columns: np.ndarray, positive: np.ndarray, offset: np.ndarray) -> np.ndarray | None:
    """Return the coefficients of a logistic regression by Newton's method; None if it diverges."""
    found, loss = np.zeros(columns.shape[1]), _loss(columns, positive, offset)
    for _ in range(_STEPS):
        chance = sigmoid(columns @ found + offset)
        curvature = columns.T @ (columns * (chance * (1 - chance))[:, None])
        try:
            step = np.linalg.solve(curvature, columns.T @ (positive - chance))
        except np.linalg.LinAlgError:
            return None
        found, before = found + step, loss(found)
        while not loss(found) <= before * (1 + _SMALL) and np.abs(step).max() > _SMALL:
            step = step / 2
            found = found - step
        if np.abs(step).max() < _SMALL * (1 + np.abs(found).max()):
            return np.asarray(found)
    return None


def _loss(
    columns: np.ndarray, positive: np.ndarray, offset: np.ndarray
) -> Callable[[np.ndarray], float]:
    signs = np.where(positive, -1.0, 1.0)
    return lambda found: float(np.logaddexp(0, signs * (columns @ found + offset)).sum())


def equal_mass_bins(scores: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Return for each score, (n,), one of the bins of equally many; equal scores share a bin."""
    edges = np.quantile(scores, np.arange(1, bins) / bins, method="inverted_cdf")
    return np.searchsorted(np.unique(edges), scores, side="left")


def expected_calibration_error(positive: np.ndarray, scores: np.ndarray, bins: int = BINS) -> float:
    """Return how far mean score and share of cases lie apart, averaged over bins of equal mass.

    Equal mass keeps the bins from being nearly empty (Nixon et al., 2019).

    Args:
        positive: (n,) bool.
        scores: (n,) probabilities.
        bins: how many.
    """
    surplus = np.bincount(equal_mass_bins(scores, bins), positive - scores)
    return float(np.abs(surplus).sum() / len(scores))


def net_benefit(positive: np.ndarray, scores: np.ndarray, threshold: float) -> NetBenefit:
    """Return the net benefit of treating whoever scores the threshold or more.

    Cases found, less false alarms weighted by the odds of the threshold, for each patient (Vickers
    and Elkin, 2006).

    Args:
        positive: (n,) bool.
        scores: (n,) probabilities.
        threshold: above 0 and below 1: from what chance of the disease treating is worth it.
    """
    odds, treated = threshold / (1 - threshold), scores >= threshold
    gained = np.mean(treated & positive) - odds * np.mean(treated & ~positive)
    share = float(np.mean(positive))
    return NetBenefit(float(gained), share - odds * (1 - share))
