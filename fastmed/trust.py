"""Which Python code of runs may be executed on this machine, by this user.

A run that was trained with a network of the user's own holds its code. Whoever restores the run
executes that code, so it has to be code that the user has trained with, or has allowed.
"""

import hashlib
from pathlib import Path

from fastmed.errors import RunError
from fastmed.files import read_text
from fastmed.network_files import KEPT_CODE
from fastmed.state import state_folder


def trust(text: str) -> None:
    """Remember that this code may be executed.

    Raises:
        RunError: the folder of what outlives a run can't be written.
    """
    place = _place(text)
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.touch()
    except OSError as error:
        cause = (error.strerror or str(error)).lower()
        raise RunError(
            f"can't remember in {place.parent} which code may run: {cause}; set FASTMED_HOME to a "
            "folder that can be written"
        ) from None


def trust_run(run: str | Path) -> Path:
    """Allow the code of a run, and return the file that holds it.

    Raises:
        RunError: the run has no code, or it can't be read.
    """
    file = Path(run) / KEPT_CODE
    if not file.is_file():
        raise RunError(f"'{run}' holds no code to allow: there is no {KEPT_CODE} in it")
    trust(_read(file))
    return file


def check_trusted(file: Path, text: str) -> None:
    """Refuse code that lies in a run and that the user has neither trained with nor allowed.

    Raises:
        RunError: says how to allow it.
    """
    if (file.parent / "run.json").exists() and not _place(text).exists():
        raise RunError(
            f"{file} is Python code that came with the run, and restoring the run would execute "
            f"it; read it, and if you trust it, allow it with `fastmed trust {file.parent}`"
        )


def _read(file: Path) -> str:
    try:
        return read_text(file)
    except (OSError, ValueError) as error:
        raise RunError(f"{file} can't be read as Python code ({error})") from None


def _place(text: str) -> Path:
    """Return the empty file that stands for a code, by its SHA-256."""
    return state_folder() / "trusted-code" / hashlib.sha256(text.encode()).hexdigest()
