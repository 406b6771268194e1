"""Patients drawn anew, and intervals from what they give."""

from collections.abc import Iterator

import numpy as np
from scipy.stats import norm, poisson

from fastmed.results.intervals.wilson import LEVEL, Interval

RESAMPLES = 2000
UNDEFINED = 0.05  # of the resamples, in which a score may be undefined
_CELLS = 8_000_000  # of a table of weights in memory at once
_SHORT = 5  # standard deviations by which counts of Poisson's distribution are left short
_BITS, _OPEN = 1 << 16, 255


def patient_weights(
    strata: np.ndarray, resamples: int, seed: int, columns: int = 0
) -> Iterator[np.ndarray]:
    """Yield how often each patient is drawn, (some resamples, patients) uint8.

    As many patients as there are of each stratum are drawn from it, with replacement.

    Args:
        strata: (patients,) which outcome each patient is counted with.
        resamples: in all.
        seed: the same one gives the same draws.
        columns: of the widest table that is made of the weights; it bounds the memory.
    """
    generator = np.random.default_rng(seed)
    members = [np.flatnonzero(strata == one) for one in np.unique(strata)]
    draws = [Draws(len(one)) for one in members]
    most = max(_CELLS // max(len(strata), columns, 1), 1)
    for start in range(0, resamples, most):
        count = min(most, resamples - start)
        weights = np.empty((count, len(strata)), dtype=np.uint8)
        for one, drawn in zip(members, draws, strict=True):
            weights[:, one] = drawn.times(generator, count)
        yield weights


class Draws:
    """How often each of n patients is drawn, when n are drawn with replacement.

    Counts of Poisson's distribution are those of draws if as many draws are made as their sum is.
    So each patient first gets such a count, of a mean that leaves the sum short of n, and then the
    missing draws are made one by one. A count takes 16 random bits and a look into a table; where
    the bits leave two counts open, it takes more of them.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        mean = max(1 - _SHORT / np.sqrt(size), 0)
        self._limits = poisson.cdf(np.arange(_OPEN), mean)
        counts = np.searchsorted(self._limits, np.arange(_BITS + 1) / _BITS, side="right")
        self._table = np.where(counts[:-1] == counts[1:], counts[:-1], _OPEN).astype(np.uint8)

    def times(self, generator: np.random.Generator, count: int) -> np.ndarray:
        """Return of some resamples how often each patient is drawn, (count, size) uint8."""
        drawn = self._short(generator, count)
        missing = self.size - drawn.sum(axis=1, dtype=np.int64)
        while (above := np.flatnonzero(missing < 0)).size:
            drawn[above] = self._short(generator, len(above))
            missing[above] = self.size - drawn[above].sum(axis=1, dtype=np.int64)
        rows = np.repeat(np.arange(count) * self.size, missing)
        places = rows + generator.integers(0, self.size, len(rows))
        np.add.at(drawn.reshape(-1), places, np.uint8(1))
        return drawn

    def _short(self, generator: np.random.Generator, count: int) -> np.ndarray:
        """Return counts whose sum is rarely above that of the patients, (count, size) uint8."""
        drawn = np.empty(count * self.size, dtype=np.uint8)
        for start in range(0, len(drawn), _BITS):
            drawn[start : start + _BITS] = self._poisson(generator, min(len(drawn) - start, _BITS))
        return drawn.reshape(count, self.size)

    def _poisson(self, generator: np.random.Generator, count: int) -> np.ndarray:
        """Return counts, (count,) uint8, by the inverse of the distribution."""
        whole = generator.integers(0, 2**64, -(-count // 4), dtype=np.uint64)
        bits = whole.view(np.uint16)[:count]
        found = self._table.take(bits)
        undecided = np.flatnonzero(found == _OPEN)
        exact = (bits[undecided] + generator.random(len(undecided))) / _BITS
        found[undecided] = np.searchsorted(self._limits, exact, side="right")
        return found


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
