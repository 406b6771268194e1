"""Folders that are either whole or not there: filled under a temporary name, then renamed."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastmed.errors import RunError


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a new folder to fill; it takes the place of ``path`` when the ``with`` block is done.

    After an error, or Ctrl-C, nothing of it is left, and what was at ``path`` is as it was.

    Raises:
        RunError: the disk is full or the folder can't be written.
    """
    temporary, old = (path.with_name(f".{path.name}.{os.getpid()}.{end}") for end in ("tmp", "old"))
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if path.exists():
            path.rename(old)
        temporary.rename(path)
    except OSError as error:
        raise RunError(f"can't write {path}: {error.strerror or error}; nothing is left") from None
    finally:
        if old.exists() and not path.exists():
            old.rename(path)
        for place in (temporary, old):
            shutil.rmtree(place, ignore_errors=True)


def check_place(path: Path, mark: str, what: str) -> None:
    """Refuse a place that holds anything but what may be replaced.

    Args:
        path: missing, an empty folder, or one that has the file ``mark``.
        mark: the file that tells that fastmed made the folder.
        what: that makes it, for the sentence.

    Raises:
        RunError: there is something else.
    """
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise RunError(f"{path} is not a folder; choose a new folder")
    if path.is_dir() and any(path.iterdir()) and not (path / mark).is_file():
        raise RunError(
            f"the folder {path} holds files that are not of {what}; choose a new or empty folder"
        )
