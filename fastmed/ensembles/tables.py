"""Predictions of any tool as one checked table, keyed by item."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import ValidationError

from fastmed import grades
from fastmed.console import note
from fastmed.data.layouts.labels import to_classes
from fastmed.data.tables import grades_of, read_table, score_columns, scores_of
from fastmed.ensembles.columns import SCORE, Columns, labels_with_roles, with_roles
from fastmed.ensembles.formats import rows_of_file
from fastmed.errors import DataError, listed
from fastmed.task import Task

ROUNDED = 0.05  # by how much rounded probabilities of a row may miss 1
MEMBERS = "ensemble"  # the name of a task that only files tell of


def read_file(file: Path, columns: Columns, task: Task | None) -> pd.DataFrame:
    """Return a file of predictions, by fastmed or another tool, with fastmed's names of columns.

    Args:
        file: CSV, JSON, NPZ or Parquet.
        columns: role -> column, as the user says.
        task: of the predictions; None where it isn't known.

    Raises:
        DataError: it can't be read, or it isn't clear which column is what.
    """
    if not columns and _is_own(file):
        return read_table(file)
    return with_roles(rows_of_file(file), columns, task, file)


def _is_own(file: Path) -> bool:
    """True for a predictions table as fastmed writes it as CSV."""
    if file.suffix.lower() != ".csv":
        return False
    with file.open("rb") as opened:
        line = opened.readline(100_000).decode("utf-8", "replace")
    names = [name.strip('"') for name in line.strip().split(",")]
    return names[0] == "item" and {"group", "target", "predicted", "split"} <= set(names)


def task_of_files(tables: Sequence[pd.DataFrame], cut_points: int | None) -> Task:
    """Return a task that knows nothing but the classes and the goal, as files tell them.

    Classes are those of score columns in their order, or else all that are predicted, sorted.

    Args:
        tables: of `read_file`.
        cut_points: how many the user gives; there is one grade more.

    Raises:
        DataError: fewer than two classes are found.
    """
    graded = cut_points is not None or any("value" in table for table in tables)
    classes = next(filter(None, map(_scored_classes, tables)), None)
    if classes is None:
        said = {str(name) for table in tables for name in _labels(table)}
        whole = all(name.isdigit() for name in said)
        classes = sorted(said, key=int) if whole else sorted(said)
    if len(classes) < 2:
        raise DataError(
            f"the files predict {listed(classes) or 'no class'} alone; --task says which classes "
            "there are"
        )
    return bare_task(classes, "grade" if graded else "category")


def bare_task(classes: Sequence[str], goal: str, cut_points: str | None = None) -> Task:
    """Return a task that knows the classes and the goal, and of grades the rule of cut points.

    Raises:
        DataError: these can't be classes.
    """
    try:
        return Task.model_validate(
            {"name": MEMBERS, "title": "An ensemble of files", "classes": list(classes),
             "goal": goal, "source": {"kind": "folders"}, "predict": {"cut_points": cut_points}}
        )  # fmt: skip
    except ValidationError as error:
        reason = error.errors()[0].get("ctx", {}).get("error", error.errors()[0]["msg"])
        raise DataError(f"the classes of the files can't be those of a task: {reason}") from None


def _scored_classes(table: pd.DataFrame) -> list[str]:
    """Return the classes that a table has scores of; those of single views don't count."""
    found = [name.removeprefix(SCORE) for name in table.columns if name.startswith(SCORE)]
    return [name for name in found if name.rpartition("@")[0] not in found]


def _labels(table: pd.DataFrame) -> list[str]:
    found = [table[name] for name in ("predicted", "target") if name in table]
    return [label for column in found for label in column.unique() if str(label) != ""]


def checked(table: pd.DataFrame, task: Task, place: str) -> pd.DataFrame:
    """Return a table of `read_file` as one of the task's, a row an image, by ``item``.

    Columns are ``predicted``, ``target`` and ``group`` (empty where nothing is known), and where
    the table has them the score of each class, and ``value`` of grades. Images that were not
    predicted are left out and counted.

    Args:
        table: of `read_file`.
        task: whose classes are meant; names may be numbers of classes.
        place: of the table, for messages.

    Raises:
        DataError: an image stands twice or has no name, or something is none of the classes, no
            number or no probability.
    """
    rows = pd.DataFrame({"item": table["item"].fillna("").astype(str)})
    _check_items(rows["item"], place)
    for name in ("target", "group"):
        rows[name] = table[name].fillna("").astype(str) if name in table else ""
    scores = _scores(table, task, place)
    rows["target"] = _classes(rows["target"], task, place)
    if scores is not None:
        rows[score_columns(task.classes)] = scores
    if task.goal == "grade" and "value" in table:
        rows["value"] = _numbers(table["value"], f"{place}, column 'value'")
    rows["predicted"] = _predicted(table, scores, rows, task, place)
    rows = rows[rows["predicted"] != ""]
    if len(rows) < len(table):
        note(f"{place}: {len(table) - len(rows)} of {len(table)} images have no prediction")
    if rows.empty:
        raise DataError(f"{place} has no predictions")
    halves = int(rows.drop(columns=["target", "group"]).isna().any(axis=1).sum())
    if halves:
        raise DataError(f"{place}: {halves} of {len(rows)} predicted images lack numbers")
    return rows.set_index("item")


