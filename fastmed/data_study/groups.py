"""Values of a column put into a few groups that can be counted, and how these tell the class."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd

from fastmed.console import visible
from fastmed.data.pixels.file_facts import UNKNOWN
from fastmed.results.association import strength

MOST_GROUPS = 10
LONGEST = 60  # characters of a name
FEW = 10  # images on which nothing is said


class Association(NamedTuple):
    """How strongly groups and classes go together.

    Attributes:
        v: Cramér's V with Bergsma's correction of its bias: 0 not at all, 1 entirely.
        p: of the chi-squared test of independence, which takes images as independent.
        groups: how many there are.
        telling: the group that tells most about the class, in words.
    """

    v: float
    p: float
    groups: int
    telling: str


def groups_of(values: pd.Series) -> pd.Series:
    """Return a few named groups of values, as an ordered categorical; what is missing is one.

    Numbers become ranges and keep their order; texts come by frequency, the rarest together.
    """
    texts = values.map(_text)
    known = texts[texts != ""]
    numbers = pd.to_numeric(known, errors="coerce").to_numpy(dtype=float)
    if len(known) and np.isfinite(numbers).all():
        named, order = _number_groups(numbers)
    else:
        named, order = _text_groups(known)
    if len(known) < len(texts):
        order = [*(name for name in order if name != UNKNOWN), UNKNOWN]
    groups = np.full(len(texts), UNKNOWN, dtype=object)
    groups[(texts != "").to_numpy()] = named
    return pd.Series(pd.Categorical(groups, categories=order, ordered=True), index=values.index)


def count_groups(groups: pd.Series, targets: pd.Series, classes: tuple[str, ...]) -> pd.DataFrame:
    """Return how many images each group (rows) has of each class (columns)."""
    counts = pd.crosstab(groups, targets, dropna=False)
    order = list(groups.cat.categories)
    return counts.reindex(index=order, columns=[*classes], fill_value=0).rename_axis(
        index=None, columns=None
    )


def association(counts: pd.DataFrame, what: str = "value") -> Association:
    """Return how strongly groups (rows) and classes (columns) of images go together.

    Args:
        counts: of images.
        what: the groups are values of, for words.
    """
    counts = counts.loc[counts.sum(axis=1) > 0, counts.sum() > 0]
    v, p = strength(counts)
    telling = _telling(counts, what) if min(counts.shape) > 1 else ""
    return Association(v, p, len(counts), telling)


def _telling(counts: pd.DataFrame, what: str) -> str:
    """Return the group of enough images in which a class is most above its usual share."""
    large = counts[counts.sum(axis=1) >= FEW]
    if large.empty:
        return ""
    usual = counts.to_numpy().sum(axis=0) / counts.to_numpy().sum()
    images = large.to_numpy().sum(axis=1)
    shares = large.to_numpy() / images[:, None]
    row, column = np.unravel_index((shares - usual).argmax(), shares.shape)
    group, name = str(large.index[row]), str(large.columns[column])
    return (
        f"{shares[row, column]:.0%} of the {images[row]} images with {what} '{group}' are "
        f"'{name}', which makes up {usual[column]:.0%} of all"
    )


def _text(value: object) -> str:
    """Return a value as text that can be shown; empty if nothing is known."""
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return ""
    return str(value).strip()


def _text_groups(known: pd.Series) -> tuple[list[str], list[str]]:
    """Return the group of each text, and the groups by frequency."""
    shown = known.map(_short)
    frequent = sorted(shown.value_counts().items(), key=lambda pair: (-pair[1], str(pair[0])))
    names = [str(name) for name, _ in frequent]
    if len(names) <= MOST_GROUPS:
        return shown.to_list(), names
    kept = names[: MOST_GROUPS - 1]
    others = f"{len(names) - len(kept)} others"
    return shown.where(shown.isin(kept), others).to_list(), [*kept, others]


def _short(text: str) -> str:
    text = visible(text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _number_groups(numbers: np.ndarray) -> tuple[list[str], list[str]]:
    """Return the range of each number, and the ranges in order."""
    distinct = np.unique(numbers)
    if len(distinct) <= MOST_GROUPS:
        return [f"{number:.6g}" for number in numbers], [f"{number:.6g}" for number in distinct]
    edges = _edges(numbers)
    names = _range_names(edges, numbers)
    places = np.digitize(numbers, edges[1:-1])
    return [names[place] for place in places], names


def _edges(numbers: np.ndarray) -> np.ndarray:
    """Return round numbers in at most `MOST_GROUPS` steps, between which all but outliers lie.

    Outliers are beyond 1.5 times the interquartile range from the quartiles (Tukey).
    """
    first, third = np.percentile(numbers, [25, 75])
    reach = 1.5 * (third - first)
    usual = numbers[(numbers >= first - reach) & (numbers <= third + reach)]
    low, high = usual.min(), usual.max()
    if low == high:
        low, high = numbers.min(), numbers.max()
    power = 10.0 ** np.floor(np.log10((high - low) / MOST_GROUPS))
    for factor in (1, 2, 5, 10, 20):
        step = factor * power
        first, last = np.floor(low / step), np.floor(high / step) + 1
        if last - first <= MOST_GROUPS:
            break
    return np.array([float(f"{place * step:.10g}") for place in np.arange(first, last + 1)])


def _range_names(edges: np.ndarray, numbers: np.ndarray) -> list[str]:
    step = edges[1] - edges[0]
    whole = bool((numbers == np.floor(numbers)).all()) and float(step).is_integer()
    names = [
        (f"{low:.6g} to {high - 1:.6g}" if step > 1 else f"{low:.6g}")
        if whole
        else f"{low:.6g} to <{high:.6g}"
        for low, high in pairwise(edges)
    ]
    if numbers.min() < edges[0]:
        names[0] = f"below {edges[1]:.6g}"
    if numbers.max() >= edges[-1]:
        names[-1] = f"{edges[-2]:.6g} and more"
    return names
