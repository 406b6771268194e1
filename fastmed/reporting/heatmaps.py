"""The heat maps that a run keeps, as a report shows them: without the names of their files."""

from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from PIL import Image

from fastmed.data.tables import read_table
from fastmed.errors import RunError
from fastmed.files import read_info
from fastmed.reporting.drawing import jpeg_of
from fastmed.run import Run

FOLDER, UNNAMED, INDEX, CHECKS = "heatmaps", "unnamed", "index.csv", "checks.json"
MOST = 40  # that a report shows; more are in the folder
WIDTH = 620  # pixels of a heat map in a report
_COLUMNS = ("file", "split", "method", "reason", "item", "target", "predicted", "explained")


class HeatMap(NamedTuple):
    """One heat map.

    Attributes:
        file: of the figure without the image's name.
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
    """The heat maps of a part.

    Attributes:
        maps: those that a report can show.
        checks: what was checked of them, by method.
        named: how many there are with the image's name alone, as earlier versions drew them.
    """

    maps: list[HeatMap]
    checks: dict[str, Any]
    named: int = 0


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
    there = [one for one in maps if one.file.is_file()]
    named = sum((folder / one.file.name).is_file() for one in maps if not one.file.is_file())
    return Drawn(there, _checks(folder, part), named)


def _map_of(folder: Path, row: pd.Series) -> HeatMap:
    cells = {name: str(row[name]) for name in _COLUMNS}
    file = folder / UNNAMED / Path(cells["file"]).name
    names = ("item", "method", "reason", "target", "predicted", "explained")
    return HeatMap(file, *(cells[name] for name in names))


def _checks(folder: Path, part: str) -> dict[str, Any]:
    file = folder / CHECKS
    found = read_info(file).get(part, {}) if file.is_file() else {}
    return found if isinstance(found, dict) else {}


def shown(one: HeatMap) -> str | None:
    """Return a heat map as a JPEG data URI; None if it can't be read."""
    try:
        with Image.open(one.file) as opened:
            return jpeg_of(opened, WIDTH)
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
