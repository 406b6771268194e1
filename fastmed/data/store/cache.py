"""Images decoded once: kept on disk as the network sees them, and found again while unchanged."""

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fastmed.data.store.decoding import Decoded, Place, stamp_of
from fastmed.files import write_json
from fastmed.settings.image import ImageSettings
from fastmed.state import cache_folder

REVISION = 2  # of fastmed's own reading of pixels; one more where that changes
DECODERS = (
    "pillow", "numpy", "opencv-python-headless", "pydicom", "pylibjpeg-openjpeg", "pylibjpeg-rle",
    "pyjpegls", "python-gdcm", "pylibjpeg-libjpeg", "torchstain",
)  # fmt: skip
_INSERT = "INSERT OR REPLACE INTO images VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_SELECT = (
    "SELECT image, position, stamp, content, decoded, decoder, scaling, remark, colour, slot "
    "FROM images WHERE root = ? AND image IN ({marks}) AND array = ? AND position BETWEEN ? AND ?"
)
DESCRIPTION, INDEX = "cache.json", "index.sqlite"
_ASKED_FOR = 500  # images that the index is asked for at a time
_NO_PIXELS = {"normalize"}  # settings that don't change what is kept
_SCHEMA = """
    CREATE TABLE IF NOT EXISTS images (
        root TEXT, image TEXT, array TEXT, position INTEGER, stamp TEXT,
        content TEXT, decoded TEXT, decoder TEXT, scaling TEXT, remark TEXT,
        colour INTEGER, slot INTEGER,
        PRIMARY KEY (root, image, array, position)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS ends (colour INTEGER PRIMARY KEY, slots INTEGER);
    INSERT OR IGNORE INTO ends VALUES (0, 0), (1, 0);
"""


class Kept(NamedTuple):
    """What the cache knows of an image: what was read, and where its pixels are.

    Attributes:
        content, decoded, decoder, scaling, remark: as in `Decoded`.
        colour: 1 if the pixels have three channels.
        slot: number of the image among those of its kind.
    """

    content: str
    decoded: str
    decoder: str
    scaling: str
    remark: str
    colour: int
    slot: int


