"""What is compared: the predictions of runs and families on the same images."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from fastmed.data.tables import read_table
from fastmed.errors import DataError, RunError, listed
from fastmed.files import read_info
from fastmed.results.scores.sample import Sample, sample_of
from fastmed.run import FAMILY_FILE, Run
from fastmed.task import Task

FOLDS = "out-of-fold"
_FIRST_CHOICES = ("test", FOLDS)


@dataclass(frozen=True)
class Side:
    """One of the runs that are compared.

    Attributes:
        name: as tables and figures call it.
        path: of the run or family, or of one table of a family.
        task: that it was trained for.
        files: its predictions tables, by part or input.
    """

    name: str
    path: Path
    task: Task
    files: dict[str, Path]


def open_sides(paths: Sequence[str | Path]) -> list[Side]:
    """Return what is to be compared; one family stands for its trials over folds, or its runs.

    Raises:
        RunError: a folder is missing, stands twice, or there are fewer than two.
    """
    places = [Path(path) for path in paths]
    if len(places) == 1 and (places[0] / FAMILY_FILE).is_file():
        sides = members_of(places[0])
    else:
        sides = [side_of(place) for place in places]
    same = [side.path.resolve() for side in sides]
    if len(set(same)) < len(same):
        raise RunError("a run stands twice; compare it with another one")
    if len(sides) < 2:
        raise RunError("comparing takes at least two runs, or a family of several")
    return _named(sides)


def side_of(path: Path) -> Side:
    """Return a run, a search or a family with the predictions that it keeps."""
    if (path / FAMILY_FILE).is_file():
        task = Task.model_validate(read_info(path / "task.json"))
        return Side(str(path), path, task, _tables(path))
    run = Run.open(path)
    return Side(str(path), run.path, run.task, _tables(run.path))


def _tables(folder: Path) -> dict[str, Path]:
    return {file.stem: file for file in sorted((folder / "predictions").glob("*.csv"))}


def members_of(family: Path) -> list[Side]:
    """Return what one family stands for: its trials over all folds, or its runs."""
    whole = side_of(family)
    trials = {name: file for name, file in whole.files.items() if name.startswith(f"{FOLDS}-")}
    if len(trials) > 1:
        return [
            Side(name.removeprefix(f"{FOLDS}-"), file, whole.task, {FOLDS: file})
            for name, file in trials.items()
        ]
    return [side_of(file.parent) for file in sorted(family.glob("*/run.json"))]


def _named(sides: Sequence[Side]) -> list[Side]:
    """Return the sides under the names of their folders, or their paths where names are shared."""
    short = [Path(side.name).name for side in sides]
    unique = len(set(short)) == len(short)
    names = short if unique else [side.name for side in sides]
    return [
        Side(name, side.path, side.task, side.files)
        for name, side in zip(names, sides, strict=True)
    ]


def common_part(sides: Sequence[Side], split: str | None) -> str:
    """Return the part whose predictions all sides have.

    Raises:
        RunError: a side has none of it; the command that makes them is said.
    """
    for one in (split,) if split else _FIRST_CHOICES:
        if all(one in side.files for side in sides):
            return one
    wanted = split or "test"
    lacking = next(side for side in sides if wanted not in side.files)
    known = f" (it has {listed(lacking.files)})" if lacking.files else ""
    raise RunError(
        f"{lacking.path} has no predictions of '{wanted}'{known}; "
        f"`fastmed evaluate {lacking.path}` makes those of the test part, and --split names another"
    )


def samples_of(sides: Sequence[Side], part: str) -> list[Sample]:
    """Return the labelled predictions of each side, in the same order of images.

    Raises:
        DataError: the sides predict other classes, or other images, or these have other labels.
    """
    first = sides[0]
    for side in sides[1:]:
        if (side.task.classes, side.task.goal) != (first.task.classes, first.task.goal):
            raise DataError(f"{side.name} predicts other classes than {first.name}")
    tables = [_labelled(side, part) for side in sides]
    for side, table in zip(sides[1:], tables[1:], strict=True):
        _check_same(first.name, tables[0], side.name, table)
    groups = tables[0]["group"]
    return [
        sample_of(
            table.loc[tables[0].index].assign(group=groups).reset_index(),
            first.task.classes,
            first.task.goal,
        )
        for table in tables
    ]


def _labelled(side: Side, part: str) -> pd.DataFrame:
    table = read_table(side.files[part])
    missing = [name for name in ("item", "group", "target") if name not in table.columns]
    if missing:
        raise DataError(f"{side.files[part]} has no column {listed(missing)}")
    rows = table[table["target"] != ""].set_index("item")
    if rows.empty:
        raise DataError(f"none of the predictions in {side.files[part]} has a label")
    if not rows.index.is_unique:
        raise DataError(f"an image stands twice in {side.files[part]}")
    return rows


def _check_same(first: str, own: pd.DataFrame, second: str, other: pd.DataFrame) -> None:
    alone, new = own.index.difference(other.index), other.index.difference(own.index)
    if len(alone) or len(new):
        raise DataError(
            f"{first} and {second} were not scored on the same images: {len(alone)} of "
            f"{len(own)} are only in the first, {len(new)} of {len(other)} only in the second; "
            "evaluate both on one labelled set"
        )
    changed = int(np.sum(own["target"].to_numpy() != other.loc[own.index, "target"].to_numpy()))
    if changed:
        raise DataError(
            f"{changed} of {len(own)} images have another label in {second} than in {first}; "
            "evaluate both on one labelled set"
        )
