"""Tables and folders as people wrote them, before fastmed makes items of them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from fastmed.data.layouts.folders import PART_NAMES
from fastmed.data.layouts.places import files_below, relative, subfolders
from fastmed.data.layouts.sheets import read_sheet
from fastmed.data.layouts.table import folders_of
from fastmed.data.pixels.image import IMAGE_SUFFIXES
from fastmed.errors import DataError
from fastmed.settings.sources import AnySource, FoldersSource
from fastmed.task import Task

_NO_ROWS = pd.DataFrame({"name": [], "label": [], "source": []}, dtype=str)


class Written(NamedTuple):
    """What tables and folders say.

    Attributes:
        rows: ``name`` of the image, ``label``, and ``source`` (the kind); of folders only labels.
        columns: names of the tables' columns -> up to a hundred of their values.
        files: paths of image files in the sources' folders, relative to the root.
    """

    rows: pd.DataFrame = _NO_ROWS
    columns: dict[str, Sequence[str]] = {}  # noqa: RUF012
    files: tuple[str, ...] = ()


def read_written(task: Task, root: Path) -> Written:
    """Return what the sources of a task say; what can't be read is left out."""
    tables, files = [_NO_ROWS], list[str]()
    columns = dict[str, Sequence[str]]()
    for source in (task.source, *((task.extra,) if task.extra else ())):
        for table in _sheets(source, root):
            columns |= {str(name): table[name].head(100).tolist() for name in table.columns}
            tables.append(_rows(source, table))
        if isinstance(source, FoldersSource):
            tables.append(_labels(source, root))
        files += _files(source, root)
    rows = pd.concat(tables, ignore_index=True)
    return Written(rows, columns, tuple(dict.fromkeys(files)))


def _sheets(source: AnySource, root: Path) -> Iterator[pd.DataFrame]:
    if source.kind not in ("table", "dicom"):
        return
    files = [source.file, getattr(source, "valid_file", None), getattr(source, "test_file", None)]
    for file in filter(None, files):
        try:
            yield read_sheet(root / file, source.separator)
        except DataError:
            continue


def _rows(source: AnySource, table: pd.DataFrame) -> pd.DataFrame:
    if source.kind not in ("table", "dicom"):
        return _NO_ROWS
    if source.image not in table or source.label not in table:
        return _NO_ROWS
    names = table[source.image].str.replace("\\", "/", regex=False)
    rows = {"name": names, "label": table[source.label], "source": source.kind}
    return pd.DataFrame(rows)


def _labels(source: FoldersSource, root: Path) -> pd.DataFrame:
    """Return the names of class folders, of each part."""
    top = root / source.folder
    if not top.is_dir():
        return _NO_ROWS
    folders = subfolders(top)
    parts = [folder for folder in folders if folder.name.lower() in PART_NAMES]
    inner = [one for part in parts for one in subfolders(part)] if parts else folders
    return pd.DataFrame({"name": "", "label": [one.name for one in inner], "source": "folders"})


def _files(source: AnySource, root: Path) -> list[str]:
    """Return the image files in the folders of a table; other sources take what is there."""
    if source.kind not in ("table", "dicom"):
        return []
    return [
        relative(path, root)
        for folder in folders_of(source)
        if (root / folder).is_dir()
        for path in files_below(root / folder)
        if path.suffix.lower() in IMAGE_SUFFIXES
    ]