def labels_table(sheet: pd.DataFrame, columns: Columns, task: Task, file: Path) -> pd.DataFrame:
    """Return ``target`` and ``group`` of images by ``item``, from a file of true labels.

    Raises:
        DataError: as `checked`.
    """
    found = labels_with_roles(sheet, columns, task, file).fillna("").astype(str)
    _check_items(found["item"], str(file))
    group = found.get("group", "")
    target = _classes(found["target"], task, str(file))
    return found[["item"]].assign(target=target, group=group).set_index("item")


def _check_items(items: pd.Series, place: str) -> None:
    if (items == "").any():
        raise DataError(f"{place}: {(items == '').sum()} rows don't name an image")
    repeated = items[items.duplicated()].unique()
    if len(repeated):
        raise DataError(f"{place}: {len(repeated)} images stand twice: {listed(repeated, 3)}")


def _classes(labels: pd.Series, task: Task, place: str) -> pd.Series:
    """Return names of classes for names or numbers; empty stays empty."""
    try:
        return to_classes(labels, labels, task.classes, task.source.rename)
    except DataError:
        unknown = sorted(set(labels) - {"", *task.classes})
        raise DataError(
            f"{place} has the classes {listed(unknown, 12)}, which are none of "
            f"{listed(task.classes, 12)}"
        ) from None


def _predicted(
    table: pd.DataFrame, scores: np.ndarray | None, rows: pd.DataFrame, task: Task, place: str
) -> pd.Series:
    """Return what is predicted: as the table says, or by its scores, or by its values."""
    if "predicted" in table:
        labels = table["predicted"].fillna("").astype(str)
        return _classes(labels, task, place)
    if scores is not None:
        known = ~np.isnan(scores).any(axis=1)
        chosen = np.where(known, np.nan_to_num(scores).argmax(axis=1), 0)
        return pd.Series(np.where(known, np.array(task.classes)[chosen], ""), rows.index)
    points = grades.round_points(len(task.classes))
    graded = grades.to_grades(rows["value"].to_numpy(), points)
    return pd.Series(np.array(task.classes)[graded], rows.index)


def _scores(table: pd.DataFrame, task: Task, place: str) -> np.ndarray | None:
    """Return the probabilities of a table, (n, K), rows sum to 1 or are empty; None without any."""
    found, needed = _scored_classes(table), list(task.classes)
    if not found:
        return None
    if len(needed) == 2 and len(found) == 1 and found[0] in needed:
        own = _numbers(table[f"{SCORE}{found[0]}"], f"{place}, column '{SCORE}{found[0]}'")
        scores = np.stack([1 - own, own][:: 1 if needed[1] == found[0] else -1], axis=1)
    elif sorted(found) != sorted(needed):
        raise DataError(
            f"{place} has scores of {listed(found, 12)}, but the classes are {listed(needed, 12)}"
        )
    else:
        columns = score_columns(needed)
        numbers = [_numbers(table[name], f"{place}, column '{name}'") for name in columns]
        scores = np.stack(numbers, axis=1)
    return _probabilities(scores, place)


def _probabilities(scores: np.ndarray, place: str) -> np.ndarray:
    known = ~np.isnan(scores).any(axis=1)
    sums = scores[known].sum(axis=1)
    wrong = (np.abs(sums - 1) > ROUNDED) | (scores[known] < 0).any(axis=1)
    if wrong.any():
        row = scores[known][wrong.argmax()]
        raise DataError(
            f"{place}: the scores of {wrong.sum()} of {len(scores)} rows are no probabilities, as "
            f"{', '.join(f'{score:.4g}' for score in row[:6])}; expected numbers from 0 that sum "
            "up to 1"
        )
    scores[known] /= sums[:, None]
    scores[~known] = np.nan
    return scores


def _numbers(column: pd.Series, place: str) -> np.ndarray:
    """Return numbers, (n,); not-a-number where a cell is empty."""
    try:
        numbers = pd.to_numeric(column.replace("", np.nan)).to_numpy(dtype=float)
    except (ValueError, TypeError):
        raise DataError(f"{place} holds text that is no number") from None
    if np.isinf(numbers).any():
        raise DataError(f"{place} holds infinite numbers")
    return np.asarray(numbers)


def positions(table: pd.DataFrame, task: Task) -> np.ndarray:
    """Return the predicted positions of a checked table, (n,)."""
    return grades_of(table["predicted"], task.classes)


def probabilities(table: pd.DataFrame, task: Task) -> np.ndarray | None:
    """Return the probabilities of a checked table, (n, K); None without any."""
    return scores_of(table, task.classes) if score_columns(task.classes)[0] in table else None
