"""What was measured on images, kept on disk, and found again while the files are unchanged."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from fastmed.data.store.cache import DESCRIPTION, INDEX, description
from fastmed.data.store.decoding import Place, stamp_of
from fastmed.files import write_json
from fastmed.settings.image import ImageSettings
from fastmed.state import cache_folder

MEASURES = 1  # one more where what the audit measures changes
_OF_THE_NETWORK = ("size", "channels", "operations", "fit", "resize", "interpolation")
_SCHEMA = """
    CREATE TABLE IF NOT EXISTS images (
        root TEXT, image TEXT, array TEXT, position INTEGER, stamp TEXT, measures BLOB,
        PRIMARY KEY (root, image, array, position)
    ) WITHOUT ROWID
"""


class MeasuredImages:
    """What was measured on images, by one way of reading: a folder with an SQLite file."""

    def __init__(self, settings: ImageSettings, folder: Path | None = None) -> None:
        """Open what was measured by some settings; it is made when something is first kept."""
        self._description = description_of_measures(settings)
        text = json.dumps(self._description, sort_keys=True)
        name = f"audit-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
        self.folder = (folder or cache_folder()) / name

    def find(self, places: Sequence[Place]) -> dict[Place, bytes]:
        """Return what is kept of the images that are there and unchanged since."""
        if not self._file.is_file():
            return {}
        kept: dict[Place, tuple[str, bytes]] = {}
        with self._index() as index:
            for root in {place.root for place in places}:
                rows = index.execute(
                    "SELECT image, array, position, stamp, measures FROM images WHERE root = ?",
                    [str(root.resolve())],
                )
                kept |= {Place(root, *row[:3]): (row[3], row[4]) for row in rows}
        known = [place for place in dict.fromkeys(places) if place in kept]
        stamps = {file: stamp_of(file) for file in {place.file for place in known}}
        return {place: kept[place][1] for place in known if kept[place][0] == stamps[place.file]}

    def put(self, measured: Sequence[tuple[Place, str, bytes]]) -> None:
        """Keep what was measured on images, each with its place and the stamp of its file.

        Raises:
            OSError, sqlite3.Error: the disk is full or the folder can't be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / DESCRIPTION).is_file():
            write_json(self.folder / DESCRIPTION, self._description)
        with self._index() as index:
            index.execute(_SCHEMA)
            index.execute("BEGIN IMMEDIATE")
            index.executemany(
                "INSERT OR REPLACE INTO images VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (str(place.root.resolve()), *place[1:], stamp, measures)
                    for place, stamp, measures in measured
                ],
            )
            index.execute("COMMIT")

    @property
    def _file(self) -> Path:
        return self.folder / INDEX

    @contextmanager
    def _index(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._file, timeout=60, isolation_level=None)) as index:
            yield index


def description_of_measures(settings: ImageSettings) -> dict[str, Any]:
    """Return all that measures of images depend on, beside the files."""
    usual = {name: ImageSettings.model_fields[name].default for name in _OF_THE_NETWORK}
    return {"measures": MEASURES, **description(settings.model_copy(update=usual))}
