"""The images of an input of any size, some at a time, always in the same order."""

import hashlib
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Protocol

import pandas as pd

from fastmed.data.inputs import (
    has_class_folders,
    has_layout,
    image_rows,
    places_of_sheet,
    read_input,
    rows_of_sheet,
    targets_of_sheet,
    tell_of_folders,
    with_patients,
)
from fastmed.data.layouts.places import files_below, is_file, tell_of_odd
from fastmed.data.layouts.sheets import read_sheet_parts
from fastmed.data.listing.arrays import ListedArrays
from fastmed.data.listing.spool import Spool
from fastmed.data.pixels.image import is_image
from fastmed.data.pseudonyms import hide_items, hide_names
from fastmed.data.tables import items_table, root_of
from fastmed.errors import DataError, listed
from fastmed.task import Task

TOGETHER = 4096  # rows that are listed at a time
NO_FILE = "no file"


class Rows(Protocol):
    """Rows of items in a fixed order, of which some at a time are in memory."""

    def __len__(self) -> int: ...

    def some(self, start: int, count: int) -> pd.DataFrame:
        """Return the rows from one on; fewer at the end."""


class Listing:
    """The images of an input, in the order in which they are predicted.

    Attributes:
        root: of their paths.
    """

    def __init__(self, rows: Rows, root: Path, task: Task) -> None:
        self._rows, self.root, self._task = rows, root, task

    def __len__(self) -> int:
        return len(self._rows)

    def parts(self, size: int, start: int = 0) -> Iterator[pd.DataFrame]:
        """Yield items tables of so many images each, the last one of fewer.

        Args:
            size: of a part.
            start: images that are passed by.
        """
        for first in range(start, len(self), size):
            items = items_table(self._rows.some(first, size), self.root)
            yield hide_items(items, self._task.pseudonymise)

    def digest(self) -> str:
        """Return a SHA-256 of the images: their names, what is said of them, size and time."""
        found = hashlib.sha256()
        for items in self.parts(TOGETHER):
            stamps = [_stamp(self.root / image) for image in items["image"]]
            for row in items.assign(stamp=stamps).itertuples(index=False, name=None):
                found.update(repr(tuple(map(str, row))).encode())
        return found.hexdigest()


class _Table:
    """Rows that are in memory anyway."""

    def __init__(self, rows: pd.DataFrame) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def some(self, start: int, count: int) -> pd.DataFrame:
        """Return the rows from one on; fewer at the end."""
        return self._rows.iloc[start : start + count]


class ItemsListing(Listing):
    """The rows of an items table, as they are."""

    def __init__(self, items: pd.DataFrame, task: Task) -> None:
        super().__init__(_Table(items), root_of(items), task)
        self._items = items

    def parts(self, size: int, start: int = 0) -> Iterator[pd.DataFrame]:
        """Yield items tables of so many images each, the last one of fewer."""
        for first in range(start, len(self._items), size):
            some = self._items.iloc[first : first + size]
            some.attrs = self._items.attrs
            yield some


def listing_of(task: Task, source: str | Path | pd.DataFrame) -> Listing:
    """Return the images that an input leads to, sorted by name.

    A folder of images, a CSV file and an NPZ file take no more memory however long they are. An
    image that a table names and that is not there is listed all the same, with a note.

    Args:
        task: says how inputs are read.
        source: an image, a folder, a CSV or NPZ file, or an items table.

    Raises:
        DataError: nothing is there, no row has a file, or a label is none of the classes.
    """
    if isinstance(source, pd.DataFrame):
        return ItemsListing(source, task)
    path = Path(source)
    hide_names(path if path.is_dir() else path.parent, task.pseudonymise)
    if path.is_dir() and not has_layout(task, path) and not has_class_folders(task, path):
        return Listing(_folder(task, path), path, task)
    if path.is_file() and path.suffix.lower() in (".csv", ".tsv"):
        return Listing(_sheet(task, path), path.parent, task)
    if path.is_file() and path.suffix.lower() == ".npz":
        return Listing(ListedArrays.of(task, path), path.parent, task)
    return ItemsListing(read_input(task, path, skip_bad=True), task)


def _folder(task: Task, folder: Path) -> Spool:
    """Return the images at any depth below a folder."""
    spool, odd = Spool(), []
    for files in _some(files_below(folder)):
        images = [file for file in files if is_image(file)]
        odd += [file for file in set(files) - set(images) if not is_file(file)]
        if images:
            spool.add(with_patients(image_rows(images, folder), task, folder))
    tell_of_odd(odd, folder)
    if not len(spool):
        raise DataError(f"no images found in {folder}")
    tell_of_folders(task, folder)
    return spool


def _sheet(task: Task, path: Path) -> Spool:
    """Return the images that a CSV file names; what stands there twice is taken once."""
    spool, places = Spool(), ""
    for sheet in read_sheet_parts(path, TOGETHER):
        places = places or places_of_sheet(task, sheet, path)
        rows = rows_of_sheet(task, sheet, path)
        missing = rows["image"] == ""
        rows["note"] = ""
        rows.loc[missing, "note"] = f"{NO_FILE} of this name is in {places}"
        spool.add(rows)
    spool.merge()
    spool.label(partial(targets_of_sheet, task, sheet))
    if not len(spool):
        raise DataError(f"no images found in {path.parent}")
    lost, first = spool.without_file(3)
    if lost == len(spool):
        raise DataError(f"{lost} of {lost} images are not in {places}: {listed(first, 3)}")
    return spool


def _some(files: Iterable[Path]) -> Iterator[list[Path]]:
    some: list[Path] = []
    for file in files:
        some.append(file)
        if len(some) == TOGETHER:
            yield some
            some = []
    if some:
        yield some


def _stamp(file: Path) -> str:
    """Return what tells that a file is the same as before: its size and time."""
    try:
        state = file.stat()
    except OSError:
        return ""
    return f"{state.st_size}-{state.st_mtime_ns}"
