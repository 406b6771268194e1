"""How the parts of a card's data came to be, and at which level they are disjoint."""

from pathlib import PurePosixPath
from typing import Any, NamedTuple

import pandas as pd

from fastmed.data.layouts.arrays import MEDMNIST
from fastmed.data.layouts.folders import PART_NAMES
from fastmed.settings.sources import PARTS, FoldersSource
from fastmed.task import Task

Table = dict[str, Any]
HELD = ("valid", "test")
_ARRAYS = {f"{name}_images": part for name, part in MEDMNIST.items()}


class Given(NamedTuple):
    """Parts that the data set gives.

    Attributes:
        parts: which ones; None if a column says so, and it isn't known for which.
        by: what says so; None if none is given.
    """

    parts: list[str] | None
    by: str | None


def sides_of(items: pd.DataFrame) -> pd.Series:
    """Return who uses each image: its part, or the fold that it is tested in; empty for none."""
    parts = items["split"].where(items["split"].isin(PARTS), "")
    return parts.mask(items["fold"] >= 0, "fold " + items["fold"].astype(str))


def split_section(items: pd.DataFrame, task: Task, patients: Table) -> Table:
    """Return how images were shared out.

    Args:
        items: with the parts, or the folds.
        task: that they are of.
        patients: the card's section about them.
    """
    given, level = given_parts(items, task), _level(patients)
    folds = int(items["fold"].max() + 1) if len(items) else 0
    drawn = [name for name in HELD if (items["split"] == name).any()]
    drawn = [] if task.split.method == "given" else drawn
    copies = in_several(items, "content")
    apart = "" if copies else ", and identical images are on one side"
    drawn = drawn if given.parts is None else [name for name in drawn if name not in given.parts]
    return {
        "method": task.split.method,
        "level": level,
        "given": given.parts,
        "given_by": given.by,
        "drawn": None if given.parts is None else drawn,
        "shares": {"valid": task.split.valid, "test": task.split.test},
        "seed": task.split.seed,
        "folds": folds or None,
        "copies_in_several_parts": copies,
        "sentence": f"{_told(task, given, drawn, folds)}; disjoint by {level}{apart}."
        if folds or (items["split"] == "train").any()
        else "there is no training part: the network was trained elsewhere.",
    }


def in_several(items: pd.DataFrame, column: str) -> int:
    """Return how many values of a column stand on several sides."""
    known = items.assign(side=sides_of(items))
    known = known[(known["side"] != "") & (known[column] != "")]
    return int((known.groupby(column)["side"].nunique() > 1).sum())


def given_parts(items: pd.DataFrame, task: Task) -> Given:
    """Return which parts the data set gives, by its layout."""
    source = task.source
    if getattr(source, "part", None) is not None:
        return Given(None, "a column")
    files = [name for name in HELD if getattr(source, f"{name}_file", None) is not None]
    if files:
        return Given(files, "files of their own")
    main = items[items["origin"] == "main"]
    if isinstance(source, FoldersSource):
        found = {_part_folder(image, source.folder, task.classes) for image in main["image"]}
        by = "folders"
    else:
        found, by = {_ARRAYS.get(name, "") for name in main["array"]}, "arrays"
    parts = [name for name in HELD if name in found]
    return Given(parts, by if parts else None)


def _part_folder(image: str, folder: str, classes: tuple[str, ...]) -> str:
    """Return the part that the first folder below the source's is called after, if it is one."""
    steps = PurePosixPath(image).parts[len(PurePosixPath(folder).parts) :]
    name = steps[0].lower() if len(steps) > 2 else ""
    return "" if name in classes else PART_NAMES.get(name, "")


def _level(patients: Table) -> str:
    """Return at which level the parts are disjoint, as the items themselves show it."""
    if patients["known"] == "none" or patients["in_several_parts"]:
        return "image"
    return "patient" if patients["known"] == "all" else "patient where known"


def _told(task: Task, given: Given, drawn: list[str], folds: int) -> str:
    split = task.split
    if folds:
        return f"{folds} folds, stratified by class, seed {split.seed}; each is tested once"
    if given.parts is None:
        return "a column of the data set gives parts, and what it does not give was drawn"
    parts = [f"{' and '.join(given.parts)} given by {given.by}"] if given.parts else []
    shares = ", ".join(f"{name} {getattr(split, name):.0%}" for name in drawn)
    if drawn:
        rest = "drawn from the rest" if given.parts else "drawn"
        parts.append(f"{rest}, stratified by class: {shares}, seed {split.seed}")
    return "; ".join(parts) or "all images train"
