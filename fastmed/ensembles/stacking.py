"""Stacking: a logistic regression that learns from a validation part whom to believe."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from fastmed.errors import DataError
from fastmed.results.calibration.probabilities import logits_of

STRENGTH = 1.0  # of the L2 penalty, as C of scikit-learn
_STEPS = 1000
_NEVER = -50.0  # the intercept of a class that the validation part lacks


class Stack(BaseModel):
    """A fitted regression, in numbers alone.

    Attributes:
        coefficients: (K, f), of each class.
        intercepts: (K,).
        centre, spread: (f,), by which features are made comparable.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    coefficients: tuple[tuple[float, ...], ...]
    intercepts: tuple[float, ...]
    centre: tuple[float, ...]
    spread: tuple[float, ...]

    @model_validator(mode="after")
    def _fits_together(self) -> "Stack":
        numbers = [*self.intercepts, *self.centre, *self.spread, *sum(self.coefficients, ())]
        width = {len(self.centre), len(self.spread), *map(len, self.coefficients)}
        if len(width) > 1 or len(self.coefficients) != len(self.intercepts):
            raise ValueError("the numbers of coefficients differ")
        if not np.isfinite(numbers).all() or min(self.spread, default=1) <= 0:
            raise ValueError("a number is not finite, or a spread not above 0")
        return self

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Return the probability of each class, (n, K), by features (n, f)."""
        scaled = (features - np.array(self.centre)) / np.array(self.spread)
        logits = scaled @ np.array(self.coefficients).T + np.array(self.intercepts)
        return np.asarray(softmax(logits, axis=1))

    def as_info(self) -> dict[str, Any]:
        """Return everything, ready for JSON."""
        return self.model_dump(mode="json")


def features_of(outputs: Sequence[np.ndarray]) -> np.ndarray:
    """Return what the regression sees, (n, f): logarithms of probabilities, or values of grades.

    Args:
        outputs: (n, K) or (n,), of each member.
    """
    return np.column_stack([
        logits_of(one) - logits_of(one).mean(axis=1, keepdims=True) if one.ndim == 2 else one
        for one in outputs
    ])  # fmt: skip


def fit_stack(features: np.ndarray, true: np.ndarray, classes: int) -> Stack:
    """Return the multinomial logistic regression of the true classes on what members say.

    Wolpert, Stacked Generalization (Neural Networks 5, 1992). Features are scaled to a deviation
    of 1 and the coefficients shrunk by an L2 penalty, which keeps members that say the same alike.

    Args:
        features: (n, f).
        true: positions of the true classes, (n,); -1 where there is none.
        classes: how many there are.

    Raises:
        DataError: fewer than two classes are labelled.
    """
    features, true = features[true >= 0], true[true >= 0]
    present = np.unique(true)
    if len(present) < 2:
        raise DataError(
            "stacking needs labelled images of at least two classes in the validation part, which "
            f"has {len(true)} of {len(present)}"
        )
    centre, spread = features.mean(axis=0), features.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    model = LogisticRegression(C=STRENGTH, max_iter=_STEPS)
    model.fit((features - centre) / spread, true)
    own, start = np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_)
    if len(present) == 2:
        own, start = np.vstack([np.zeros_like(own), own]), np.concatenate([[0.0], start])
    coefficients = np.zeros((classes, features.shape[1]))
    intercepts = np.full(classes, _NEVER)
    coefficients[present], intercepts[present] = own, start
    return Stack(
        coefficients=tuple(map(tuple, coefficients.tolist())),
        intercepts=tuple(intercepts.tolist()),
        centre=tuple(centre.tolist()),
        spread=tuple(spread.tolist()),
    )
