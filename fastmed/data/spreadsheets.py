"""Tables for people, whose text no spreadsheet takes for a formula."""

import re
from pathlib import Path

import pandas as pd

from fastmed.data.tables import write_table

_FORMULA = re.compile(r"^[=+\-@'\t\r\n]")
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")


def spreadsheet_safe(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with an apostrophe in front of text that a spreadsheet would calculate.

    Text that starts with ``=``, ``+``, ``-``, ``@``, a tab or a line break is taken for a formula
    and run by spreadsheet programs when they open a CSV file (OWASP, CSV injection). Text that
    starts with an apostrophe gets one more, so that taking one away gives every text back.
    Numbers stay as they are.
    """
    safe = table.copy()
    for column in safe.columns:
        if safe[column].dtype.kind not in "iufb":
            safe[column] = safe[column].map(_safe)
    return safe.rename(columns=_safe)


def write_sheet(table: pd.DataFrame, path: Path) -> None:
    """Write a table for people as CSV, as a whole."""
    write_table(spreadsheet_safe(table), path)


def _safe(cell: object) -> object:
    if not isinstance(cell, str) or not _FORMULA.match(cell) or _NUMBER.fullmatch(cell):
        return cell
    return f"'{cell}"
