"""An archive or a folder, opened up for a look: copied out, with the archives in it unpacked."""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from fastmed import console
from fastmed.data.fetching.archives import Allowance, unpack
from fastmed.data.layouts.places import files_below, hidden
from fastmed.errors import DataError

_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_MOST_INNER = 50


def copy_folder(folder: Path, target: Path, linked: bool) -> int:
    """Copy the files of a folder into a new one, and return how many there are.

    Args:
        linked: files that lie on the same disk are hard links and take no room.

    Raises:
        DataError: a link, pipe or device is among the files.
    """
    files = list(_plain_files(folder))
    for place in {path.parent for path in files}:
        (target / place.relative_to(folder)).mkdir(parents=True, exist_ok=True)
    for path in console.progress(files, f"Copying {folder.name}", len(files)):
        _copy(path, target / path.relative_to(folder), linked)
    return len(files)


def _plain_files(folder: Path) -> Iterator[Path]:
    """Yield every file that is not hidden; nothing is followed out of the folder."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            path = Path(entry.path)
            if hidden(path):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _plain_files(path)
            elif entry.is_file(follow_symlinks=False):
                yield path
            else:
                raise DataError(f"{path} is a link or no plain file; expected a folder of files")


def _copy(path: Path, target: Path, linked: bool) -> None:
    if linked:
        with suppress(OSError):
            target.hardlink_to(path)
            return
    shutil.copyfile(path, target)


def is_archive(name: str) -> bool:
    """True if a file is an archive by its name; NPZ files, which are zip files inside, are not."""
    return name.lower().endswith(_SUFFIXES)


def unpack_inner(top: Path, archive: Path, allowance: Allowance) -> int:
    """Unpack the archives that lie in a folder, each in its place; return how many there were.

    Those that lie in these in turn stay packed.

    Args:
        archive: where they came from, for a message.

    Raises:
        DataError: as `unpack`; or there are too many.
    """
    inner = [path for path in files_below(top) if is_archive(path.name)]
    inner = [path for path in inner if not _without_suffix(path).exists()]
    if len(inner) > _MOST_INNER:
        raise DataError(f"{archive} holds {len(inner)} archives, more than {_MOST_INNER}")
    for path in inner:
        try:
            _unpack_in_place(path, allowance)
        except DataError as error:
            reason = str(error).removeprefix(f"{path}: ")
            raise DataError(f"{archive}, in it {path.relative_to(top)}: {reason}") from None
    return len(inner)


def _unpack_in_place(path: Path, allowance: Allowance) -> None:
    """Put a folder named as the archive in its place, or the file if it holds just that."""
    target, draft = _without_suffix(path), path.with_name(f"{path.name}.unpacked")
    unpack(path, draft, allowance)
    path.unlink()
    only = [one for one in draft.iterdir() if not hidden(one)]
    if [one.name for one in only] == [target.name]:
        only[0].rename(target)
        shutil.rmtree(draft)
    else:
        draft.rename(target)


def _without_suffix(path: Path) -> Path:
    suffix = next(end for end in _SUFFIXES if path.name.lower().endswith(end))
    return path.with_name(path.name[: -len(suffix)] or "unnamed")


def lift_doubles(top: Path) -> None:
    """Take away each folder that holds nothing but a folder of its own name."""
    for place, _, _ in os.walk(top, topdown=False):
        path = Path(place)
        inner = [one for one in path.iterdir() if not hidden(one)]
        if path != top and [one.name for one in inner] == [path.name] and inner[0].is_dir():
            lifted = path.with_name(f"{path.name}.lifted")
            inner[0].rename(lifted)
            shutil.rmtree(path)
            lifted.rename(path)
