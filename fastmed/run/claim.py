"""One training at a time in a run folder: a lock that ends with its process, however that ends."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from fastmed.errors import RunError
from fastmed.run.checkpoints import FOLDER

_FILE = Path(FOLDER) / ".lock"


@contextmanager
def claimed(run: Path) -> Iterator[None]:
    """Hold a run folder for one training.

    Processes that the training starts don't hold it. The folder must not be claimed twice by one
    process.

    Raises:
        RunError: another process trains it, or the folder can't be written.
    """
    with held(run / _FILE, f"{run} is being trained by another process; wait for its end"):
        yield


def is_claimed(run: Path) -> bool:
    """True if another process trains a run; not to be asked by that process itself."""
    return is_held(run / _FILE)


@contextmanager
def held(place: Path, refusal: str) -> Iterator[None]:
    """Hold a file, which is made for it and removed after; it is free when its process ends.

    Raises:
        RunError: another process holds it, which ``refusal`` says; or it can't be written.
    """
    try:
        place.parent.mkdir(exist_ok=True)
        file = place.open("ab")
    except OSError as error:
        raise RunError(
            f"can't write into {place.parent}: {(error.strerror or str(error)).lower()}"
        ) from None
    with file:
        if not (_lock(file) and _is_at(file, place)):
            raise RunError(refusal)
        try:
            yield
        finally:
            with suppress(OSError):
                place.unlink()


def is_held(place: Path) -> bool:
    """True if another process holds a file; not to be asked by that process itself."""
    try:
        with place.open("rb+") as file:
            return not _lock(file)
    except OSError:
        return False


def _is_at(file: BinaryIO, place: Path) -> bool:
    """False if the file was removed since it was opened, so that another may hold its name."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), place.stat())
    except OSError:
        return False


def _lock(file: BinaryIO) -> bool:
    """Lock a file until it is closed; False if another process has done so."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
