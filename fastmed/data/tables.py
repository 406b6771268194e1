"""The two tables of fastmed, *items* and *predictions*: their columns, checks and CSV files."""

import csv
import re
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TextIO

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from fastmed.data.names import check_utf8
from fastmed.errors import DataError, listed
from fastmed.files import write_whole
from fastmed.settings.sources import PARTS

LEFT_OUT = "left_out"
SPLITS = ("", *PARTS, LEFT_OUT)

# Column of items -> the value that stands where nothing is known. `meta_*` columns may follow.
ITEM_DEFAULTS: dict[str, str | int] = {
    "item": "",  # unique name of the image
    "image": "",  # path relative to the root of the data, with forward slashes
    "array": "",  # name of the array in an NPZ file
    "index": -1,  # position in that array
    "target": "",  # class name; empty where there is no label
    "group": "",  # patient; empty where nothing is known
    "origin": "main",  # main | extra
    "split": "",  # train | valid | test | left_out; empty before the split
    "fold": -1,  # in which it is tested; -1 without folds
    "copies": 1,  # how often a training image is used in an epoch
    "note": "",  # why an image is left out
    "content": "",  # SHA-256 of the image's bytes
    "decoded": "",  # SHA-256 of its pixels, whatever the format they were written in
    "decoder": "",  # what decoded it
    "scaling": "",  # how its values became 0 to 255
}
ROOT = "root"


def items_table(rows: pd.DataFrame, root: Path) -> pd.DataFrame:
    """Return the rows as a checked items table with every column; the root goes into ``attrs``.

    Raises:
        DataError: no rows, or two rows with the same name.
    """
    if rows.empty:
        raise DataError(f"no images found in {root}")
    check_utf8(map(str, rows["item"]))
    meta = [column for column in rows.columns if column.startswith("meta_")]
    items = rows.reindex(columns=[*ITEM_DEFAULTS, *meta])
    for column, default in ITEM_DEFAULTS.items():
        filled = items[column].astype(object).where(items[column].notna(), default)
        items[column] = filled.astype("int64" if isinstance(default, int) else "str")
    repeated = items["item"][items["item"].duplicated()]
    if len(repeated):
        raise DataError(f"{len(repeated)} images stand twice in the data: {listed(repeated, 3)}")
    items = items.reset_index(drop=True)
    items.attrs[ROOT] = str(root)
    return items


def root_of(items: pd.DataFrame) -> Path:
    """Return the folder that the items' image paths start from."""
    if ROOT not in items.attrs:
        raise DataError("the items don't say where their images are; set items.attrs['root']")
    return Path(items.attrs[ROOT])


def part(items: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the items of one part (train, valid, test), in their order."""
    return items[items["split"] == name]


def group_keys(table: pd.DataFrame) -> np.ndarray:
    """Return a patient for each row; a row without one is a patient of its own."""
    group, item = table["group"].to_numpy(dtype=str), table["item"].to_numpy(dtype=str)
    known = group != ""
    return np.where(known, np.char.add("g:", group), np.char.add("i:", item))


def grades_of(names: Sequence[str] | pd.Series, classes: Sequence[str]) -> np.ndarray:
    """Return the position of each class name, (n,) int64; -1 for an empty name.

    Raises:
        DataError: a name is none of the classes.
    """
    position = {"": -1, **{name: place for place, name in enumerate(classes)}}
    unknown = sorted(set(names) - set(position))
    if unknown:
        raise DataError(f"label {listed(unknown)} is none of the classes {listed(classes, 12)}")
    return np.array([position[name] for name in names], dtype=np.int64)


def score_columns(classes: Sequence[str]) -> list[str]:
    """Return the names of the columns that hold each class's score."""
    return [f"score_{name}" for name in classes]


def scores_of(predictions: pd.DataFrame, classes: Sequence[str]) -> np.ndarray:
    """Return the scores of a predictions table, (n, classes) float64."""
    return predictions[score_columns(classes)].to_numpy(dtype=float)


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV, as a whole; numbers keep enough digits to be read back equal.

    Text that a spreadsheet would run as a formula gets an apostrophe in front (OWASP, CSV
    injection); `read_table` takes it off again.
    """
    write_tables([table], path)


def write_tables(tables: Iterable[pd.DataFrame], path: Path) -> None:
    """Write the rows of tables with the same columns as `write_table` writes those of one."""

    def write(place: Path) -> None:
        with place.open("w", encoding="utf-8", newline="") as file:
            for number, table in enumerate(tables):
                _append(table, file, header=number == 0)

    write_whole(path, write)


def _append(table: pd.DataFrame, file: TextIO, header: bool) -> None:
    shielded = table.rename(columns=_shielded)
    texts = [place for place, kind in enumerate(table.dtypes) if not is_numeric_dtype(kind)]
    for place in texts:
        shielded.isetitem(place, [*map(_shielded, table.iloc[:, place])])
    returns = any(shielded.iloc[:, place].map(_has_return).any() for place in texts)
    write = partial(shielded.to_csv, file, index=False, header=header)
    write(quoting=csv.QUOTE_NONNUMERIC) if returns else write()


def read_table(path: Path) -> pd.DataFrame:
    """Return a table that fastmed wrote: text columns stay text, empty cells are empty text.

    Raises:
        DataError: the file is damaged.
    """
    try:
        return _typed(pd.read_csv(path, keep_default_na=False, dtype=str).rename(columns=_bared))
    except ValueError as error:
        reason = str(error).strip().splitlines()[0]
        raise DataError(f"{path} is not a table as fastmed writes it: {reason}") from None


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    """Return text as it was before it was shielded, and numbers where they are expected."""
    for column in table.columns:
        if column in _NUMBERS or column.startswith(("score_", "value@")):
            table[column] = pd.to_numeric(table[column])
        elif column in _FLAGS:
            table[column] = _flags(table[column])
        elif column.startswith("meta_"):
            table[column] = _numbers_if_all(table[column].map(_bared))
        else:
            table[column] = table[column].map(_bared)
    return table


_FORMULA = re.compile(r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_SHIELDED = re.compile(rf"'+{_FORMULA.pattern}")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


def _shielded(cell: object) -> object:
    """Return a cell with an apostrophe in front if it begins as a formula does."""
    if not isinstance(cell, str):
        return cell
    formula = _FORMULA.match(cell) and not _NUMBER.fullmatch(cell)
    return f"'{cell}" if formula or _SHIELDED.match(cell) else cell


def _bared(cell: str) -> str:
    return cell[1:] if _SHIELDED.match(cell) else cell


def _has_return(cell: object) -> bool:
    """True for text with a carriage return, which pandas doesn't quote by itself."""
    return isinstance(cell, str) and "\r" in cell


_NUMBERS = (
    "index",
    "fold",
    "copies",
    "value",
    "grade",
    "loss",
    "threshold",
    "distance",
    "spread",
    "images",
)
_FLAGS = ("flagged", "abstained")


def _flags(column: pd.Series) -> pd.Series:
    """Return True and False; if any is empty, as it is for what could not be read, with gaps."""
    flags = column == "True"
    return flags.astype("boolean").mask(column == "") if (column == "").any() else flags


def _numbers_if_all(column: pd.Series) -> pd.Series:
    try:
        return pd.to_numeric(column)
    except ValueError:
        return column
