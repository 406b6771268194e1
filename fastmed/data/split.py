"""Who trains, who validates, who tests: stratified by class, patients and copies kept together."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from fastmed import console
from fastmed.data.tables import LEFT_OUT
from fastmed.errors import DataError, listed
from fastmed.settings.data import SplitSettings
from fastmed.settings.sources import PARTS

COPIES = ("content", "decoded")  # columns that identical images have in common
COPY = "identical to an image of a later part"  # why a training copy is left out


def split_items(
    items: pd.DataFrame, settings: SplitSettings, classes: Sequence[str]
) -> pd.DataFrame:
    """Return the items with ``split`` filled: train, valid, test or left_out.

    Given parts are kept and missing ones drawn from what is left to train. Identical images, and
    images of one patient, stay on one side. The draw depends on the seed and on the names of the
    items, not on the order of rows. Images of the extra source only ever train.

    Args:
        items: with ``target``, ``group``, ``origin``, ``content``, ``decoded`` and ``split`` as
            given. Images are identical whose bytes or pixels are.

    Raises:
        DataError: a patient stands on two given sides, a class can't be on both sides of a
            draw, or a part is missing that was to be given.
    """
    table = _with_training_named(items.sort_values("item"))
    by_patient = settings.method != "stratified"
    if settings.method == "grouped" and not (table["group"] != "").any():
        raise DataError(
            "split.method = 'grouped' needs to know the patients, and no image has one; say how "
            "they are known (source.group), or take `--set split.method=auto`"
        )
    table = _drop_copies(table)
    table = _draw(table, settings, classes, by_patient)
    table = _drop_extra(table, by_patient)
    _check_classes(table, classes)
    return table.loc[items.index]


def assign_sides(counts: np.ndarray, shares: Sequence[float], seed: int) -> np.ndarray:
    """Return the side of each unit, so that every side gets its share of every class.

    Units come with the rarest class first, then by size, then at random; each goes to the side
    that, for the unit's classes, is furthest from its share. So a class with as many units as
    there are sides reaches every side, and between two sides a class of single images is within
    one image of its share.

    Args:
        counts: images of each class in each unit, (units, classes). A unit is kept together.
        shares: of the sides; ties go to the first.
    """
    generator = np.random.default_rng(seed)
    totals = counts.sum(axis=0).clip(1)
    units_of_class = (counts > 0).sum(axis=0)
    rarity = np.where(counts > 0, units_of_class, len(counts) + 1).min(axis=1)
    size = np.floor(np.log2(counts.sum(axis=1).clip(1)))
    order = np.lexsort((generator.random(len(counts)), -size, rarity))
    target = np.outer(shares, totals)
    filled = np.zeros_like(target)
    sides = np.zeros(len(counts), dtype=np.int64)
    for unit in order:
        need = (1 - filled / target) @ (counts[unit] / totals)
        sides[unit] = need.round(9).argmax()
        filled[sides[unit]] += counts[unit]
    return sides


def units_of(table: pd.DataFrame, by_patient: bool) -> np.ndarray:
    """Return a number for each row that images of one patient, and identical images, share."""
    keys = [*(table[name] for name in COPIES), *([table["group"]] if by_patient else [])]
    if table.empty:
        return np.empty(0, dtype=np.int64)
    codes = [pd.factorize(key.where(key != "", "\0" + table["item"]))[0] for key in keys]
    rows = np.tile(np.arange(len(table)), len(codes))
    shift = np.cumsum([len(table), *(code.max() + 1 for code in codes[:-1])])
    columns = np.concatenate([code + start for code, start in zip(codes, shift, strict=True)])
    nodes = int(columns.max()) + 1
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(nodes, nodes))
    return np.asarray(connected_components(graph, directed=False)[1][: len(table)])


def _with_training_named(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with ``train`` for what no given part holds, and for all extra images."""
    main, out = table["origin"] == "main", table["split"] == LEFT_OUT
    given = table.loc[main, "split"].isin(PARTS)
    training = ~out & (~main | ((table["split"] == "") & bool(given.any())))
    return table.assign(split=table["split"].mask(training, "train"))


