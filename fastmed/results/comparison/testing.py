"""Tests of differences between two runs on the same images."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import binomtest


def mcnemar(first: np.ndarray, second: np.ndarray) -> float | None:
    """Return the exact p of McNemar's test; None if no image is right in one run alone.

    McNemar (1947): of the images that one run alone gets right, each has half of them by chance.

    Args:
        first, second: (n,) bool, which of independent images are right.
    """
    gained, lost = int((second & ~first).sum()), int((first & ~second).sum())
    return float(binomtest(gained, gained + lost).pvalue) if gained + lost else None


def bootstrap_p(differences: np.ndarray) -> float | None:
    """Return twice the share of resamples on the other side of 0; None if none can be told.

    It is below 0.05 where the percentile interval leaves 0 out (Efron and Tibshirani, 1993).
    """
    known = differences[~np.isnan(differences)]
    if not len(known) or not np.any(known != 0):
        return None
    least = min((known <= 0).sum(), (known >= 0).sum()) + 1
    return float(min(2 * least / (len(known) + 1), 1.0))


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Return p adjusted for their number, in their order (Holm, 1979); None stays None.

    The least is multiplied by the number of tests, the next by one less, and none is below the
    one before it.
    """
    known = sorted((p, place) for place, p in enumerate(ps) if p is not None)
    adjusted: list[float | None] = [None] * len(ps)
    last = 0.0
    for rank, (p, place) in enumerate(known):
        last = max(last, min((len(known) - rank) * p, 1.0))
        adjusted[place] = last
    return adjusted
