"""Predictions that are not all there yet: kept on disk, a chunk at a time, so that none is lost.

A ledger is an SQLite file beside the output, whose name ends with ``.unfinished``. What was added
to it survives Ctrl-C and kill -9; what was being added is not there at all.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from fastmed.console import note
from fastmed.errors import DataError, RunError

FORMAT = 1
TOGETHER = 4096  # rows that are read at a time
_SUFFIX = ".unfinished"
_SQL = {"text": "TEXT", "float": "REAL", "int": "INTEGER", "flag": "INTEGER"}
_WORDS = {
    "images": "other images, or some were changed",
    "weights": "other weights",
    "runs": "a run that was calibrated anew",
    "views": "other views",
    "average": "another average over views",
    "per_view": "or without the scores of each view",
    "calibrate": "another calibration",
    "prevalence": "another prevalence",
    "operating_point": "another operating point",
    "sets": "other sets",
    "abstain": "another abstention",
    "fastmed": "another version of fastmed",
}


def unfinished(file: Path) -> Path:
    """Return where the predictions are that are to become a file."""
    return file.with_name(file.name + _SUFFIX)


class Ledger:
    """Rows of a predictions table on disk; to be closed."""

    def __init__(self, base: sqlite3.Connection, file: Path | None) -> None:
        self._base, self.file = base, file
        self.kinds: dict[str, str] = self._info().get("kinds", {})

    @classmethod
    def temporary(cls) -> Self:
        """Return one that is gone when it is closed."""
        base = sqlite3.connect("", isolation_level=None)
        _make(base, {})
        return cls(base, None)

    @classmethod
    def begin(cls, output: Path, identity: Mapping[str, Any], resume: bool) -> Self:
        """Return the ledger of an output: a new one, or the one that is there.

        Args:
            output: the file that it is to become.
            identity: what the numbers depend on.
            resume: go on with what is there.

        Raises:
            DataError: there is one, and it is not to be resumed, or is of other predictions.
            RunError: another process writes it, or the disk can't be written.
        """
        file = unfinished(output)
        if file.exists() and not resume:
            raise DataError(
                f"'{file}' holds predictions that were interrupted: add --resume to go on, or "
                "remove it to begin anew"
            )
        if resume and not file.exists():
            if output.exists():
                raise DataError(
                    f"there is nothing to resume: '{output}' is whole; leave out --resume to "
                    "write it anew"
                )
            note(f"There is nothing to resume, no '{file}': this is the beginning")
        fresh = not file.exists()
        base = _open(file)
        try:
            if fresh:
                _make(base, identity)
            else:
                _check(base, file, identity)
            return cls(base, file)
        except BaseException:
            base.close()
            if fresh:
                file.unlink(missing_ok=True)
            raise

    def add(self, table: pd.DataFrame) -> None:
        """Keep the rows of a table; all tables have the same columns.

        Raises:
            RunError: the disk can't be written; what was kept before is whole.
        """
        known = self.kinds
        try:
            self._base.execute("BEGIN IMMEDIATE")
            self._insert(table)
            self._base.execute("COMMIT")
        except BaseException as error:
            self.kinds = known
            if self._base.in_transaction:
                self._base.execute("ROLLBACK")
            if not isinstance(error, sqlite3.Error):
                raise
            raise RunError(
                f"can't write {self.file}: {error}; the predictions before it are kept"
            ) from None

    def __len__(self) -> int:
        return self._number("count(*)")

    @property
    def bad(self) -> int:
        """How many rows have a reason for which there is no prediction."""
        return self._number("count(*)", f"WHERE {self._place('reason')} != ''")

    @property
    def first_bad(self) -> str:
        """The first of those rows: its item and the reason."""
        item, reason = self._place("item"), self._place("reason")
        found = self._base.execute(
            f"SELECT {item}, {reason} FROM rows WHERE {reason} != '' ORDER BY rowid LIMIT 1"  # noqa: S608
        ).fetchone()
        return "" if found is None else f"{found[0]}: {found[1]}"

    @property
    def knows_patients(self) -> bool:
        """True if a row has a patient."""
        return bool(self._number("count(*)", f"WHERE {self._place('group')} != ''"))

    def tables(self, skip_bad: bool = False) -> Iterator[pd.DataFrame]:
        """Yield the rows in their order; without those that have a reason, if that is wished."""
        where = f"WHERE {self._place('reason')} = ''" if skip_bad else ""
        found = self._base.execute(f"SELECT * FROM rows {where} ORDER BY rowid")  # noqa: S608
        while some := found.fetchmany(TOGETHER):
            yield self._table(some)

    def patients(self, skip_bad: bool = False) -> Iterator[pd.DataFrame]:
        """Yield the rows by patients: all of a patient's are in one table."""
        where = f"WHERE {self._place('reason')} = ''" if skip_bad else ""
        key = (
            f"CASE WHEN {self._place('group')} != '' THEN 'g:' || {self._place('group')} "
            f"ELSE 'i:' || {self._place('item')} END"
        )
        found = self._base.execute(
            f"SELECT {key}, rows.* FROM rows {where} ORDER BY 1, rowid"  # noqa: S608
        )
        some: list[tuple[Any, ...]] = []
        for _, of_one in groupby(found, key=lambda row: row[0]):
            some += [row[1:] for row in of_one]
            if len(some) >= TOGETHER:
                yield self._table(some)
                some = []
        if some:
            yield self._table(some)

    def close(self) -> None:
        """Close the file; what was added stays. A file to which nothing was added goes."""
        self._base.close()
        if not self.kinds:
            self.remove()

    def remove(self) -> None:
        """Close and remove the file."""
        self._base.close()
        if self.file is not None:
            with suppress(OSError):
                self.file.unlink()

    def _insert(self, table: pd.DataFrame) -> None:
        if not self.kinds:
            self._columns_of(table)
        rows = zip(*(_cells(table[name]) for name in self.kinds), strict=True)
        marks = ",".join("?" * len(self.kinds))
        self._base.executemany(f"INSERT INTO rows VALUES ({marks})", rows)  # noqa: S608

    def _columns_of(self, table: pd.DataFrame) -> None:
        self.kinds = {str(name): kind_of(column) for name, column in table.items()}
        columns = ", ".join(f"c{n} {_SQL[kind]}" for n, kind in enumerate(self.kinds.values()))
        self._base.execute(f"CREATE TABLE rows ({columns})")
        self._base.execute(
            "INSERT INTO about VALUES ('kinds', ?)", [json.dumps(list(self.kinds.items()))]
        )

    def _info(self) -> dict[str, Any]:
        found = dict(self._base.execute("SELECT name, content FROM about"))
        return {"kinds": dict(json.loads(found["kinds"]))} if "kinds" in found else {}

    def _place(self, name: str) -> str:
        return f"c{list(self.kinds).index(name)}"

    def _number(self, what: str, where: str = "") -> int:
        if not self.kinds:
            return 0
        return int(self._base.execute(f"SELECT {what} FROM rows {where}").fetchone()[0])  # noqa: S608

    def _table(self, rows: list[tuple[Any, ...]]) -> pd.DataFrame:
        columns = zip(self.kinds.items(), zip(*rows, strict=True), strict=True)
        return pd.DataFrame({name: _column(cells, kind) for (name, kind), cells in columns})


