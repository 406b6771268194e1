"""Folders that are either whole or not there: filled under a temporary name, then renamed."""

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from fastmed.errors import RunError, listed


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a new folder to fill; it takes the place of ``path`` when the ``with`` block is done.

    After an error, or Ctrl-C, nothing of it is left, and what was at ``path`` is as it was.

    Raises:
        RunError: the disk is full or the folder can't be written.
    """
    path = path.absolute()
    temporary, old = (path.with_name(f".{path.name}.{os.getpid()}.{end}") for end in ("tmp", "old"))
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if path.exists():
            path.rename(old)
        temporary.rename(path)
    except OSError as error:
        cause = (error.strerror or str(error)).lower()
        raise RunError(f"can't write {path}: {cause}; nothing of it is left") from None
    finally:
        if old.exists() and not path.exists():
            old.rename(path)
        for place in (temporary, old):
            shutil.rmtree(place, ignore_errors=True)


def check_place(path: Path, own: Collection[str], what: str) -> None:
    """Refuse a place that holds anything that would be lost.

    Args:
        path: of a folder to write: missing, empty, or written before.
        own: the names in it that fastmed writes.
        what: they are, for the sentence.

    Raises:
        RunError: there is something else.
    """
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise RunError(f"{path} is not a folder; choose a new one")
    others = sorted({file.name for file in path.iterdir()} - {*own}) if path.is_dir() else []
    if others:
        raise RunError(
            f"the folder {path} holds {listed(others, 3)}, which is not of {what}; choose a new or "
            "empty folder"
        )
