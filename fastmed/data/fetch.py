"""A data set from Kaggle or from archives, put where a task looks for it: whole, or not at all."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from fastmed import console
from fastmed.data import arrangement, kaggle
from fastmed.data.archives import Limits
from fastmed.data.arrangement import Arrangement, arrange, is_there
from fastmed.data.unpacking import open_up
from fastmed.errors import DataError, listed, nearest
from fastmed.sources import AnySource
from fastmed.task import Task


def fetch(
    task: Task,
    folder: str | Path,
    archives: Mapping[str, str | Path] | None = None,
    limits: Limits | None = None,
) -> Path:
    """Put the data set of a task into a folder, as the task lays it out, and return the folder.

    What is there already is not fetched again. Everything is unpacked and checked beside the
    folder and put into it at the end.

    Args:
        folder: new, empty, or with the data of the source in it.
        archives: ``main`` and ``extra`` -> zip or tar file, or folder; None asks Kaggle.
        limits: of what an archive may hold.

    Raises:
        DataError: there is no way to the data, an archive can't be unpacked or doesn't hold what
            the task expects, the folder holds something else, or the disk is full.
    """
    folder = Path(folder)
    sources = _sources(task)
    given = {origin: Path(place) for origin, place in (archives or {}).items()}
    _check_given(given, task)
    missing = [name for name, source in sources.items() if not is_there(source, folder, task.classes)]
    wanted = [origin for origin in missing if origin in given or not given]
    if not wanted:
        _tell_nothing_to_do(task, folder, given, missing)
        return folder
    _check_free(folder, "main" in missing)
    with _draft(folder) as draft:
        for origin in wanted:
            ...
    return folder
