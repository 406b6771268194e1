"""Sets of classes that hold the true one as often as promised, in every class."""

from collections.abc import Sequence

import numpy as np

from fastmed.errors import DataError

BETWEEN = " | "  # classes of a set, in tables


def fit_levels(scores: np.ndarray, true: np.ndarray, coverage: float) -> np.ndarray:
    """Return the probability from which on each class belongs to a set, (K,).

    Split-conformal prediction, class by class (Vovk's Mondrian sets; Sadinle et al., JASA 114,
    2019): of the n images of a class, so many reach its level that a new one does with the
    promised probability. A level of 0 takes the class into every set: it has too few images.

    Args:
        scores: probabilities (n, K) of labelled images.
        true: positions of their classes, (n,); -1 where there is none.
        coverage: the share of new images of each class whose set is to hold it.

    Raises:
        DataError: the coverage is no share.
    """
    if not 0 < coverage < 1:
        raise DataError(f"sets cover a share of the images between 0 and 1, not {coverage:g}")
    levels = np.zeros(scores.shape[1])
    for place in range(len(levels)):
        own = np.sort(scores[true == place, place])
        # How many of n + 1 images, the new one among them, may lie below the level. The tiny
        # number keeps 0.1 * 10, which is a little less than 1, from becoming 0.
        missed = int(np.floor((1 - coverage) * (len(own) + 1) + 1e-9))
        if missed:
            levels[place] = own[missed - 1]
    return levels


def class_sets(scores: np.ndarray, levels: np.ndarray, ordered: bool = False) -> np.ndarray:
    """Return which classes each set holds, (n, K) bool; no set is empty.

    A set without any class gets the likeliest, and one of grades those that lie between, so that
    sets only grow.

    Args:
        scores: probabilities (n, K).
        levels: of `fit_levels`.
        ordered: classes are grades.
    """
    inside = scores >= levels
    inside[np.arange(len(scores)), scores.argmax(axis=1)] |= ~inside.any(axis=1)
    if ordered:
        after = np.logical_or.accumulate(inside, axis=1)
        before = np.logical_or.accumulate(inside[:, ::-1], axis=1)[:, ::-1]
        inside = after & before
    return inside


def set_names(inside: np.ndarray, classes: Sequence[str]) -> list[str]:
    """Return each set (n, K) as the names of its classes."""
    names = np.array(classes, dtype=object)
    return [BETWEEN.join(names[row]) for row in inside]
