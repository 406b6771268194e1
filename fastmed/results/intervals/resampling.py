"""Patients drawn anew, and intervals from what they give."""

from collections.abc import Iterator

import numpy as np
from scipy.stats import norm

from fastmed.results.intervals.wilson import LEVEL, Interval

RESAMPLES = 2000
UNDEFINED = 0.05  # of the resamples, in which a score may be undefined
_CELLS = 4_000_000  # of a table of weights in memory at once


def patient_weights(
    strata: np.ndarray, resamples: int, seed: int, columns: int = 0
) -> Iterator[np.ndarray]:
    """Yield how often each patient is drawn, (some resamples, patients) uint16.

    As many patients as there are of each stratum are drawn from it, with replacement.

    Args:
        strata: (patients,) which outcome each patient is counted with.
        resamples: in all.
        seed: the same one gives the same draws.
        columns: of the widest table that is made of the weights; it bounds the memory.
    """
    generator = np.random.default_rng(seed)
    members = [np.flatnonzero(strata == one) for one in np.unique(strata)]
    most = max(_CELLS // max(len(strata), columns, 1), 1)
    for start in range(0, resamples, most):
        count = min(most, resamples - start)
        weights = np.empty((count, len(strata)), dtype=np.uint16)
        for one in members:
            weights[:, one] = _draws(generator, len(one), count)
        yield weights


def _draws(generator: np.random.Generator, size: int, count: int) -> np.ndarray:
    drawn = generator.integers(0, size, (count, size))
    drawn += np.arange(count)[:, None] * size
    return np.bincount(drawn.ravel(), minlength=count * size).reshape(count, size)


def percentile(values: np.ndarray, level: float = LEVEL) -> Interval | None:
    """Return the limits between which the middle of the resampled values lies.

    A limit that is infinite is None, as that of a likelihood ratio can be. The whole is None if
    the score is undefined in more than `UNDEFINED` of the resamples, or the same in all others.

    Args:
        values: (resamples,); not a number where the score is undefined.
        level: the share of the resamples between the limits.
    """
    known = np.sort(values[~np.isnan(values)])
    if len(known) < max((1 - UNDEFINED) * len(values), 2):
        return None
    tail = (1 - level) / 2 * (len(known) + 1)
    low = known[max(int(np.floor(tail)) - 1, 0)]
    high = known[min(int(np.ceil(len(known) + 1 - tail)) - 1, len(known) - 1)]
    if np.isclose(low, high, rtol=1e-12, atol=1e-15):
        return None
    return _finite(low), _finite(high)


def _finite(limit: float) -> float | None:
    return float(limit) if np.isfinite(limit) else None


def mirrored(values: np.ndarray, found: float, level: float = LEVEL) -> Interval | None:
    """Return the limits for a sum of absolute differences, which noise makes larger.

    A resample has the noise of the sample and that of resampling, whose squares add up. So the
    squares of the resampled values are mirrored at that of the one that was found, which takes the
    noise off again: the basic bootstrap (Davison and Hinkley, 1997), on the scale of squares. The
    limits hold what was found.
    """
    least, most = percentile(values, level) or (None, None)
    if least is None or most is None:
        return None
    low, high = (max(2 * found**2 - limit**2, 0.0) ** 0.5 for limit in (most, least))
    return min(float(low), found), max(float(high), found)


def on_log_odds(values: np.ndarray, found: float, level: float = LEVEL) -> Interval | None:
    """Return the limits for a score within 0 and 1 whose resamples are too large, but as spread.

    Average precision is one: a case that is drawn twice lifts the precision of both. The deviation
    of the resampled scores is laid around the log odds of the one that was found, where it is
    larger by the slope of the log odds (Boyd, Eng and Page, 2013, on intervals on log odds). The
    deviation of resampled log odds would not do: near 1 some resamples are perfect, and theirs are
    without bound.
    """
    if not 0 < found < 1 or percentile(values, level) is None:
        return None
    deviation = float(np.nanstd(values)) / (found * (1 - found))
    half = float(norm.ppf((1 + level) / 2)) * deviation
    odds = np.log(found / (1 - found))
    low, high = (1 / (1 + np.exp(-(odds + shift))) for shift in (-half, half))
    return float(low), float(high)
