"""The files of scores: ``scores.json`` for programs, ``scores.csv`` for spreadsheets."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastmed.data.tables import write_table
from fastmed.files import write_json
from fastmed.results.scores.tables import long_table


def write_scores(folder: Path, parts: Mapping[str, dict[str, Any]]) -> None:
    """Write the scores of some parts into a folder, as JSON and as one row a number."""
    write_json(folder / "scores.json", parts)
    write_table(long_table(parts), folder / "scores.csv")
