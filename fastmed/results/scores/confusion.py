"""Which class is taken for which other, the most frequent confusion first."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from fastmed.results.scores.scored import Scores

PAIRS = 10  # that figures and tables show


class ConfusedPair(NamedTuple):
    """How many ``images`` of all ``of`` a true class were taken for another one."""

    true: str
    predicted: str
    images: int
    of: int

    @property
    def share(self) -> float:
        """Of the images of the true class."""
        return self.images / self.of


def confused_pairs(scores: Scores) -> list[ConfusedPair]:
    """Return every pair of classes that was confused, the most frequent first."""
    counts, names = np.array(scores["confusion"]), scores["classes"]
    pairs = [
        ConfusedPair(names[true], names[other], int(counts[true, other]), int(counts[true].sum()))
        for true, other in np.ndindex(*counts.shape)
        if true != other and counts[true, other]
    ]
    return sorted(pairs, key=lambda pair: -pair.images)


def examples_of(
    predictions: pd.DataFrame, pairs: Sequence[ConfusedPair], count: int
) -> list[pd.DataFrame]:
    """Return of each pair the predictions with the largest losses, the largest first."""
    found = []
    for pair in pairs:
        own = (predictions["target"] == pair.true) & (predictions["predicted"] == pair.predicted)
        rows = predictions[own].sort_values("loss", ascending=False, kind="stable")
        found.append(rows.head(count))
    return found
