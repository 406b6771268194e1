"""The rows of a file of predictions: CSV, and what `fastmed predict` writes besides."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from fastmed.data.layouts.sheets import read_sheet
from fastmed.data.pixels.npz import array_names, read_array
from fastmed.ensembles.columns import ROLES, SCORE
from fastmed.errors import DataError, MissingExtraError, listed
from fastmed.files import read_text

_LONGEST = 512 * 2**20  # bytes of a JSON file
_CELLS = (str, int, float, bool, type(None))


def rows_of_file(file: Path) -> pd.DataFrame:
    """Return the rows of a file, with its own names of columns.

    Raises:
        DataError: it is missing or broken, or no table.
        MissingExtraError: the format needs a package that is not installed.
    """
    if not file.is_file():
        raise DataError(f"there is no file {file}")
    return _READERS.get(file.suffix.lower(), read_sheet)(file)


def _json_rows(file: Path) -> pd.DataFrame:
    """Return a list of rows, each a table of its columns."""
    try:
        rows = json.loads(read_text(file, _LONGEST))
    except (OSError, ValueError, RecursionError) as error:
        reason = "its tables are nested too deep" if isinstance(error, RecursionError) else error
        raise DataError(f"{file} can't be read as JSON ({reason})") from None
    plain = isinstance(rows, list) and all(
        isinstance(row, dict) and all(isinstance(cell, _CELLS) for cell in row.values())
        for row in rows
    )
    if not plain or not rows:
        raise DataError(f"{file} is not a list of rows, each with its columns by name")
    return pd.DataFrame.from_records(rows)


def _npz_rows(file: Path) -> pd.DataFrame:
    """Return columns from arrays (n,), and from ``scores`` (n, K) of ``classes`` (K,)."""
    names = array_names(file)
    found = {name: _array(file, name, 1) for name in ROLES if name in names}
    if {"scores", "classes"} <= set(names):
        scores, classes = _array(file, "scores", 2), _array(file, "classes", 1)
        if scores.shape[1] != len(classes):
            raise DataError(
                f"{file} has {len(classes)} classes, and scores of {scores.shape[1]} each"
            )
        found |= {f"{SCORE}{name}": scores[:, k] for k, name in enumerate(classes.astype(str))}
    if "item" not in found:
        raise DataError(f"{file} has no array 'item', only {listed(names)}")
    if len({len(array) for array in found.values()}) > 1:
        sizes = ", ".join(f"{name} {len(array)}" for name, array in found.items())
        raise DataError(f"{file} has arrays of different lengths: {sizes}")
    return pd.DataFrame(found)


def _array(file: Path, name: str, dimensions: int) -> np.ndarray:
    array = np.asarray(read_array(file, name))
    if array.ndim != dimensions or array.dtype.kind not in "iufbU":
        raise DataError(
            f"{file}: '{name}' has shape {array.shape} and type {array.dtype}; expected "
            f"{dimensions} dimension(s) of numbers or text"
        )
    return array


def _parquet_rows(file: Path) -> pd.DataFrame:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError(
            'Parquet files need pyarrow; install it with `pip install "fastmed[parquet]"`'
        ) from None
    try:
        table = pyarrow.parquet.read_table(file)
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        reason = str(error).strip().splitlines()[0]
        raise DataError(f"{file} can't be read as Parquet ({reason})") from None
    nested = [field.name for field in table.schema if pyarrow.types.is_nested(field.type)]
    if nested:
        raise DataError(f"{file} has nested columns, as {listed(nested, 3)}")
    return pd.DataFrame(table.to_pandas())


_READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".json": _json_rows,
    ".npz": _npz_rows,
    ".parquet": _parquet_rows,
}
