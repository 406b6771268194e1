"""Predictions tables in files: CSV, JSON, NPZ and Parquet, of any length."""

import json
import math
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
from numpy.lib import format as npy

from fastmed.data.tables import write_tables
from fastmed.errors import DataError, MissingExtraError
from fastmed.files import check_place, write_whole
from fastmed.prediction.ledger import kind_of
from fastmed.prediction.tables import AT

_SCORE = "score_"
_PLAIN = re.compile(r"\w[\w .-]*")  # names that are safe as names of files


@dataclass(frozen=True)
class Tables:
    """Tables with the same columns, which can be gone through more than once.

    Attributes:
        each: makes them anew.
        without: columns that are left out.
    """

    each: Callable[[], Iterable[pd.DataFrame]]
    without: Sequence[str] = ()

    def __iter__(self) -> Iterator[pd.DataFrame]:
        for table in self.each():
            yield table.drop(columns=[name for name in self.without if name in table])

    def kinds(self) -> dict[str, str]:
        """Return what each column holds."""
        return {str(name): kind_of(column) for name, column in next(iter(self)).items()}


def check_output(file: Path) -> None:
    """Refuse a file for predictions that can't be written, before any work is done.

    Raises:
        DataError: the suffix is unknown. RunError: the place can't be written.
        MissingExtraError: the format needs a package that is not installed.
    """
    if file.suffix.lower() not in WRITERS:
        raise DataError(
            f"predictions are written as {', '.join(WRITERS)}, not '{file.suffix}'; name such a "
            "file"
        )
    check_place(file)
    if file.suffix.lower() == ".parquet":
        _pyarrow()


def write_predictions(table: pd.DataFrame, file: Path) -> None:
    """Write a predictions table as a whole, in the format that the file's suffix names."""
    check_output(file)
    write_in_format(Tables(lambda: [table]), file)


def write_in_format(tables: Tables, file: Path) -> None:
    """Write tables as one file, as a whole, in the format that its suffix names."""
    WRITERS[file.suffix.lower()](tables, file)


def _write_csv(tables: Tables, file: Path) -> None:
    write_tables(tables, file)


def _write_json(tables: Tables, file: Path) -> None:
    """Write a list of rows, each a table of its columns; what is missing is null."""

    def write(place: Path) -> None:
        with place.open("w", encoding="utf-8") as out:
            mark = "["
            for table in tables:
                columns = [_plain_cells(table[name]) for name in table]
                for row in zip(*columns, strict=True):
                    named = dict(zip(table.columns, row, strict=True))
                    out.write(f"{mark}\n{json.dumps(named, ensure_ascii=False)}")
                    mark = ","
            out.write("\n]\n" if mark == "," else "[]\n")

    write_whole(file, write)


def _plain_cells(column: pd.Series) -> list[Any]:
    empty = column.isna().to_numpy()
    cells = column.tolist()
    return [
        None if gap or (isinstance(cell, float) and not math.isfinite(cell)) else cell
        for cell, gap in zip(cells, empty, strict=True)
    ]


def _write_parquet(tables: Tables, file: Path) -> None:
    """Write columns of text, float64, int64 and bool; what is missing is null."""
    arrow, parquet = _pyarrow()
    types = {
        "text": arrow.string(),
        "float": arrow.float64(),
        "int": arrow.int64(),
        "flag": arrow.bool_(),
    }
    schema = arrow.schema([(name, types[kind]) for name, kind in tables.kinds().items()])

    def write(place: Path) -> None:
        with parquet.ParquetWriter(place, schema) as out:
            for table in tables:
                cells = [arrow.array(_plain_cells(table[f.name]), f.type) for f in schema]
                out.write_table(arrow.Table.from_arrays(cells, schema=schema))

    write_whole(file, write)


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError(
            'Parquet files need pyarrow; install it with `pip install "fastmed[parquet]"`, or name '
            "a .csv file"
        ) from None
    return pyarrow, pyarrow.parquet


