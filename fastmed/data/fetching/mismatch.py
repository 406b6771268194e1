"""The sentence for an archive that doesn't hold what a task expects: what it holds, what to do."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from fastmed.data.fetching.arrangement import SHEET_SUFFIXES, files_of
from fastmed.data.layouts.sheets import read_sheet
from fastmed.data.layouts.table import folders_of
from fastmed.errors import DataError, listed
from fastmed.settings.sources import AnySource, ArraysSource, FoldersSource
from fastmed.task import Task

_MOST_SHOWN = 4


def mismatch(
    task: Task, origin: str, place: Path, paths: Sequence[str], top: Path | None = None
) -> str:
    """Return one sentence: what is expected, what is found, and how the task is told of it.

    Args:
        place: the archive or folder.
        paths: of the files in it.
        top: where it lies unpacked; None if it isn't.
    """
    key = "source" if origin == "main" else "extra"
    source = task.source if origin == "main" else task.extra
    if source is None:
        raise DataError(f"task '{task.name}' has no {origin} images")
    return (
        f"{place} does not hold what task '{task.name}' expects: {_expected(source, task)}; "
        f"it holds {_held(paths, top)}; if these are the images under other names, say so with "
        f"{_way_out(source, key)}"
    )


def _expected(source: AnySource, task: Task) -> str:
    if isinstance(source, FoldersSource):
        return f"a folder for each of the classes {listed(task.classes, 12)}"
    if isinstance(source, ArraysSource):
        return f"the files {listed(files_of(source))}"
    return (
        f"{listed(files_of(source))} with the columns {listed([source.image, source.label])}, and "
        f"its images, which end in '{source.suffix}', in the folder {listed(folders_of(source))}"
    )


def _held(paths: Sequence[str], top: Path | None) -> str:
    """Return a few of the tables and arrays, and the folders with the most files."""
    ends = (*SHEET_SUFFIXES, ".npz")
    tables = [path for path in paths if path.lower().endswith(ends)]
    folders = Counter(str(PurePosixPath(path).parent) for path in paths if path not in {*tables})
    parts = [f"'{path}'{_columns(top, path)}" for path in tables[:_MOST_SHOWN]]
    for name, count in folders.most_common(_MOST_SHOWN):
        parts.append(f"{count:,} {'file' if count == 1 else 'files'} in '{name}'")
    more = len(tables) + len(folders) - len(parts)
    return (", ".join(parts) or "no files") + (f" and {more} more" if more > 0 else "")


def _columns(top: Path | None, path: str) -> str:
    if top is None or not path.lower().endswith(SHEET_SUFFIXES):
        return ""
    try:
        return f" (columns {listed(read_sheet(top / path).columns)})"
    except DataError:
        return ""


def _way_out(source: AnySource, key: str) -> str:
    if isinstance(source, FoldersSource):
        return f"--set 'classes=[...]' or --set '{key}.rename.NAME=\"CLASS\"'"
    names = ("valid_file", "test_file", "label_file", "folder", "image", "label", "suffix")
    others = [f"{key}.{name}" for name in names if getattr(source, name, None)]
    also = f", and likewise {listed(others, 8)}" if others else ""
    return f"--set {key}.file=NAME{also}"
