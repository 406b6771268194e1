"""Where files are: names from a table, looked up in folders below the root and nowhere else."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from fastmed import console
from fastmed.errors import DataError, listed
from fastmed.files import leads_out


def check_inside(name: str, place: str) -> str:
    """Return a name from a table with forward slashes.

    Raises:
        DataError: the name is empty, is none, or leads out of the data folder.
    """
    name = name.replace("\\", "/")
    if not name:
        raise DataError(f"{place} names no image")
    if any(character < " " for character in name):
        raise DataError(f"{place}: {name!r} names no image: there are control characters in it")
    if leads_out(name):
        raise DataError(f"{place}: {name!r} leads out of the data folder")
    return name


def locate(name: str, root: Path, folders: Sequence[str], suffixes: Sequence[str]) -> str:
    """Return the path, relative to the root, of the first file with a name; empty if none.

    Args:
        folders: relative to the root; the first that has the file wins.
        suffixes: appended in turn, unless the name has the suffix already.
    """
    endings = ["" if name.lower().endswith(end.lower()) else end for end in suffixes]
    paths = [root / folder / f"{name}{end}" for folder in folders for end in endings]
    return next((relative(path, root) for path in paths if is_file(path)), "")


def is_file(path: Path) -> bool:
    """True if there is a regular file; False also for a name that no file can have."""
    try:
        return path.is_file()
    except OSError:
        return False


def relative(path: Path, root: Path) -> str:
    """Return a path below the root with forward slashes."""
    return Path(os.path.relpath(path, root)).as_posix()


def subfolders(folder: Path) -> list[Path]:
    """Return the folders directly below one, in order, without hidden ones.

    A folder may be a link to one that lies elsewhere, but not to one above it.
    """
    found = sorted(path for path in folder.iterdir() if path.is_dir() and not hidden(path))
    return [path for path in found if not leads_up(path)]


def leads_up(path: Path) -> bool:
    """True for a link that leads back to a folder above it, so that a walk would never end."""
    if not path.is_symlink():
        return False
    return Path(os.path.realpath(path.parent)).is_relative_to(os.path.realpath(path))


def files_below(folder: Path) -> Iterator[Path]:
    """Yield every file below a folder, in order; hidden ones and linked folders are passed by.

    So links can't lead in a circle. Pipes, sockets and devices are yielded, too: `is_file` tells
    them, and nothing of them is ever opened.
    """
    for place, inner, files in os.walk(folder):
        inner[:] = sorted(name for name in inner if not hidden(Path(name)))
        for name in sorted(files):
            if not hidden(Path(name)):
                yield Path(place) / name


def tell_of_odd(others: Iterable[Path], top: Path) -> None:
    """Warn of names below a folder that lead to no file: what they lead to is never opened."""
    odd = sorted(relative(path, top) for path in others if not is_file(path))
    if odd:
        console.warn(
            f"{len(odd)} names in {top} are passed by, as they are pipes, devices or links that "
            f"lead to no file: {listed(odd, 3)}"
        )


def hidden(path: Path) -> bool:
    """True for names that file managers and archives put there for themselves."""
    return path.name.startswith(".") or path.name in ("__MACOSX", "Thumbs.db", "desktop.ini")
