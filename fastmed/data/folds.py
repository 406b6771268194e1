"""Folds: every image is tested once, by a network that never saw it or its patient."""

from collections.abc import Sequence

import pandas as pd

from fastmed import console
from fastmed.data.balance import balance_items
from fastmed.data.split import assign_sides, split_items, units_of
from fastmed.data.tables import LEFT_OUT
from fastmed.errors import DataError, TaskError
from fastmed.settings.data import SplitSettings
from fastmed.task import Task

NO_FOLD = -1
KEPT = "test part of the data, kept for all folds together"


def fold_items(items: pd.DataFrame, task: Task, folds: int) -> pd.DataFrame:
    """Return the items with ``fold`` filled: stratified by class, patients and copies together.

    A test part, given or drawn by ``split.test``, is in no fold. A given validation part is shared
    out with the training part. Extra images are in no fold: they train in each.

    Args:
        items: inspected, with ``split`` as the data give it.
        folds: how many, 2 or more.

    Raises:
        TaskError: fewer than two folds, or no validation part within each.
        DataError: a class has too few images or patients for so many folds.
    """
    if folds < 2:
        raise TaskError(f"{folds} fold(s) leave nothing to train with; take 2 or more")
    if not task.split.valid:
        raise TaskError(
            "each fold needs a validation part to choose its epoch on; set split.valid above 0"
        )
    table = split_items(_without_valid(items), _drawing_test_only(task.split), task.classes)
    shared = (table["origin"] == "main") & (table["split"] == "train")
    pool = table[shared].sort_values("item")
    unit = units_of(pool, task.split.method != "stratified")
    _check_classes(pool.assign(unit=unit), folds, task.classes)
    counts = pd.crosstab(unit, pool["target"].to_numpy()).reindex(
        columns=[*task.classes], fill_value=0
    )
    sides = assign_sides(counts.to_numpy(), [1 / folds] * folds, task.split.seed)
    fold = pd.Series(sides[unit], index=pool.index).reindex(table.index, fill_value=NO_FOLD)
    return table.assign(fold=fold)


def items_of_fold(items: pd.DataFrame, task: Task, fold: int) -> pd.DataFrame:
    """Return the items of one fold's run: the fold is its test part, and the rest is split anew.

    The validation part is drawn from the other folds by ``split.valid``. So the fold has no say in
    the choice of the epoch, nor in cut points or anything else that is fitted.

    Args:
        items: of `fold_items`.
        fold: its number, from 0.
    """
    table = items.copy()
    apart = table["split"] == "test"
    table.loc[apart, ["split", "note"]] = [LEFT_OUT, KEPT]
    table.loc[table["fold"] == fold, "split"] = "test"
    settings = task.split.model_copy(update={"method": _drawn(task.split), "test": 0.0})
    table = split_items(table, settings, task.classes)
    return balance_items(table, task.balance, task.classes, task.split.seed)


def _without_valid(items: pd.DataFrame) -> pd.DataFrame:
    given = (items["split"] == "valid") & (items["origin"] == "main")
    if given.any():
        console.note(f"The given validation part ({given.sum()} images) is shared out to the folds")
    return items.assign(split=items["split"].mask(given, "train"))


def _drawing_test_only(settings: SplitSettings) -> SplitSettings:
    return settings.model_copy(update={"method": _drawn(settings), "valid": 0.0})


def _drawn(settings: SplitSettings) -> str:
    """Return how parts are drawn; a task that draws none has its folds drawn all the same."""
    return "auto" if settings.method == "given" else settings.method


def _check_classes(pool: pd.DataFrame, folds: int, classes: Sequence[str]) -> None:
    """Refuse more folds than a class has images, or sets of images that stay together.

    One set more than there are folds is needed, since a validation part is drawn besides.
    """
    for name in classes:
        rows = pool[pool["target"] == name]
        sets = rows["unit"].nunique()
        if sets < folds + 1:
            together = f" of {sets} patient(s) or copies" if sets < len(rows) else ""
            way = f"take --folds {sets - 1}" if sets > 2 else "add images"
            raise DataError(
                f"class '{name}' has {len(rows)} image(s){together}, too few to be in each of "
                f"{folds} folds and in a validation part; {way}"
            )
