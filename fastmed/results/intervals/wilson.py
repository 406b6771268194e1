"""Intervals of proportions."""

import numpy as np
from scipy.stats import norm

LEVEL = 0.95
Interval = tuple[float | None, float | None]


def wilson(successes: float, trials: float, level: float = LEVEL) -> tuple[float, float]:
    """Return the score interval of a proportion; it never has zero width (Wilson, 1927).

    Args:
        successes, trials: counts; fractions stand for an effective number of trials.
        level: how often the interval holds the true proportion.
    """
    z = float(norm.ppf((1 + level) / 2))
    share = successes / trials
    center = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2)) / (1 + z**2 / trials)
    low = 0.0 if successes == 0 else max(0.0, float(center - half))
    return low, 1.0 if successes == trials else min(1.0, float(center + half))


def wilson_of_patients(
    success: np.ndarray, patients: np.ndarray, level: float = LEVEL
) -> tuple[float, float]:
    """Return Wilson's interval of a share of images, several of which may be of one patient.

    The number of trials is the one that would give independent images the variance that shares
    of patients have (Rao and Scott, 1992). Where all images agree it is the number of patients.

    Args:
        success: (n,) bool, one an image.
        patients: (n,) any key of the image's patient.
        level: how often the interval holds the true proportion.
    """
    images = len(success)
    _, place = np.unique(patients, return_inverse=True)
    share, groups = float(np.mean(success)), int(place.max()) + 1
    if share in (0.0, 1.0) or groups < 2:
        return wilson(share * groups, groups, level)
    surplus = np.bincount(place, success - share)
    variance = float((surplus**2).sum()) / images**2 * groups / (groups - 1)
    effective = min(share * (1 - share) / variance if variance else images, images)
    return wilson(share * effective, effective, level)


def perfect_limit(trials: int, level: float = LEVEL, among: int = 1) -> float:
    """Return the exact lower limit of a proportion of which every trial succeeded.

    It is that of Clopper and Pearson (1934). It also bounds an AUROC of 1: the smaller class
    gives as many pairs of a case and another without a patient in common, and each is in order.

    Args:
        trials: how many succeeded.
        level: of the two-sided interval whose lower limit this is.
        among: of how many limits the mean is taken; each is held to so much smaller an error.
    """
    return float(((1 - level) / 2 / among) ** (1 / trials))
