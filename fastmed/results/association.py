"""How strongly groups and classes go together."""

from typing import NamedTuple

import pandas as pd
from scipy.stats import chi2_contingency


class Strength(NamedTuple):
    """How strongly groups and classes go together.

    Attributes:
        v: Cramér's V with Bergsma's correction of its bias: 0 not at all, 1 entirely.
        p: of the chi-squared test of independence, which takes images as independent.
    """

    v: float
    p: float


def strength(counts: pd.DataFrame) -> Strength:
    """Return how strongly groups (rows) and classes (columns) of images go together.

    W. Bergsma, A bias-correction for Cramér's V and Tschuprow's T, J. Korean Stat. Soc. 42 (2013).
    """
    counts = counts.loc[counts.sum(axis=1) > 0, counts.sum() > 0]
    rows, columns = counts.shape
    total = int(counts.to_numpy().sum())
    if min(rows, columns) < 2:
        return Strength(0.0, 1.0)
    chi2, p, _, _ = chi2_contingency(counts.to_numpy(), correction=False)
    chance = (rows - 1) * (columns - 1) / (total - 1)
    fewer = [side - (side - 1) ** 2 / (total - 1) for side in (rows, columns)]
    phi2 = max(0.0, chi2 / total - chance)
    v = (phi2 / (min(fewer) - 1)) ** 0.5 if min(fewer) > 1 else 0.0
    return Strength(float(min(v, 1)), float(p))
