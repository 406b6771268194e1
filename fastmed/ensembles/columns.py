"""Which column of another tool's file is what: as the user says, or by names that are common."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from fastmed.console import note
from fastmed.data.inputs import IMAGE_COLUMNS
from fastmed.data.layouts.sheets import require_columns
from fastmed.data.tables import score_columns
from fastmed.errors import DataError, listed, nearest
from fastmed.settings.sources import DicomSource, TableSource
from fastmed.task import Task

ROLES = ("item", "predicted", "target", "group", "value")
SCORE = "score_"
PREDICTED_COLUMNS = ("predicted", "prediction", "pred", "label", "class")
TARGET_COLUMNS = ("target", "label", "class", "diagnosis", "truth")
_NEXT = re.compile(rf",(?=\s*(?:{'|'.join(ROLES)}|{SCORE}[^=]*)\s*=)")

Columns = Mapping[str, str]


def parse_columns(
    texts: Sequence[str], files: Sequence[Path], labels: Path | None = None
) -> dict[Path, Columns]:
    """Return for each file which column has which role, as ``item=name,predicted=label`` says.

    A text that begins with the path or name of a file and a colon holds for this file, and any
    other one for all of predictions.

    Args:
        texts: of the option.
        files: of predictions that are read by it.
        labels: a file of labels that is read by it.

    Raises:
        DataError: a text is not of this form, a role is unknown, or nothing is read by it.
    """
    every = [*files, *([labels] if labels else [])]
    if texts and not every:
        raise DataError("--columns has no effect where no member is a file")
    found: dict[Path, dict[str, str]] = {file: {} for file in every}
    for text in texts:
        meant, pairs = _meant(text, files, every)
        for file in meant:
            found[file] |= pairs
    return {**found}


def _meant(
    text: str, files: Sequence[Path], every: Sequence[Path]
) -> tuple[list[Path], dict[str, str]]:
    for file in every:
        for name in (str(file), file.name):
            if text.startswith(f"{name}:"):
                return [file], _pairs(text.removeprefix(f"{name}:"))
    return [*files], _pairs(text)


def _pairs(text: str) -> dict[str, str]:
    found = {}
    for pair in _NEXT.split(text):
        role, equals, column = (part.strip() for part in pair.partition("="))
        if not equals or not column:
            raise DataError(
                f"--columns {text} is not ROLE=COLUMN,..., as in item=name,predicted=label, or "
                "FILE:item=name for one of the files"
            )
        if role not in ROLES and not role.startswith(SCORE):
            close = nearest(role, ROLES) or f"; roles are {listed(ROLES)} and '{SCORE}CLASS'"
            raise DataError(f"--columns names no role '{role}'{close}")
        found[role] = column
    return found


def with_roles(
    sheet: pd.DataFrame, columns: Columns, task: Task | None, file: Path
) -> pd.DataFrame:
    """Return a file of predictions with its columns called as fastmed calls them.

    Roles that the user doesn't name are found by common names: `IMAGE_COLUMNS` and
    `PREDICTED_COLUMNS`, those of the task's own table, and columns named as the classes, which
    hold their scores. What was found is noted.

    Args:
        sheet: as it was read.
        columns: role -> column, as the user says.
        task: of the predictions; None where it isn't known.
        file: for messages.

    Raises:
        DataError: a column is missing, or there is none that names images or predicts.
    """
    require_columns(sheet, list(columns.values()), file)
    told = {**columns}
    own_image, own_label = _own_names(task)
    if "item" not in told:
        told |= _first("item", ("item", *own_image, *IMAGE_COLUMNS), sheet)
    told |= {**_score_roles(sheet, told, task), **told}
    for role in ("predicted", "target", "group", "value"):
        if role in sheet and role not in told and role not in told.values():
            told[role] = role
    if "predicted" not in told and not any(role.startswith(SCORE) for role in told):
        told |= _first("predicted", (*own_label, *PREDICTED_COLUMNS), sheet)
    return _taken(sheet, told, columns, file, "predicted")


def labels_with_roles(
    sheet: pd.DataFrame, columns: Columns, task: Task | None, file: Path
) -> pd.DataFrame:
    """Return a file of true labels with the columns ``item``, ``target`` and, if known, ``group``.

    Args and errors are those of `with_roles`.
    """
    require_columns(sheet, list(columns.values()), file)
    told = {**columns}
    own_image, own_label = _own_names(task)
    if "item" not in told:
        told |= _first("item", ("item", *own_image, *IMAGE_COLUMNS), sheet)
    if "target" not in told:
        told |= _first("target", (*own_label, *TARGET_COLUMNS), sheet)
    if "group" in sheet and "group" not in told:
        told["group"] = "group"
    return _taken(sheet, told, columns, file, "target")


def _own_names(task: Task | None) -> tuple[list[str], list[str]]:
    """Return how the task's own tables name images and labels."""
    sources = [] if task is None else [task.source, task.extra]
    own = [source for source in sources if isinstance(source, TableSource | DicomSource)]
    return [source.image for source in own], [source.label for source in own]


def _first(role: str, names: Sequence[str], sheet: pd.DataFrame) -> dict[str, str]:
    """Return the first of some names that a sheet has as a column, for a role; or nothing."""
    return next(({role: name} for name in names if name in sheet.columns), {})


def _score_roles(sheet: pd.DataFrame, told: Columns, task: Task | None) -> dict[str, str]:
    """Return the columns of scores that the user doesn't name: all classes', or none."""
    if any(role.startswith(SCORE) for role in told):
        return {}
    own = {name: name for name in sheet.columns if name.startswith(SCORE)}
    if own or task is None:
        return own
    if not set(task.classes) <= set(sheet.columns):
        return {}
    return dict(zip(score_columns(task.classes), task.classes, strict=True))


def _taken(
    sheet: pd.DataFrame, told: Columns, said: Columns, file: Path, needed: str
) -> pd.DataFrame:
    scored = needed == "predicted" and any(role.startswith(SCORE) for role in told)
    if "item" not in told or not (needed in told or scored):
        lacking = needed if "item" in told else "item"
        raise DataError(
            f"{file} has {listed(sheet.columns, 12)}, and it isn't said which column is what; name "
            f"them, as in --columns {lacking}={sheet.columns[0]}"
        )
    guessed = {role: column for role, column in told.items() if role not in said}
    if any(role != column for role, column in guessed.items()):
        pairs = ",".join(f"{role}={column}" for role, column in told.items())
        note(f"{file.name}: columns are taken as {pairs}")
    return pd.DataFrame({role: sheet[column] for role, column in told.items()})
