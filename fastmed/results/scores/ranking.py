"""AUROC and average precision for many weightings of the patients at once."""

import numpy as np

from fastmed.results.scores.sample import Dichotomy


class Ranking:
    """The images in the order of their scores, sorted once.

    Ties share a step: a case and another with one score count half for the AUROC, and average
    precision has no point between them.
    """

    def __init__(self, of: Dichotomy, patients: np.ndarray) -> None:
        order = np.argsort(-of.score, kind="stable")
        score, positive = of.score[order], of.positive[order]
        self.patients = patients[order]
        last = np.flatnonzero(np.append(np.diff(score) != 0, True))
        cases = np.cumsum(positive)[last]
        steps = np.flatnonzero(np.diff(cases, prepend=0) > 0)
        self.cases = self.patients[positive]
        self.ends = last[steps]  # the last image of each step that has a case
        self.starts = np.where(steps > 0, last[steps - 1] + 1, 0)
        self.case_ends = cases[steps] - 1
        self.all_cases = len(self.cases) == len(order)
        self.tied = bool((self.ends > self.starts).any())

    def scores(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return AUROC and average precision, each (b,), of weights of patients (b, P).

        Not a number where there are no cases, or for the AUROC no others.
        """
        undefined = np.full(len(weights), np.nan)
        if not len(self.cases):
            return undefined, undefined
        upto = np.cumsum(weights.take(self.patients, axis=1), axis=1, dtype=np.int32)
        total = upto[:, -1].astype(float)
        gained = weights.take(self.cases, axis=1)
        found = np.cumsum(gained, axis=1, dtype=np.int32)
        if len(self.ends) < len(self.cases):
            found = found.take(self.case_ends, axis=1)
            gained = np.diff(found, axis=1, prepend=np.int32(0))
        cases = found[:, -1].astype(float)
        ends = upto.take(self.ends, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.divide(found, ends)
            precision = np.einsum("bs,bs->b", gained, np.nan_to_num(share), dtype=float) / cases
            if self.all_cases:
                return undefined, precision
            return 1 - self._worse(gained, upto, ends, found) / (cases * (total - cases)), precision

    def _worse(
        self, gained: np.ndarray, upto: np.ndarray, ends: np.ndarray, found: np.ndarray
    ) -> np.ndarray:
        """Return how many pairs, (b,), are in the wrong order; ties count half."""
        others = ends - found  # of the others, how many are scored as high or higher
        if not self.tied:
            return np.asarray(np.einsum("bs,bs->b", gained, others, dtype=float))
        before = np.where(self.starts > 0, upto.take(self.starts - 1, axis=1), 0) - found + gained
        return np.asarray(np.einsum("bs,bs->b", gained, others + before, dtype=float) / 2)
