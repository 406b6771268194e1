"""The predictions of all members on the same images: keyed by item, in any order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, get_args

import numpy as np
import pandas as pd

from fastmed.console import note
from fastmed.ensembles.members import Member
from fastmed.errors import DataError, TaskError, listed

Missing = Literal["refuse", "drop", "fewer"]


@dataclass(frozen=True)
class Aligned:
    """Members on the same images.

    Attributes:
        rows: ``item``, ``target`` and ``group``, a row an image.
        members: in their order; their tables have the rows of those images that they predicted.
    """

    rows: pd.DataFrame
    members: tuple[Member, ...]

    @cached_property
    def places(self) -> list[np.ndarray]:
        """For each member where its rows belong, (m,)."""
        index = pd.Index(self.rows["item"])
        return [index.get_indexer(member.table.index) for member in self.members]

    def spread(self, arrays: Sequence[np.ndarray], empty: float = np.nan) -> list[np.ndarray]:
        """Return arrays of members' own rows, (m, ...), as (n, ...); others are empty."""
        found = []
        for places, array in zip(self.places, arrays, strict=True):
            whole = np.full((len(self.rows), *array.shape[1:]), empty, dtype=array.dtype)
            whole[places] = array
            found.append(whole)
        return found

    @cached_property
    def predicted(self) -> np.ndarray:
        """The predicted positions, (n, M); -1 where a member has no prediction."""
        return np.stack(self.spread([one.predicted for one in self.members], -1), axis=1)

    def kept(self, rows: np.ndarray) -> "Aligned":
        """Return the same of some images, (n,) bool."""
        items = self.rows["item"][rows]
        return _cut(self.rows[rows].reset_index(drop=True), self.members, pd.Index(items))


def aligned(members: Sequence[Member], missing: str, labels: pd.DataFrame | None) -> Aligned:
    """Return what members say of the same images.

    Args:
        members: of the ensemble.
        missing: what becomes of images that a member has not predicted: they are refused, dropped,
            or predicted by fewer.
        labels: ``target`` and ``group`` of images, by item; None takes what the members know.

    Raises:
        DataError: an image is missing, or has different labels.
        TaskError: ``missing`` is no such word.
    """
    if missing not in get_args(Missing):
        raise TaskError(f"--missing {missing} is none of {listed(get_args(Missing))}")
    items = members[0].table.index
    for member in members[1:]:
        items = items.append(member.table.index.difference(items, sort=False))
    shared = items
    for member in members:
        shared = shared.intersection(member.table.index, sort=False)
    if len(shared) < len(items):
        items = _without_missing(members, items, shared, missing)
    rows = pd.DataFrame({"item": items, "target": "", "group": ""})
    for name, table in [*((one.name, one.table) for one in members), ("the labels", labels)]:
        if table is not None:
            rows = _with_known(rows, table.reindex(items), name)
    return _cut(rows, members, items)


def _cut(rows: pd.DataFrame, members: Sequence[Member], items: pd.Index) -> Aligned:
    """Return the members with those of their rows that are among the items, in their order."""
    own = [
        replace(one, table=one.table.reindex(items.intersection(one.table.index, sort=False)))
        for one in members
    ]
    return Aligned(rows, tuple(own))


def _without_missing(
    members: Sequence[Member], items: pd.Index, shared: pd.Index, missing: str
) -> pd.Index:
    lacking = {
        one.name: items.difference(one.table.index, sort=False)
        for one in members
        if len(one.table) < len(items)
    }
    if missing == "refuse" or shared.empty:
        raise DataError(_told(members, items, shared, lacking))
    said = "; ".join(f"{name} lacks {len(those)}" for name, those in lacking.items())
    if missing == "drop":
        note(f"{len(items) - len(shared)} of {len(items)} images are left out ({said})")
        return shared
    note(f"{len(items) - len(shared)} of {len(items)} images are predicted by fewer ({said})")
    return items


def _told(
    members: Sequence[Member],
    items: pd.Index,
    shared: pd.Index,
    lacking: dict[str, pd.Index],
) -> str:
    if shared.empty:
        first, second = members[0], members[1]
        return (
            "no image is predicted by all members; images are known by their names, which are as "
            f"'{first.table.index[0]}' in {first.name} and '{second.table.index[0]}' in "
            f"{second.name}"
        )
    said = "; ".join(
        f"{name} has no prediction of {len(those)} of {len(items)} images: {listed(those, 3)}"
        for name, those in list(lacking.items())[:3]
    )
    return f"{said}; leave them out with --missing drop, or let fewer decide with --missing fewer"


def _with_known(rows: pd.DataFrame, table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return rows with the labels and patients that a table knows besides.

    Raises:
        DataError: it says another class of an image.
    """
    table = table[["target", "group"]].fillna("").reset_index(drop=True)
    differ = (rows["target"] != "") & (table["target"] != "") & (rows["target"] != table["target"])
    if differ.any():
        row = int(np.argmax(differ))
        raise DataError(
            f"{differ.sum()} of {len(rows)} images have another label in {name}, as "
            f"'{rows['item'][row]}': '{table['target'][row]}' and not '{rows['target'][row]}'"
        )
    known = {one: rows[one].where(rows[one] != "", table[one]) for one in ("target", "group")}
    return rows.assign(**known)
