"""The heat maps that a run keeps, as a report shows them: without the names of their files."""

from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from PIL import Image

from fastmed.console import visible
from fastmed.data.tables import read_table
from fastmed.errors import RunError
from fastmed.files import read_info
from fastmed.reporting.drawing import jpeg_of
from fastmed.results.figures.style import BOLD_LETTER, TITLE, wrapped
from fastmed.run import Run

FOLDER, INDEX, CHECKS = "heatmaps", "index.csv", "checks.json"
MOST = 40  # that a report shows; more are in the folder
WIDTH = 620  # pixels of a heat map in a report
_COLUMNS = ("file", "split", "method", "reason", "item", "target", "predicted", "explained")
_INK = 200  # of 255, below which a pixel is ink
_INCHES = 6.9  # width of the figure
_PAD, _LINE = 0.1, 1.3 * TITLE / 72  # inches above the title, and of one line of it


class HeatMap(NamedTuple):
    """One heat map.

    Attributes:
        file: of the figure.
        item: the image's name, which a report doesn't tell.
        method, reason: how it was made, and why of this image.
        target, predicted, explained: the true and the predicted class, and what the map is of.
    """

    file: Path
    item: str
    method: str
    reason: str
    target: str
    predicted: str
    explained: str


class Drawn(NamedTuple):
    """The heat maps of a part, and what was checked of them, by method."""

    maps: list[HeatMap]
    checks: dict[str, Any]


def drawn_of(run: Run, part: str | None) -> Drawn:
    """Return the heat maps of a part that a run keeps.

    Raises:
        RunError: their index is not as fastmed writes it.
    """
    folder = run.results / FOLDER
    if part is None or not (folder / INDEX).is_file():
        return Drawn([], {})
    index = read_table(folder / INDEX)
    if not set(_COLUMNS) <= set(index.columns):
        raise RunError(f"{folder / INDEX} is not as fastmed writes it")
    rows = index[index["split"] == part]
    maps = [_map_of(folder, row) for _, row in rows.iterrows()]
    return Drawn([one for one in maps if one.file.is_file()], _checks(folder, part))


def _map_of(folder: Path, row: pd.Series) -> HeatMap:
    cells = {name: str(row[name]) for name in _COLUMNS}
    file = folder / Path(cells["file"]).name
    names = ("item", "method", "reason", "target", "predicted", "explained")
    return HeatMap(file, *(cells[name] for name in names))


def _checks(folder: Path, part: str) -> dict[str, Any]:
    file = folder / CHECKS
    found = read_info(file).get(part, {}) if file.is_file() else {}
    return found if isinstance(found, dict) else {}


def shown(one: HeatMap) -> str | None:
    """Return a heat map as a JPEG data URI, without its title; None if it can't be read.

    The title of the figure is the name of the image's file, so it is cut off: the lines that it
    has, and what follows up to the first row without ink.
    """
    try:
        with Image.open(one.file) as opened:
            figure = opened.convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    ink = np.asarray(figure.convert("L")).min(axis=1) < _INK
    title = round((_PAD + _LINE * _lines(one.item)) * figure.width / _INCHES)
    below = np.flatnonzero(~ink[title:])
    if not len(below):
        return None
    return jpeg_of(figure.crop((0, title + int(below[0]), *figure.size)), WIDTH)


def _lines(item: str) -> int:
    """Return how many lines the name of an image has as the title of its figure."""
    return wrapped(visible(_title(item)), int(_INCHES / BOLD_LETTER)).count("\n") + 1


def _title(item: str) -> str:
    """Return the name of an image as `heatmap_figure` shortens it for its title."""
    parts = PurePosixPath(item).parts
    name = "/".join(parts[-2:]) if len(parts) > 1 else item
    return name if len(name) <= 70 else f"{name[:34]}…{name[-35:]}"
