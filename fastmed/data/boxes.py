"""Boxes that readers have drawn around findings, from the table of a data set."""

from pathlib import Path

import numpy as np
import pandas as pd

from fastmed.data.layouts.rows import rows_of
from fastmed.data.layouts.sheets import read_sheet, require_columns
from fastmed.data.layouts.table import folders_of
from fastmed.data.tables import root_of
from fastmed.errors import DataError
from fastmed.settings.sources import DicomSource, TableSource
from fastmed.task import Task

SIDES = ["x", "y", "width", "height"]


def boxes_of(task: Task, items: pd.DataFrame, file: Path | None = None) -> dict[str, np.ndarray]:
    """Return the boxes of the items that have any: (n, 4) left, top, right, bottom.

    They are in pixels of the image as it is stored, from its upper left corner.

    Args:
        task: whose source says how images are named, and where the table is.
        items: whose boxes are wanted.
        file: a table with a row for each box: the source's column of images, ``x``, ``y``,
            ``width`` and ``height``; a row without them is of an image without boxes. None takes
            the table that the source names.

    Raises:
        DataError: there is no such table, or it is not as expected; no item has a box.
    """
    root = root_of(items)
    source, path = boxes_file(task, root, file)
    sheet = read_sheet(path, None if file else source.separator)
    require_columns(sheet, [source.image, *SIDES], path)
    sheet = sheet[(sheet[SIDES] != "").any(axis=1)]
    numbers = _numbers(sheet, path)
    names = sheet[source.image].rename(path.name)
    rows = rows_of(names, names, root, folders_of(source), [source.suffix])
    left, top, width, height = numbers.T
    corners = np.stack([left, top, left + width, top + height], axis=1)
    wanted = set(items["item"])
    found: dict[str, list[np.ndarray]] = {}
    for item, corner in zip(rows["item"], corners, strict=True):
        if item in wanted:
            found.setdefault(item, []).append(corner)
    if not found:
        raise DataError(f"{path} has no box of any of these {len(items)} images")
    return {item: np.stack(some) for item, some in found.items()}


def boxes_file(
    task: Task, root: Path, file: Path | None = None
) -> tuple[DicomSource | TableSource, Path]:
    """Return the task's source, whose images have names, and the table of their boxes.

    Args:
        task: whose source may name a table.
        root: the data folder.
        file: another table; None takes the source's.

    Raises:
        DataError: the source has no names, or there is no table.
    """
    source = task.source
    if not isinstance(source, DicomSource | TableSource):
        raise DataError(
            f"boxes are read for sources of kind dicom or table, whose images have names; this "
            f"one is of kind {source.kind}"
        )
    named = getattr(source, "boxes", None)
    if file is None and named is None:
        raise DataError(
            "the task names no table of boxes; name one with --boxes FILE, or in the task with "
            "source.boxes"
        )
    path = file or root / str(named)
    if not path.is_file():
        raise DataError(f"there is no table of boxes {path}; name one with --boxes FILE")
    return source, path


def _numbers(sheet: pd.DataFrame, path: Path) -> np.ndarray:
    """Return the sides of boxes (n, 4).

    Raises:
        DataError: one is no number, or has no size.
    """
    numbers = sheet[SIDES].apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    wrong = ~np.isfinite(numbers).all(axis=1) | (numbers[:, 2:] <= 0).any(axis=1)
    if wrong.any():
        line = sheet.index[int(wrong.argmax())]
        raise DataError(
            f"{path}, line {line}: {', '.join(SIDES)} are no box; expected four numbers, the last "
            "two above 0, or none of them"
        )
    return np.asarray(numbers)
