"""Scores of subgroups of patients, and how far they lie apart."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from fastmed.errors import DataError, listed, nearest
from fastmed.results.intervals.resampling import percentile
from fastmed.results.intervals.wilson import LEVEL
from fastmed.results.scores.limits import Chooser
from fastmed.results.scores.measures import Found, Measures
from fastmed.results.scores.names import OF_CLASSES, OVERALL, Address
from fastmed.results.scores.options import ScoreOptions
from fastmed.results.scores.sample import Sample, sample_of
from fastmed.settings.scores import REFERABLE

LEAST = 10  # patients that a subgroup must have to be shown
UNKNOWN = "unknown"
AGES = (18, 40, 65)  # years at which an age band begins
_MOST_VALUES = 12  # of a numeric column that is not cut into bands
_NOT_COLUMNS = ("item", "image", "target", "group", "content", "index", "note", "split")


class Subgroup(NamedTuple):
    """A subgroup: its name, the labelled predictions of it, and how many patients they are of."""

    name: str
    sample: Sample
    patients: int


def subgroups(  # noqa: PLR0917
    predictions: pd.DataFrame,
    items: pd.DataFrame,
    by: Sequence[str],
    classes: Sequence[str],
    goal: str,
    options: ScoreOptions | None = None,
) -> dict[str, Any]:
    """Return the scores of subgroups by some columns of the items, ready for JSON.

    For each column: ``groups`` (name, n, patients, and ``scores`` by ``overall/SCORE`` or
    ``per_class/CLASS/SCORE``, each with ``value``, ``interval`` and ``method``, and but for the
    largest group its ``gap`` to the largest with an interval), and ``hidden``: how many groups
    and patients are not shown, since a group has fewer than `LEAST` patients.

    The patients of a gap's two groups are drawn apart. Several patients' images belong to one
    group each; a patient with images in two groups counts in both.

    Args:
        predictions: the predictions table.
        items: the table that has the columns, by ``item``.
        by: names of columns, ``meta_`` may be left out; numbers are cut into bands.
        classes: their names.
        goal: ``category`` or ``grade``.
        options: of the scores.

    Raises:
        DataError: there is no such column, or all its values are the same or unknown.
    """
    rows = predictions[predictions["target"] != ""]
    options = options or ScoreOptions()
    found = {}
    for name in by:
        values = bands(_column(items, name), name)
        groups = values.set_axis(items["item"]).reindex(rows["item"]).fillna(UNKNOWN)
        if groups.nunique() < 2:
            raise DataError(
                f"all images are '{groups.iloc[0]}' by '{name}': there are no subgroups"
            )
        found[name] = _of_column(rows, groups.to_numpy(dtype=str), classes, goal, options)
    return found


def check_columns(items: pd.DataFrame, by: Sequence[str]) -> None:
    """Refuse columns that the items don't have.

    Raises:
        DataError: names the column, and those that there are.
    """
    for name in by:
        _column(items, name)


def bands(values: pd.Series, name: str) -> pd.Series:
    """Return text for each value: ages and other numbers as bands, nothing as ``unknown``."""
    known = values.notna() & (values.astype(str).str.strip() != "")
    text = values.astype(str)
    if is_numeric_dtype(values) and known.any():
        if name in ("age", "meta_age"):
            text = _banded(values, list(AGES))
        elif values.nunique() > _MOST_VALUES:
            text = _banded(values, sorted({*values[known].quantile([0.25, 0.5, 0.75])}))
        else:
            text = values.map(lambda value: f"{value:g}")
    return text.where(known, UNKNOWN)


def _banded(values: pd.Series, edges: list[float]) -> pd.Series:
    names = [
        f"under {edges[0]:g}",
        *(f"{low:g} to under {high:g}" for low, high in pairwise(edges)),
        f"{edges[-1]:g} and over",
    ]
    return pd.Series(np.array(names)[np.searchsorted(edges, values, side="right")], values.index)


def _column(items: pd.DataFrame, name: str) -> pd.Series:
    for column in (f"meta_{name}", name):
        if column in items.columns and column not in _NOT_COLUMNS:
            return items[column]
    known = [one.removeprefix("meta_") for one in items.columns if one not in _NOT_COLUMNS]
    meta = [one.removeprefix("meta_") for one in items.columns if one.startswith("meta_")]
    close = nearest(name, known) or (f"; there are {listed(meta, 12)}" if meta else "")
    raise DataError(f"the items have no column '{name}' to part patients by{close}")


def _of_column(
    rows: pd.DataFrame,
    groups: np.ndarray,
    classes: Sequence[str],
    goal: str,
    options: ScoreOptions,
) -> dict[str, Any]:
    every = [*_parted(rows, groups, classes, goal)]
    shown = sorted((one for one in every if one.patients >= LEAST), key=lambda one: -one.patients)
    hidden = [one.patients for one in every if one.patients < LEAST]
    found: dict[str, Any] = {"level": LEVEL, "resamples": options.resamples, "groups": []}
    reference: tuple[dict[Address, float], Found] | None = None
    for place, one in enumerate(shown):
        measures = Measures(one.sample, _seeded(options, place))
        values = {at: float(value[0]) for at, value in measures.once().items() if _shown(at)}
        chooser = Chooser(measures, values)
        limits, drawn = chooser.all(), chooser.resampled
        reference = reference or (values, drawn)
        scores = {
            "/".join(at): {
                "value": value if np.isfinite(value) else None,
                "interval": list(one_limit.interval) if (one_limit := limits[at]) else None,
                "method": one_limit.method if one_limit else None,
                **(_gap(at, (values, drawn), reference) if place else {}),
            }
            for at, value in values.items()
        }
        found["groups"].append(
            {"name": one.name, "n": one.sample.size, "patients": one.patients, "scores": scores}
        )
    return {**found, "hidden": {"groups": len(hidden), "patients": sum(hidden)}}


def _parted(
    rows: pd.DataFrame, groups: np.ndarray, classes: Sequence[str], goal: str
) -> Iterator[Subgroup]:
    for name in dict.fromkeys(sorted(groups)):
        sample = sample_of(rows[groups == name], classes, goal)
        yield Subgroup(name, sample, sample.patient_count)


def _seeded(options: ScoreOptions, place: int) -> ScoreOptions:
    """Return options that draw each subgroup's patients apart from the others'."""
    return ScoreOptions(options.referable, resamples=options.resamples, seed=options.seed + place)


def _shown(address: Address) -> bool:
    """True for the scores that subgroups are told by."""
    if address[0] == OVERALL:
        return address[-1] not in ("expected_cost",)
    return address[0] in (OF_CLASSES, REFERABLE) and address[-1] in (
        "prevalence", "sensitivity", "specificity", "auroc",
    )  # fmt: skip


def _gap(
    address: Address,
    own: tuple[dict[Address, float], Found],
    reference: tuple[dict[Address, float], Found],
) -> dict[str, Any]:
    value, other = own[0][address], reference[0][address]
    if not np.isfinite(value - other):
        return {"gap": None, "gap_interval": None}
    if not own[1]:
        return {"gap": value - other, "gap_interval": None}
    limits = percentile(own[1][address] - reference[1][address])
    return {"gap": value - other, "gap_interval": list(limits) if limits else None}
