"""Where runs lie: names of new folders, and paths that stay right when folders move."""

import datetime
import os
import re
from pathlib import Path

from fastmed.errors import RunError


def claim_folder(parent: Path, name: str, kind: str) -> Path:
    """Make the new folder of a run or a family of runs.

    Args:
        name: of the folder; empty means the time and ``kind``, and a number if that is taken.

    Raises:
        RunError: the name is taken, or can't be one, or the folder can't be written.
    """
    default = f"{datetime.datetime.now():%Y%m%d-%H%M%S}-{kind}"
    if name:
        check_name(name)
    candidates = [name] if name else [default, *(f"{default}-{n}" for n in range(2, 100))]
    for candidate in candidates:
        try:
            (parent / candidate).mkdir(parents=True)
            return parent / candidate
        except FileExistsError:
            continue
        except OSError as error:
            raise RunError(f"can't make a run folder in {parent}: {error.strerror}") from None
    raise RunError(f"a run '{parent / candidates[0]}' exists already; choose another --name")


def check_name(name: str) -> None:
    """Refuse a name that not every system takes for a folder.

    Raises:
        RunError: says what a name may hold.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        raise RunError(f"the name '{name}' may hold only letters, digits, '.', '_' and '-'")


def relative_path(path: str | Path, start: Path) -> str:
    """Return a path that stays right when both folders move together, and names no user."""
    try:
        return Path(os.path.relpath(path, start)).as_posix()
    except ValueError:
        return Path(path).resolve().as_posix()
