"""Files of a run without what tells of the machine, or of the patients, where it was trained."""

import json
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import pandas as pd

from fastmed.data.metadata import PREFIX
from fastmed.data.pseudonyms import hidden_places
from fastmed.data.tables import read_table, write_table
from fastmed.files import read_info, write_json
from fastmed.results.calibration.fitted import rows_digest
from fastmed.state import pseudonyms

DATA = (
    "data"  # where a run from elsewhere looks for its data: a folder in itself, which isn't there
)
_OF_MACHINE = ("inputs", "reason", "track")  # of run.json: other folders, messages, accounts


def clear_run(folder: Path, identified: bool) -> None:
    """Clear the copied files of one run.

    Args:
        folder: of the copy.
        identified: True leaves the rows of tables as they are.
    """
    info = read_info(folder / "run.json")
    info = {key: value for key, value in info.items() if key not in (*_OF_MACHINE, "epochs")}
    tables = {"items.csv": _items, "calibration.csv": _rows}
    for table in sorted((folder / "predictions").glob("*.csv")):
        tables[table.relative_to(folder).as_posix()] = _rows
    for name, change in tables.items():
        if (folder / name).is_file() and not identified:
            _rewrite(folder / name, change)
    if "rows_sha256" in info.get("calibration", {}) and (folder / "calibration.csv").is_file():
        kept = read_table(folder / "calibration.csv")
        info["calibration"] = {**info["calibration"], "rows_sha256": rows_digest(kept)}
    write_json(folder / "run.json", {**info, "data": DATA})
    clear_task(folder / "task.json")


def clear_family(folder: Path, identified: bool) -> None:
    """Clear the copied files that a family has beside its runs."""
    write_json(folder / "family.json", {**read_info(folder / "family.json"), "data": DATA})
    clear_task(folder / "task.json")
    if not identified:
        _rewrite(folder / "items.csv", _items)
        for table in sorted((folder / "predictions").glob("*.csv")):
            _rewrite(table, _rows)


def clear_task(file: Path) -> None:
    """Leave of paths of the user's in a task only the last name."""
    task = json.loads(file.read_text(encoding="utf-8"))
    write_json(file, _without_folders(task))


def _without_folders(content: Any) -> Any:
    match content:
        case dict():
            return {key: _without_folders(value) for key, value in content.items()}
        case list():
            return [_without_folders(value) for value in content]
        case str() if _is_absolute(content):
            return PureWindowsPath(content).name or "."
    return content


def _is_absolute(text: str) -> bool:
    return PurePosixPath(text).is_absolute() or PureWindowsPath(text).is_absolute()


def _rewrite(file: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    write_table(change(read_table(file)), file)


def _items(items: pd.DataFrame) -> pd.DataFrame:
    """Return items under pseudonyms, without their metadata; their owner can still find them."""
    plain = items[[name for name in items.columns if not name.startswith(PREFIX)]]
    if items["image"].str.startswith("~").any():
        return plain
    return _rows(plain).assign(image=hidden_places(items["image"]))


def _rows(table: pd.DataFrame) -> pd.DataFrame:
    found = {
        name: pseudonyms(table[name].astype(str)) for name in ("item", "group") if name in table
    }
    return table.assign(**found)
