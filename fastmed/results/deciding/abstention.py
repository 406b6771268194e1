"""Leaving the least certain images to a reader: when, and what that is worth."""

import re
from typing import Any, NamedTuple

import numpy as np

from fastmed.errors import DataError
from fastmed.results.deciding.operating_points import lower_bound

SHOWN = (0.05, 0.1, 0.2, 0.3)  # shares of abstained images that scores tell of


class Abstention(NamedTuple):
    """Which share of images is left to a reader, or how many mistakes the others may have."""

    kind: str  # share | error
    amount: float


class RiskCurve(NamedTuple):
    """What happens as more images are decided, the surest first; each has a row of its own.

    Attributes:
        coverage: share of the images that are decided, (m,), from 0 to 1.
        mistakes: share of all images that are decided wrongly, (m,).
    """

    coverage: np.ndarray
    mistakes: np.ndarray

    @property
    def risk(self) -> np.ndarray:
        """Share of wrong ones among the decided images, (m,); not a number where none is."""
        empty = np.full(len(self.coverage), np.nan)
        risk = np.divide(self.mistakes, self.coverage, out=empty, where=self.coverage > 0)
        return np.asarray(risk)


def read_abstention(told: str | float) -> Abstention:
    """Return what ``0.1``, a share of the images, or ``error=0.05`` asks for.

    Raises:
        DataError: says what is expected.
    """
    found = re.fullmatch(r"(error=)?(\d*\.?\d+(?:[eE]-?\d+)?)", str(told).strip())
    if found is None or not 0 < float(found[2]) < 1:
        raise DataError(
            f"'{told}' doesn't say when to abstain; expected a share of the images, as 0.1, or the "
            "most mistakes among the others, as error=0.05"
        )
    return Abstention("error" if found[1] else "share", float(found[2]))


def fit_certainty(wish: Abstention, certainty: np.ndarray, wrong: np.ndarray) -> float:
    """Return the certainty below which images are left to a reader.

    A share is that of the validation images. For a bound on mistakes it is the lowest certainty
    at which the 95% one-sided upper bound (Clopper and Pearson) of the share of wrong ones among
    the decided images keeps to it.

    Args:
        wish: what is asked for.
        certainty: of labelled images, (n,).
        wrong: whether their decision is, (n,).

    Raises:
        DataError: no certainty keeps the mistakes within the bound.
    """
    if not len(certainty):
        raise DataError("the validation part has no labelled image to fit on")
    if wish.kind == "share":
        return float(np.quantile(certainty, wish.amount, method="higher"))
    steps = np.unique(certainty)
    decided = len(certainty) - np.searchsorted(np.sort(certainty), steps)
    mistakes = wrong.sum() - np.searchsorted(np.sort(certainty[wrong]), steps)
    bounds = [1 - float(lower_bound(n - k, n)) for k, n in zip(mistakes, decided, strict=True)]
    fitting = np.flatnonzero(np.array(bounds) <= wish.amount)
    if not len(fitting):
        raise DataError(
            f"no part of the {len(certainty)} validation images keeps to {wish.amount:g} mistakes: "
            f"the least 95% upper bound is {min(bounds):.3f}; ask for more"
        )
    return float(steps[fitting[0]])


def risk_curve(certainty: np.ndarray, wrong: np.ndarray) -> RiskCurve:
    """Return mistakes by coverage; images that are as certain are decided together.

    Args:
        certainty: of the images, (n,).
        wrong: whether their decision is, (n,).
    """
    order = np.argsort(-certainty, kind="stable")
    last = np.append(np.flatnonzero(np.diff(certainty[order])), len(order) - 1)
    decided = np.concatenate([[0], last + 1])
    mistakes = np.concatenate([[0], np.cumsum(wrong[order])[last]])
    return RiskCurve(decided / len(order), mistakes / len(order))


def augrc(curve: RiskCurve) -> float:
    """Return the mean share of undetected mistakes over all coverages (Traub et al., 2407.01032).

    0 is best. It is what is expected of an image that is decided with a random coverage.
    """
    return float(np.trapezoid(curve.mistakes, curve.coverage))


def abstention_scores(certainty: np.ndarray, wrong: np.ndarray) -> dict[str, Any]:
    """Return what abstaining is worth on labelled images, ready for JSON.

    ``augrc``, and for some shares of abstained images the share of wrong ones among the others
    (``risk``) and among all where abstained images count as wrong (``risk_with_abstained``).
    """
    curve = risk_curve(certainty, wrong)
    order = np.argsort(certainty, kind="stable")
    rows = []
    for share in SHOWN:
        left = round(share * len(order))
        mistakes = int(wrong[order[left:]].sum())
        rows.append(
            {
                "abstained": left,
                "share": share,
                "risk": mistakes / (len(order) - left),
                "risk_with_abstained": (mistakes + left) / len(order),
            }
        )
    return {"augrc": augrc(curve), "shares": rows}
