"""AUROC and average precision for many weightings of the patients at once."""

from collections.abc import Iterator

import numpy as np

from fastmed.results.scores.linear import Values, ratio
from fastmed.results.scores.sample import Dichotomy

_CELLS = 65_536  # of a table of resamples by images, so that it stays in the processor's cache
LANES = 8  # resamples whose weights are one number of 64 bits


class Ranking:
    """The images in the order of their scores, sorted once.

    Ties share a step: a case and another with one score count half for the AUROC, and average
    precision has no point between them.
    """

    def __init__(self, of: Dichotomy, patients: np.ndarray) -> None:
        order = np.argsort(-of.score, kind="stable")
        score, positive = of.score[order], of.positive[order]
        ends = np.flatnonzero(np.append(np.diff(score) != 0, True)) + 1
        step = np.searchsorted(ends, np.flatnonzero(positive), side="right")
        self.patients, self.cases = patients[order], np.flatnonzero(positive)
        # Of each case, how many images score higher, how many as high or higher, and its last peer.
        self.starts, self.ends = np.append(0, ends)[step], ends[step]
        self.peers = np.searchsorted(step, step, side="right") - 1
        self.tied = bool((self.ends - self.starts > 1).any())

    def areas(self, packed: np.ndarray) -> Values:
        """Return the AUROC of each resample, of `packed_weights`; not a number without pairs."""
        return np.concatenate([self._areas(some) for some in self._sorted(packed)])

    def precisions(self, packed: np.ndarray) -> Values:
        """Return the average precision of each resample, of `packed_weights`.

        Not a number without cases.
        """
        return np.concatenate([self._precisions(some) for some in self._sorted(packed)])

    def _sorted(self, packed: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the weights of the images in their order, (some resamples, n) uint8."""
        size = len(self.patients)
        step, rows = max(_CELLS // (LANES * size), 1), max(_CELLS // size, 1)
        for start in range(0, len(packed), step):
            taken = packed[start : start + step].take(self.patients, axis=1)
            lanes = taken.view(np.uint8).reshape(-1, size, LANES)
            weights = np.ascontiguousarray(lanes.swapaxes(1, 2)).reshape(-1, size)
            for first in range(0, len(weights), rows):
                yield weights[first : first + rows]

    def _areas(self, weights: np.ndarray) -> Values:
        """Return areas by the pairs of a case and an image that scores higher; ties count half.

        Among those images are cases. Of all pairs of two cases just half are in the wrong order.
        """
        upto, gained = _from_zero(weights), weights.take(self.cases, axis=1).astype(float)
        reached = upto.take(self.ends, axis=1).astype(float)
        before = upto.take(self.starts, axis=1) if self.tied else reached - gained
        worse = np.einsum("bs,bs->b", gained, reached + before) / 2
        cases = gained.sum(axis=1)
        pairs = cases * (upto[:, -1] - cases)
        return 1 - ratio(worse - cases**2 / 2, pairs)

    def _precisions(self, weights: np.ndarray) -> Values:
        """Return the means of the precision at each case."""
        upto, gained = _from_zero(weights), weights.take(self.cases, axis=1)
        found = np.cumsum(gained, axis=1, dtype=np.int32)
        cases = found[:, -1:].sum(axis=1, dtype=float)
        if self.tied:
            found = found.take(self.peers, axis=1)
        precision = found / np.maximum(upto.take(self.ends, axis=1), 1)
        return ratio(np.einsum("bs,bs->b", gained.astype(float), precision), cases)


def packed_weights(weights: np.ndarray) -> np.ndarray:
    """Return weights with eight resamples in one number, (b / 8, P) uint64.

    So one look-up of a patient finds eight weights, where each would be a miss of the cache.

    Args:
        weights: of patients, (b, P), whole numbers from 0 to 255.
    """
    packed = np.zeros((-(-len(weights) // LANES), weights.shape[1], LANES), dtype=np.uint8)
    for place, own in enumerate(weights):
        packed[place // LANES, :, place % LANES] = own
    return packed.view(np.uint64)[..., 0]


def _from_zero(weights: np.ndarray) -> np.ndarray:
    """Return how many images the first ones in the order stand for, (b, n + 1) from 0 on."""
    upto = np.zeros((len(weights), weights.shape[1] + 1), dtype=np.int32)
    np.cumsum(weights, axis=1, out=upto[:, 1:], dtype=np.int32)
    return upto