def _draw(
    table: pd.DataFrame, settings: SplitSettings, classes: Sequence[str], by_patient: bool
) -> pd.DataFrame:
    """Return the table with the parts that were not given drawn from what is left to train."""
    main = table["origin"] == "main"
    given = set(table.loc[main, "split"])
    if settings.method == "given":
        _require_given(given, settings)
        return table
    shares = {"valid": settings.valid, "test": settings.test}
    wanted = {part: share for part, share in shares.items() if share and part not in given}
    pool = table[main & table["split"].isin(["", "train"])]
    if pool.empty:
        raise DataError("no image is left to train with")
    sides = _sides(pool, wanted, settings.seed, classes, by_patient)
    return table.assign(split=sides.reindex(table.index).fillna(table["split"]))


def _sides(
    pool: pd.DataFrame, shares: dict[str, float], seed: int, classes: Sequence[str],
    by_patient: bool,
) -> pd.Series:  # fmt: skip
    """Return the part of each row of the pool."""
    names = np.array(["train", *shares])
    unit = units_of(pool, by_patient)
    counts = pd.crosstab(unit, pool["target"].to_numpy()).reindex(columns=[*classes], fill_value=0)
    every = [1 - sum(shares.values()), *shares.values()]
    sides = names[assign_sides(counts.to_numpy(), every, seed)[unit]]
    _check_draw(pool.assign(split=sides, unit=unit), names, classes)
    return pd.Series(sides, index=pool.index)


def _check_draw(pool: pd.DataFrame, names: np.ndarray, classes: Sequence[str]) -> None:
    """Refuse a draw that leaves a class out of a part."""
    for name in classes:
        rows = pool[pool["target"] == name]
        missing = [part for part in names if part not in set(rows["split"])]
        if len(rows) and missing:
            raise DataError(
                f"class '{name}' has only {_amount(rows)} to share out among {listed(names)}; add "
                "images, leave the class out (`--set 'classes=[...]'`), or draw no such part "
                f"(`--set split.{missing[0]}=0`)"
            )


def _amount(rows: pd.DataFrame) -> str:
    images, sets = len(rows), rows["unit"].nunique()
    together = f" in {sets} inseparable set(s) of one patient or image" if sets < images else ""
    return f"{images} image{'s' if images > 1 else ''}{together}"


def _require_given(given: set[str], settings: SplitSettings) -> None:
    wanted = ["train", "valid", *(["test"] if settings.test else [])]
    missing = [part for part in wanted if part not in given]
    if missing:
        raise DataError(
            f"split.method = 'given', but the data hold no part {listed(missing)}; "
            "take `--set split.method=auto` to have it drawn"
        )


def _drop_copies(table: pd.DataFrame) -> pd.DataFrame:
    """Leave out images that stand on a later given side too: train before valid before test."""
    given = table[table["split"].isin(PARTS) & (table["content"] != "")]
    place = given["split"].map(PARTS.index)
    last = place.groupby(units_of(given, by_patient=False)).transform("max")
    return _leave_out(table, given.index[place < last], COPY)


def _drop_extra(table: pd.DataFrame, by_patient: bool) -> pd.DataFrame:
    """Leave out extra images that are, or whose patient is, in the validation or test part."""
    held = table[table["split"].isin(["valid", "test"])]
    extra = (table["origin"] == "extra") & (table["split"] == "train")
    known = _any_in(table, held, COPIES)
    if by_patient:
        known |= _any_in(table, held, ["group"])
    return _leave_out(
        table, table.index[extra & known], "extra image that is held out, or its patient"
    )


def _any_in(table: pd.DataFrame, others: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    """Return for each row whether one of the columns has a value that stands there in others."""
    found = [(table[name] != "") & table[name].isin(set(others[name])) for name in columns]
    return pd.concat(found, axis=1).any(axis=1)


def _leave_out(table: pd.DataFrame, index: pd.Index, note: str) -> pd.DataFrame:
    if len(index) == 0:
        return table
    console.warn(f"{len(index)} images are left out of training: {note}")
    table = table.copy()
    table.loc[index, ["split", "note"]] = [LEFT_OUT, note]
    return table


def _check_classes(table: pd.DataFrame, classes: Sequence[str]) -> None:
    training = set(table.loc[table["split"] == "train", "target"])
    missing = [name for name in classes if name not in training]
    if missing:
        raise DataError(f"the training part has no image of {listed(missing)}")
    for part in ("valid", "test"):
        present = set(table.loc[table["split"] == part, "target"])
        if present and not present.issuperset(classes):
            console.warn(f"the {part} part has no image of {listed({*classes} - present)}")
