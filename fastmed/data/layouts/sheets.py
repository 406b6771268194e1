"""CSV files as people write them: any separator, with or without a byte order mark."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TextIO

import pandas as pd

from fastmed.errors import DataError, listed, nearest

SEPARATORS = (",", ";", "\t", "|")
_LONGEST_LINE = 1_000_000  # characters
_MOST_LINES = 2_000_000
_MOST_COLUMNS = 10_000
_MOST_CELLS = 10_000_000


def read_sheet(path: Path, separator: str | None = None) -> pd.DataFrame:
    """Return a CSV file with every cell as stripped text; the index is the row's line number.

    Args:
        separator: between columns; None takes the one that parts the first line most often.

    Raises:
        DataError: the file is missing, empty, not UTF-8 text, not a table, or larger than the
            largest data sets have need of.
    """
    return next(read_sheet_parts(path, None, separator))


def read_sheet_parts(
    path: Path, rows: int | None, separator: str | None = None
) -> Iterator[pd.DataFrame]:
    """Yield a CSV file as `read_sheet` reads it, so many rows at a time; None takes all at once.

    A file without rows gives one part without rows.
    """
    if not path.is_file():
        raise DataError(f"there is no file {path}")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = _lines(file, path)
            first = next(lines, "")
            separator = separator or max(SEPARATORS, key=first.count)
            columns = _columns(first, separator, path)
            numbered = _rows(lines, separator, path, 2)
            part = _table(columns, islice(numbered, rows), path)
            while True:
                yield part
                some = list(islice(numbered, rows)) if rows else []
                if not some:
                    return
                part = _table(columns, some, path)
    except UnicodeDecodeError:
        raise DataError(f"{path} is not UTF-8 text; save it as CSV in UTF-8") from None


def require_columns(sheet: pd.DataFrame, columns: Sequence[str], path: Path) -> None:
    """Refuse a sheet that lacks a column.

    Raises:
        DataError: names the first missing column and the nearest one.
    """
    for column in columns:
        if column not in sheet.columns:
            close = nearest(column, sheet.columns) or f"; it has {listed(sheet.columns, 12)}"
            raise DataError(f"{path} has no column '{column}'{close}")


def _lines(file: TextIO, path: Path) -> Iterator[str]:
    """Yield the lines of a file, each with its end, none of them read as a whole if too long."""
    for number in range(1, _MOST_LINES + 2):
        line = file.readline(_LONGEST_LINE + 1)
        if not line:
            return
        if len(line) > _LONGEST_LINE:
            raise DataError(f"{path}, line {number} has more than {_LONGEST_LINE:,} characters")
        if "\0" in line:
            raise DataError(f"{path}, line {number} holds a zero byte; save it as CSV in UTF-8")
        yield line
    raise DataError(f"{path} has more than {_MOST_LINES:,} lines")


def _columns(first: str, separator: str, path: Path) -> list[str]:
    if not first.strip():
        raise DataError(f"{path} is empty; expected a first line with names of columns")
    rows = list(_rows(iter([first]), separator, path, 1))
    columns = [name.strip() for name in rows[0][1]]
    if len(columns) > _MOST_COLUMNS:
        raise DataError(f"{path} has {len(columns):,} columns, more than {_MOST_COLUMNS:,}")
    twice = sorted(name for name, count in Counter(columns).items() if count > 1)
    if twice:
        raise DataError(f"{path} has several columns named {listed(twice)}")
    return columns


def _table(
    columns: list[str], numbered: Iterable[tuple[int, list[str]]], path: Path
) -> pd.DataFrame:
    """Return rows, each with the number of its line; those without content are passed by."""
    numbers: list[int] = []
    cells: list[list[str]] = [[] for _ in columns]
    for number, row in numbered:
        if not any(map(str.strip, row)):
            continue
        if len(columns) * len(numbers) >= _MOST_CELLS:
            raise DataError(f"{path} has more than {_MOST_CELLS:,} cells")
        numbers.append(number)
        for column, cell in zip(cells, _cells(row, len(columns), path, number), strict=True):
            column.append(cell)
    content = dict(zip(columns, cells, strict=True))
    return pd.DataFrame(content, index=numbers, columns=columns, dtype=str)


def _rows(
    lines: Iterator[str], separator: str, path: Path, first: int
) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows with the number of the line in which each ends."""
    reader = csv.reader(lines, delimiter=separator, strict=True)
    try:
        for row in reader:
            yield reader.line_num + first - 1, row
    except csv.Error as error:
        line = max(reader.line_num, 1) + first - 1
        raise DataError(f"{path}, line {line} is not a row of a table ({_reason(error)})") from None


def _reason(error: csv.Error) -> str:
    if "unexpected end of data" in str(error):
        return 'a quote " that opens a cell is never closed'
    if "field limit" in str(error):
        most = csv.field_size_limit()
        return f'a cell has more than {most:,} characters; is a quote " never closed?'
    return str(error)


def _cells(row: list[str], width: int, path: Path, line: int) -> list[str]:
    """Return a row's cells: as many as there are columns, missing ones empty."""
    if any(cell.strip() for cell in row[width:]):
        raise DataError(f"{path}, line {line} has {len(row)} cells, but there are {width} columns")
    return [cell.strip() for cell in row[:width]] + [""] * (width - len(row))