def _write_npz(tables: Tables, file: Path) -> None:
    """Write an array a column, without pickled objects.

    ``scores`` (n, K) holds the scores of ``classes`` (K,); ``scores_per_view`` (n, V, K) and
    ``values_per_view`` (n, V) those of ``views`` (V,). Whole numbers and flags of which some are
    missing are floats.
    """
    arrays = _arrays_of(tables.kinds())
    for array in arrays:
        array.measure(tables)

    def write(place: Path) -> None:
        with zipfile.ZipFile(place, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            for array in arrays:
                with archive.open(f"{array.name}.npy", "w", force_zip64=True) as out:
                    array.write(tables, out)

    write_whole(file, write)


class _Array:
    """An array of an NPZ file that is made of some columns.

    Args:
        name: of the array.
        columns: side by side.
        kind: of them.
        shape: of one row; None where it is one number.
    """

    def __init__(
        self, name: str, columns: Sequence[str], kind: str, shape: tuple[int, ...] = ()
    ) -> None:
        self.name, self.columns, self.kind, self.shape = name, columns, kind, shape
        self._rows, self._type = 0, np.dtype(np.float64)

    def measure(self, tables: Tables) -> None:
        """Find out how many rows there are, and which type can hold them."""
        longest, gaps, rows = 1, False, 0
        for table in tables:
            rows += len(table)
            if self.kind == "text":
                longest = max([longest, *map(len, table[self.columns[0]])])
            elif self.kind != "float":
                gaps = gaps or bool(table[self.columns[0]].isna().any())
        types = {"text": f"<U{longest}", "float": "<f8", "int": "<i8", "flag": "|b1"}
        self._rows = rows
        self._type = np.dtype("<f8" if gaps else types[self.kind])

    def write(self, tables: Tables, out: IO[bytes]) -> None:
        """Write the array as an NPY file."""
        header = npy.header_data_from_array_1_0(np.empty((0, *self.shape), self._type))
        npy.write_array_header_1_0(out, {**header, "shape": (self._rows, *self.shape)})
        for table in tables:
            chosen = table[list(self.columns)]
            if self._type.kind == "f":
                cells = chosen.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
            else:
                cells = chosen.to_numpy(dtype=self._type)
            out.write(np.ascontiguousarray(cells.reshape(len(table), *self.shape)).tobytes())


class _Names(_Array):
    """An array of names, the same for all rows."""

    def __init__(self, name: str, names: Sequence[str]) -> None:
        super().__init__(name, (), "text")
        self._names = np.array(list(names))

    def measure(self, tables: Tables) -> None:
        """Nothing depends on the rows."""

    def write(self, tables: Tables, out: IO[bytes]) -> None:
        """Write the names."""
        npy.write_array(out, self._names, allow_pickle=False)


def _arrays_of(kinds: dict[str, str]) -> list[_Array]:
    """Return the arrays that hold columns of these kinds."""
    scores = [name for name in kinds if name.startswith(_SCORE) and AT not in name]
    of_views = [name for name in kinds if AT in name and name.startswith((_SCORE, f"value{AT}"))]
    views = list(dict.fromkeys(name.rpartition(AT)[2] for name in of_views))
    arrays = [
        _Array(name if _PLAIN.fullmatch(name) else f"column_{place}", [name], kind)
        for place, (name, kind) in enumerate(kinds.items())
        if name not in scores and name not in of_views
    ]
    if scores:
        arrays += [
            _Names("classes", [name.removeprefix(_SCORE) for name in scores]),
            _Array("scores", scores, "float", (len(scores),)),
        ]
    if views:
        each = [f"{name}{AT}{view}" for view in views for name in scores]
        shape = (len(views), len(scores))
        arrays += [_Names("views", views), _Array("scores_per_view", each, "float", shape)]
        values = [f"value{AT}{view}" for view in views]
        if values[0] in kinds:
            arrays.append(_Array("values_per_view", values, "float", (len(views),)))
    return arrays


# Suffix of a file -> what writes it.
WRITERS: dict[str, Callable[[Tables, Path], None]] = {
    ".csv": _write_csv,
    ".json": _write_json,
    ".npz": _write_npz,
    ".parquet": _write_parquet,
}
