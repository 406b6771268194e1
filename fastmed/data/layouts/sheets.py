"""CSV files as people write them: any separator, with or without a byte order mark."""

import csv
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from fastmed.errors import DataError, listed, nearest

SEPARATORS = (",", ";", "\t", "|")
_LONGEST_LINE = 100_000


def read_sheet(path: Path, separator: str | None = None) -> pd.DataFrame:
    """Return a CSV file with every cell as stripped text; the index is the row's line number.

    Args:
        separator: between columns; None takes the one that parts the first line most often.

    Raises:
        DataError: the file is missing, empty, not UTF-8 text, or not a table.
    """
    if not path.is_file():
        raise DataError(f"there is no file {path}")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline(_LONGEST_LINE)
            separator = separator or max(SEPARATORS, key=first.count)
            columns = _columns(first, separator, path)
            reader = csv.reader(file, delimiter=separator)
            rows = [(reader.line_num + 1, row) for row in reader if any(map(str.strip, row))]
    except UnicodeDecodeError:
        raise DataError(f"{path} is not UTF-8 text; save it as CSV in UTF-8") from None
    except csv.Error as error:
        raise DataError(f"{path} is not a table ({error})") from None
    cells = [_cells(row, len(columns), f"{path}, line {line}") for line, row in rows]
    return pd.DataFrame(cells, index=[line for line, _ in rows], columns=columns, dtype=str)


def require_columns(sheet: pd.DataFrame, columns: Sequence[str], path: Path) -> None:
    """Refuse a sheet that lacks a column.

    Raises:
        DataError: names the first missing column and the nearest one.
    """
    for column in columns:
        if column not in sheet.columns:
            close = nearest(column, sheet.columns) or f"; it has {listed(sheet.columns, 12)}"
            raise DataError(f"{path} has no column '{column}'{close}")


def _columns(first: str, separator: str, path: Path) -> list[str]:
    if not first.strip():
        raise DataError(f"{path} is empty; expected a first line with names of columns")
    columns = [name.strip() for name in next(csv.reader([first], delimiter=separator))]
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise DataError(f"{path} has several columns named {listed(twice)}")
    return columns


def _cells(row: list[str], width: int, place: str) -> list[str]:
    """Return a row's cells: as many as there are columns, missing ones empty."""
    if any(cell.strip() for cell in row[width:]):
        raise DataError(f"{place} has {len(row)} cells, but there are {width} columns")
    return [cell.strip() for cell in row[:width]] + [""] * (width - len(row))