class Cache:
    """The images of one way of reading: same size, same operations, same decoders.

    A folder with an index (SQLite, so that several processes can write) and two files of pixels
    that only grow, one of grey and one of colour images, read by memory mapping.
    """

    def __init__(self, settings: ImageSettings, folder: Path | None = None) -> None:
        """Open the cache of some settings; it is made when something is first put into it."""
        self.side = settings.size
        self.settings = settings
        self.folder = (folder or cache_folder()) / fingerprint(settings)

    def find(self, places: Sequence[Place]) -> dict[Place, Kept]:
        """Return what is kept of the images that are there and unchanged since."""
        if not self._index_file.is_file():
            return {}
        kept: dict[Place, tuple[str, Kept]] = {}
        with self._index() as index:
            for root, array in {(place.root, place.array) for place in places}:
                kept |= _rows_of(index, [p for p in places if (p.root, p.array) == (root, array)])
        known = [place for place in dict.fromkeys(places) if place in kept]
        stamps = {file: stamp_of(file) for file in {place.file for place in known}}
        return {place: kept[place][1] for place in known if kept[place][0] == stamps[place.file]}

    def put(self, decoded: Sequence[tuple[Place, Decoded]]) -> None:
        """Keep images; those that another process has put there meanwhile stay as they are.

        Raises:
            OSError, sqlite3.Error: the disk is full or the folder can't be written.
        """
        self._make()
        with self._index() as index:
            index.execute("BEGIN IMMEDIATE")
            for colour in (0, 1):
                chosen = [pair for pair in decoded if (pair[1].pixels.ndim == 3) == colour]
                if chosen:
                    first = self._append(index, colour, [found.pixels for _, found in chosen])
                    rows = [
                        (*_key(place), found.stamp, *found[1:6], colour, first + number)
                        for number, (place, found) in enumerate(chosen)
                    ]
                    index.executemany(_INSERT, rows)
            index.execute("COMMIT")

    def pixels(self, kept: Sequence[Kept]) -> np.ndarray:
        """Return images as a batch: uint8 (n, side, side) if all are grey, else (..., 3)."""
        colour = np.array([entry.colour for entry in kept], dtype=bool)
        slots = np.array([entry.slot for entry in kept], dtype=np.int64)
        return self.batch(colour, slots)

    def batch(self, colour: np.ndarray, slots: np.ndarray) -> np.ndarray:
        """Return the images of slots (n,) of the kinds colour (n,) as one batch."""
        if not colour.any():
            return np.asarray(self._mapped(0, int(slots.max()))[slots])
        if colour.all():
            return np.asarray(self._mapped(1, int(slots.max()))[slots])
        pixels = np.empty((len(slots), self.side, self.side, 3), np.uint8)
        pixels[colour] = self._mapped(1, int(slots[colour].max()))[slots[colour]]
        grey = self._mapped(0, int(slots[~colour].max()))[slots[~colour]]
        pixels[~colour] = grey[..., None]
        return pixels

    def _append(self, index: sqlite3.Connection, colour: int, pixels: list[np.ndarray]) -> int:
        """Write images behind the last ones and return the slot of the first."""
        first = index.execute("SELECT slots FROM ends WHERE colour = ?", [colour]).fetchone()[0]
        with self._file(colour).open("r+b") as file:
            file.seek(first * self._bytes(colour))
            for image in pixels:
                file.write(np.ascontiguousarray(image).data)
            file.flush()
            os.fsync(file.fileno())
        index.execute("UPDATE ends SET slots = ? WHERE colour = ?", [first + len(pixels), colour])
        return int(first)

    def _mapped(self, colour: int, slot: int) -> np.ndarray:
        """Return the file of one kind as an array that holds a slot."""
        known = self._maps.get(colour)
        if known is None or len(known) <= slot:
            shape = (self.side, self.side, 3) if colour else (self.side, self.side)
            count = self._file(colour).stat().st_size // self._bytes(colour)
            known = np.memmap(self._file(colour), np.uint8, "r", shape=(count, *shape))
            self._maps[colour] = known
        return known

    @cached_property
    def _maps(self) -> dict[int, np.ndarray]:
        return {}

    def __getstate__(self) -> dict[str, object]:
        return {key: value for key, value in self.__dict__.items() if key != "_maps"}

    def _bytes(self, colour: int) -> int:
        return self.side**2 * (3 if colour else 1)

    def _file(self, colour: int) -> Path:
        return self.folder / ("colour.u8" if colour else "grey.u8")

    @property
    def _index_file(self) -> Path:
        return self.folder / INDEX

    @contextmanager
    def _index(self) -> Iterator[sqlite3.Connection]:
        with closing(_connect(self._index_file)) as index:
            yield index

    def _make(self) -> None:
        if self._index_file.is_file():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self.folder / DESCRIPTION, description(self.settings))
        for colour in (0, 1):
            self._file(colour).touch()
        with self._index() as index:
            index.executescript(_SCHEMA)


def _connect(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(file, timeout=60, isolation_level=None)


def _key(place: Place) -> tuple[str, str, str, int]:
    return str(place.root.resolve()), place.image, place.array, place.position


def _rows_of(index: sqlite3.Connection, places: Sequence[Place]) -> dict[Place, tuple[str, Kept]]:
    """Return stamp and entry of the images that are kept; all are below one root, of one array."""
    root, array = places[0].root, places[0].array
    positions = [place.position for place in places]
    images = sorted({place.image for place in places})
    found: dict[Place, tuple[str, Kept]] = {}
    for start in range(0, len(images), _ASKED_FOR):
        some = images[start : start + _ASKED_FOR]
        marks = ",".join("?" * len(some))
        rows = index.execute(
            _SELECT.format(marks=marks),
            [str(root.resolve()), *some, array, min(positions), max(positions)],
        )
        found |= {
            Place(root, image, array, position): (stamp, Kept(*rest))
            for image, position, stamp, *rest in rows
        }
    return found


def count_images(folder: Path) -> int:
    """Return how many images a cache keeps."""
    with closing(_connect(folder / INDEX)) as index:
        return int(index.execute("SELECT count(*) FROM images").fetchone()[0])


def description(settings: ImageSettings) -> dict[str, Any]:
    """Return all that the pixels of a cache depend on, beside the files."""
    chosen = settings.model_dump(mode="json", exclude=_NO_PIXELS)
    return {
        "revision": REVISION,
        "decoders": {name: _version(name) for name in DECODERS},
        "settings": chosen,
    }


def fingerprint(settings: ImageSettings) -> str:
    """Return a short name of all that the pixels of a cache depend on."""
    text = json.dumps(description(settings), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
