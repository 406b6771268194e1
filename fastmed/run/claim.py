"""One training at a time in a run folder: a lock that ends with its process, however that ends."""

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
    place = run / _FILE
    try:
        place.parent.mkdir(exist_ok=True)
        file = place.open("ab")
    except OSError as error:
        raise RunError(
            f"can't write into {run}: {(error.strerror or str(error)).lower()}"
        ) from None
    with file:
        if not _lock(file):
            raise RunError(f"{run} is being trained by another process; wait for its end")
        try:
            yield
        finally:
            with suppress(OSError):
                place.unlink()


def is_claimed(run: Path) -> bool:
    """True if another process trains a run; not to be asked by that process itself."""
    try:
        with (run / _FILE).open("rb+") as file:
            return not _lock(file)
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