def kind_of(column: pd.Series) -> str:
    """Return what a column holds: text, float, int or flag."""
    return {"b": "flag", "i": "int", "u": "int", "f": "float"}.get(column.dtype.kind, "text")


def _cells(column: pd.Series) -> list[Any]:
    """Return cells as SQLite keeps them; what is missing is None."""
    empty = column.isna().to_numpy()
    cells = column.tolist()
    return [None if gap else cell for cell, gap in zip(cells, empty, strict=True)]


def _column(cells: tuple[Any, ...], kind: str) -> pd.Series:
    gaps = None in cells
    match kind:
        case "float":
            return pd.Series(np.array(cells, dtype=np.float64))
        case "int":
            return pd.Series(list(cells), dtype="Int64" if gaps else "int64")
        case "flag":
            flags = [None if cell is None else bool(cell) for cell in cells]
            return pd.Series(flags, dtype="boolean" if gaps else "bool")
    return pd.Series(["" if cell is None else cell for cell in cells], dtype="str")


def _open(file: Path) -> sqlite3.Connection:
    """Return an SQLite file that no other process may open meanwhile."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        base = sqlite3.connect(file, timeout=1, isolation_level=None)
        base.execute("PRAGMA locking_mode = EXCLUSIVE")
        base.execute("BEGIN EXCLUSIVE")
        base.execute("COMMIT")
    except (sqlite3.Error, OSError) as error:
        locked = "locked" in str(error)
        cause = "another process is writing it" if locked else str(error)
        raise RunError(f"can't write {file}: {cause}") from None
    return base


def _make(base: sqlite3.Connection, identity: Mapping[str, Any]) -> None:
    base.execute("CREATE TABLE about (name TEXT PRIMARY KEY, content TEXT)")
    content = json.dumps({**identity, "format": FORMAT}, sort_keys=True)
    base.execute("INSERT INTO about VALUES ('identity', ?)", [content])


def _check(base: sqlite3.Connection, file: Path, identity: Mapping[str, Any]) -> None:
    """Refuse to go on with other predictions than those that were begun."""
    try:
        found = base.execute("SELECT content FROM about WHERE name = 'identity'").fetchone()
        begun = json.loads(found[0])
    except (sqlite3.Error, TypeError, ValueError):
        raise DataError(f"'{file}' is not as fastmed writes it; remove it to begin anew") from None
    now = json.loads(json.dumps({**identity, "format": FORMAT}))
    for name, value in now.items():
        if begun.get(name) != value:
            words = _WORDS.get(name, f"another {name}")
            raise DataError(
                f"'{file}' was begun with {words}; give the same command as then, or remove the "
                "file to begin anew"
            )
