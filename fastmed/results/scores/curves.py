"""ROC and precision-recall curves, and the bands within which they are known.

A band is pointwise: at each place across, the middle 95% of the curves of resampled patients
(vertical averaging: Macskassy, Provost and Rosset, ICML 2005), and never less than Wilson's
interval of the share that the curve shows there, of as many trials as there are patients. Resamples
alone have no width where a curve lies at 0 or 1, and precision is too high in them at low recall.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from fastmed.results.intervals.resampling import patient_weights
from fastmed.results.intervals.wilson import LEVEL, wilson
from fastmed.results.scores.sample import Dichotomy, Sample

RESAMPLES = 1000
GRID = np.linspace(0, 1, 101)
STEPS = 400  # of cases, and of others, by which resampled curves are known at most
_NEARLY = 1e-6  # of an image


class Band(NamedTuple):
    """The limits of a curve: ``low`` and ``high`` at each place ``across``, (g,)."""

    across: np.ndarray
    low: np.ndarray
    high: np.ndarray


class Curve(NamedTuple):
    """A curve, (s,), and its 95% band; a ``stepped`` one has at each place its next height."""

    across: np.ndarray
    up: np.ndarray
    band: Band
    stepped: bool = False


class Counts(NamedTuple):
    """How many cases and others are at or above each step of the score, (b, s + 1), from 0 on."""

    cases: np.ndarray
    others: np.ndarray


class Steps:
    """The images of a sample in the order of one score, equal scores together.

    Attributes:
        exact: cases and others at or above each score, (1, s + 1).
        patients: distinct ones at or above each score, (s + 1,).
        case_patients: distinct ones of cases.
    """

    def __init__(self, of: Dichotomy, patients: np.ndarray) -> None:
        order = np.argsort(-of.score, kind="stable")
        score, positive, patients = of.score[order], of.positive[order], patients[order]
        last = np.flatnonzero(np.append(np.diff(score) != 0, True))
        cases = np.cumsum(positive)[last]
        others = last + 1 - cases
        self.exact = Counts(*(np.append(0, one)[None] for one in (cases, others)))
        new = np.zeros(len(order), dtype=np.int64)
        new[np.unique(patients, return_index=True)[1]] = 1
        self.patients = np.append(0, np.cumsum(new)[last])
        self.case_patients = len(np.unique(patients[positive]))
        kept = last[_spread(cases) | _spread(others)]
        self._parts = [_images(np.searchsorted(kept, np.flatnonzero(own)), patients[own],
                               (len(kept), int(patients.max()) + 1))
                       for own in (positive, ~positive)]  # fmt: skip

    def drawn(self, weights: np.ndarray) -> Counts:
        """Return the counts of resamples, in which patients have weights (P, b)."""
        found = [np.cumsum((part @ weights).T, axis=1) for part in self._parts]
        return Counts(*(np.pad(one, ((0, 0), (1, 0))) for one in found))


def _images(steps: np.ndarray, patients: np.ndarray, shape: tuple[int, int]) -> csr_array:
    """Return how many images at each step are of each patient, (s, P)."""
    return csr_array((np.ones(len(steps), dtype=np.int32), (steps, patients)), shape=shape)


def _spread(counts: np.ndarray) -> np.ndarray:
    """Return which of ascending counts (s,) to keep, so that about `STEPS` stand for all."""
    share = counts * STEPS // counts[-1]
    return np.append(np.diff(share) > 0, True)


def roc_curves(sample: Sample, places: Sequence[int]) -> list[Curve | None]:
    """Return sensitivity over 1 - specificity of each class; None without cases or others.

    Each class has as many patients in each resample as it has.

    Args:
        sample: the predictions.
        places: of the classes.
    """
    return _curves(sample, places, sample.strata, sensitivities, _roc)


def precision_recall_curves(sample: Sample, places: Sequence[int]) -> list[Curve | None]:
    """Return precision over recall of each class; None without cases or others.

    Resamples are of all patients, since precision depends on how frequent cases are. The area
    under the steps is the average precision.

    Args:
        sample: the predictions.
        places: of the classes.
    """
    strata = np.zeros_like(sample.strata)
    return _curves(sample, places, strata, precisions, _precision_recall)


def _curves(
    sample: Sample,
    places: Sequence[int],
    strata: np.ndarray,
    measure: Callable[[Counts], np.ndarray],
    finish: Callable[[Steps, np.ndarray], Curve],
) -> list[Curve | None]:
    every = [sample.of_class(place) for place in places]
    steps = [None if of.positive.all() or not of.positive.any() else Steps(of, sample.patients)
             for of in every]  # fmt: skip
    known = [one for one in steps if one is not None]
    found: list[list[np.ndarray]] = [[] for _ in known]
    for drawn in patient_weights(strata, RESAMPLES, 0, 2 * STEPS):
        weights = np.ascontiguousarray(drawn.T, dtype=np.int32)
        for one, values in zip(known, found, strict=True):
            values.append(measure(one.drawn(weights)))
    curves = iter([finish(one, np.concatenate(v)) for one, v in zip(known, found, strict=True)])
    return [None if one is None else next(curves) for one in steps]


def _roc(steps: Steps, resampled: np.ndarray) -> Curve:
    cases, others = (one[0] for one in steps.exact)
    trials = np.full(len(GRID), steps.case_patients)
    band = _band(resampled, sensitivities(steps.exact)[0], trials)
    band.low[-1] = band.high[-1] = 1  # where all are called cases
    return Curve(others / others[-1], cases / cases[-1], band)


def _precision_recall(steps: Steps, resampled: np.ndarray) -> Curve:
    cases, others = (one[0] for one in steps.exact)
    gain = np.flatnonzero(np.diff(cases)) + 1
    precision = cases[gain] / (cases[gain] + others[gain])
    at = np.searchsorted(cases, _wanted(steps.exact.cases)[0])
    band = _band(resampled, precisions(steps.exact)[0], steps.patients[at])
    recall = np.append(0, cases[gain] / cases[-1])
    return Curve(recall, np.append(precision[0], precision), band, stepped=True)


def _band(resampled: np.ndarray, found: np.ndarray, trials: np.ndarray) -> Band:
    """Return the band of curves (b, g) around the one that was found (g,)."""
    known = resampled[~np.isnan(resampled[:, 0])]
    tail = (1 - LEVEL) / 2
    limits = np.array([wilson(share * n, n) for share, n in zip(found, trials, strict=True)]).T
    if not len(known):
        return Band(GRID, *limits)
    low, high = np.quantile(known, [tail, 1 - tail], axis=0)
    return Band(GRID, np.minimum(low, limits[0]), np.maximum(high, limits[1]))


def sensitivities(counts: Counts) -> np.ndarray:
    """Return the sensitivity at each 1 - specificity of the grid, (b, g).

    Not a number in a row without cases or others. Between two scores the curve is a line.
    """
    cases, others = counts
    wanted = GRID * others[:, -1:]
    at = _places(others, wanted + _NEARLY) - 1
    after = np.minimum(at + 1, others.shape[1] - 1)
    before, now = (np.take_along_axis(others, one, axis=1) for one in (at, after))
    part = np.divide(wanted - before, now - before, out=np.zeros(at.shape), where=now > before)
    before, now = (np.take_along_axis(cases, one, axis=1) for one in (at, after))
    return _defined(before + part * (now - before), cases[:, -1:], others[:, -1:])


def precisions(counts: Counts) -> np.ndarray:
    """Return the precision at each recall of the grid, (b, g): of the first score that reaches it.

    Not a number in a row without cases.
    """
    cases, others = counts
    at = np.minimum(_places(cases, _wanted(cases)), cases.shape[1] - 1)
    found = np.take_along_axis(cases, at, axis=1)
    share = np.take_along_axis(others, at, axis=1) + found
    return _defined(found, np.where(cases[:, -1:] > 0, share, 0), share)


def _wanted(cases: np.ndarray) -> np.ndarray:
    """Return how many cases, one at least, each recall of the grid takes, (b, g)."""
    return np.asarray(np.maximum(GRID * cases[:, -1:], 1) - _NEARLY)


def _defined(found: np.ndarray, among: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return shares; not a number where there is nothing to be a share of."""
    blank = np.full(found.shape, np.nan)
    return np.asarray(np.divide(found, among, out=blank, where=(among > 0) & (others > 0)))


def _places(ascending: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return in each row where its wanted values (b, g) belong among ascending ones (b, s)."""
    rows = np.arange(len(ascending))[:, None] * (int(ascending.max()) + 2)
    found = np.searchsorted((ascending + rows).ravel(), (wanted + rows).ravel())
    places = found.reshape(wanted.shape) - np.arange(len(rows))[:, None] * ascending.shape[1]
    return np.asarray(places)
