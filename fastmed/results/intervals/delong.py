"""DeLong's variance of AUROC, by midranks, in O(n log n)."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, rankdata

from fastmed.results.intervals.wilson import LEVEL


@dataclass(frozen=True)
class Areas:
    """The areas of several scores of the same patients, and how they vary together.

    Attributes:
        values: (k,) areas under the ROC curve.
        covariance: (k, k), not a number with fewer than two cases or two others.
    """

    values: np.ndarray
    covariance: np.ndarray


def delong(positive: np.ndarray, scores: np.ndarray) -> Areas:
    """Return areas and their covariance, for independent patients with one score each.

    DeLong, DeLong and Clarke-Pearson (1988), computed by the midranks of Sun and Xu (2014).

    Args:
        positive: (n,) bool; cases, at least one, and others, at least one.
        scores: (n,) or (k, n); higher speaks for a case.
    """
    scores = np.atleast_2d(scores)
    cases, others = scores[:, positive], scores[:, ~positive]
    m, n = cases.shape[1], others.shape[1]
    together = rankdata(scores, axis=1)
    # The share of others below each case, and of cases above each other image.
    of_cases = (together[:, positive] - rankdata(cases, axis=1)) / n
    of_others = 1 - (together[:, ~positive] - rankdata(others, axis=1)) / m
    if min(m, n) < 2:
        unknown = np.full((len(scores), len(scores)), np.nan)
        return Areas(of_cases.mean(axis=1), unknown)
    covariance = np.atleast_2d(np.cov(of_cases)) / m + np.atleast_2d(np.cov(of_others)) / n
    return Areas(of_cases.mean(axis=1), covariance)


def area_interval(
    positive: np.ndarray, scores: np.ndarray, level: float = LEVEL
) -> tuple[float, float] | None:
    """Return the interval of the area of scores (n,), within 0 and 1; None if it has no width."""
    areas = delong(positive, scores)
    deviation = float(np.sqrt(areas.covariance[0, 0]))
    if not deviation > 0:
        return None
    half = float(norm.ppf((1 + level) / 2)) * deviation
    area = float(areas.values[0])
    return max(0.0, area - half), min(1.0, area + half)


@dataclass(frozen=True)
class AreaTest:
    """Two areas of the same patients: ``difference``, its interval, ``z`` and ``p``."""

    difference: float
    low: float
    high: float
    z: float
    p: float


def paired_test(
    positive: np.ndarray, first: np.ndarray, second: np.ndarray, level: float = LEVEL
) -> AreaTest | None:
    """Return DeLong's test of two scores (n,) of the same patients; None if they never differ."""
    areas = delong(positive, np.stack([first, second]))
    difference = float(areas.values[0] - areas.values[1])
    own = areas.covariance
    deviation = float(np.sqrt(max(own[0, 0] + own[1, 1] - 2 * own[0, 1], 0)))
    if not deviation > 1e-12:
        return None
    half, z = float(norm.ppf((1 + level) / 2)) * deviation, difference / deviation
    p = float(2 * norm.sf(abs(z)))
    return AreaTest(difference, difference - half, difference + half, z, p)
