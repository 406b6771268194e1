"""Rows of images on disk, in a file without a name that is gone with its process."""

import json
import sqlite3
from collections.abc import Callable

import pandas as pd

from fastmed.console import note
from fastmed.errors import DataError, listed

_SCHEMA = """
    CREATE TABLE rows (item TEXT, image TEXT, label TEXT, split TEXT, place TEXT, rest TEXT);
    CREATE TABLE classes (label TEXT PRIMARY KEY, target TEXT);
"""
_ORDERED = """
    CREATE TABLE ordered AS SELECT item, image, split, coalesce(target, '') AS target, rest
    FROM rows LEFT JOIN classes USING (label) ORDER BY image, rows.rowid;
"""
_COLUMNS = ("item", "image", "label", "split", "place")
_LISTED = ("item", "image", "split", "target")
_KINDS = {"label": "labels", "split": "parts"}


class Spool:
    """Rows of items, sorted by their images once all have been added."""

    def __init__(self) -> None:
        # An empty name: SQLite removes the file as soon as it has opened it.
        self._base = sqlite3.connect("", isolation_level=None)
        self._base.executescript(_SCHEMA)
        self._count: int | None = None

    def add(self, rows: pd.DataFrame) -> None:
        """Add rows: item and image, and whatever else is known."""
        missing = {name: "" for name in _COLUMNS if name not in rows}
        named = rows.assign(**missing)[list(_COLUMNS)]
        others = rows.drop(columns=[name for name in _COLUMNS if name in rows])
        records = others.to_dict("records")
        self._base.execute("BEGIN")
        self._base.executemany(
            "INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?)",
            [
                (*names, json.dumps(rest, ensure_ascii=False, default=_plain))
                for names, rest in zip(
                    named.itertuples(index=False, name=None), records, strict=True
                )
            ],
        )
        self._base.execute("COMMIT")

    def merge(self) -> None:
        """Take once what stands there more than once.

        Raises:
            DataError: an image has two labels, or stands in two parts.
        """
        self._base.execute("CREATE INDEX items ON rows (item)")
        for column, kinds in _KINDS.items():
            self._refuse_torn(column, kinds)
        first = "SELECT min(rowid) FROM rows GROUP BY item"
        repeated = self._base.execute(f"DELETE FROM rows WHERE rowid NOT IN ({first})").rowcount  # noqa: S608
        if repeated:
            note(f"{repeated} rows that repeat an image are merged")

    def label(self, targets: Callable[[pd.DataFrame], pd.Series]) -> None:
        """Give all rows their classes.

        Args:
            targets: returns the class of each row of a table of ``label`` and ``place``.

        Raises:
            DataError: a label is none of the classes.
        """
        found = self._base.execute(
            "SELECT label, place, min(rowid) FROM rows GROUP BY label ORDER BY 3"
        )
        kinds = pd.DataFrame([row[:2] for row in found], columns=["label", "place"], dtype="str")
        pairs = zip(kinds["label"], targets(kinds), strict=True)
        self._base.executemany("INSERT INTO classes VALUES (?, ?)", pairs)

    def without_file(self, most: int) -> tuple[int, list[str]]:
        """Return how many rows have no file, and the first items among them."""
        where = "FROM rows WHERE image = ''"
        count = self._base.execute(f"SELECT count(*) {where}").fetchone()[0]
        first = self._base.execute(f"SELECT item {where} ORDER BY rowid LIMIT {most}")
        return count, [item for (item,) in first]

    def __len__(self) -> int:
        if self._count is not None:
            return self._count
        return int(self._base.execute("SELECT count(*) FROM rows").fetchone()[0])

    def some(self, start: int, count: int) -> pd.DataFrame:
        """Return the rows from one on, by image; nothing can be added after that."""
        if self._count is None:
            self._count = len(self)
            self._base.executescript(_ORDERED)
            self._base.execute("DROP TABLE rows")
        found = self._base.execute(
            "SELECT item, image, split, target, rest FROM ordered WHERE rowid > ? LIMIT ?",
            [start, count],
        )
        return pd.DataFrame(
            [
                {**dict(zip(_LISTED, names, strict=True)), **json.loads(rest)}
                for *names, rest in found
            ]
        )

    def _refuse_torn(self, column: str, kinds: str) -> None:
        torn = f"SELECT item FROM rows GROUP BY item HAVING count(DISTINCT {column}) > 1"  # noqa: S608
        several = self._base.execute(f"SELECT count(*) FROM ({torn})").fetchone()[0]  # noqa: S608
        if not several:
            return
        place, item = self._base.execute(
            f"SELECT place, item FROM rows WHERE item IN ({torn}) ORDER BY rowid LIMIT 1"  # noqa: S608
        ).fetchone()
        said = self._base.execute(
            f"SELECT DISTINCT {column} FROM rows WHERE item = ? ORDER BY {column}",  # noqa: S608
            [item],
        )
        raise DataError(
            f"{place}: '{item}' stands there more than once, with the {kinds} "
            f"{listed(one for (one,) in said)} ({several} such images in all)"
        )


def _plain(value: object) -> object:
    """Return a NumPy number as JSON's own."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
