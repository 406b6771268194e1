"""Files that are either whole or not there: written under a temporary name, flushed, renamed."""

import errno
import json
import math
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from fastmed.errors import RunError

_LONGEST_TEXT = 16 * 2**20  # bytes of a file that people or fastmed write as text
_OUTSIDE = re.compile(r"^[/\\]|^[A-Za-z]:|://|\0|(^|[/\\])\.\.([/\\]|$)")


def leads_out(name: str) -> bool:
    r"""True if a path that should lie below a folder is absolute, a URL, or has ``..`` in it.

    Drives and shares of Windows count on every system (``C:x``, ``\\server\share``).
    """
    return _OUTSIDE.search(name) is not None


def check_place(path: Path) -> None:
    """Refuse a file that can't be written where it is asked for, before any work is done.

    Raises:
        RunError: it is a folder, or no file can be made where it should be.
    """
    if path.is_dir():
        raise RunError(f"can't write '{path}': it is a folder; name a file in it")
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise RunError(f"can't write {path}: '{folder}' is no folder that can be written into")


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a temporary file, then put it in the place of ``path`` in one step.

    Raises:
        RunError: the disk is full, the folder can't be written, or a name can't be encoded;
            ``path`` is as it was before.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except Exception as error:
        cause = _disk_trouble(error)
        if cause is None:
            raise
        raise RunError(f"can't write {path}: {cause}; what was written before is whole") from None
    finally:
        with suppress(OSError):
            temporary.unlink()


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text as a whole."""
    write_whole(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_json(path: Path, content: Any) -> None:
    """Write JSON as a whole; NumPy numbers are plain numbers, not-a-number is null."""
    write_text(path, json.dumps(_plain(content), indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises:
        OSError: it can't be read. ValueError: it is not JSON, too large or too deep.
    """
    try:
        return json.loads(read_text(path))
    except RecursionError:
        raise ValueError("its tables are nested too deep") from None


def read_info(path: Path) -> dict[str, Any]:
    """Return a table of values that fastmed wrote into a run as JSON.

    Raises:
        RunError: it can't be read, or is something else.
    """
    try:
        info = read_json(path)
    except (OSError, ValueError) as error:
        raise RunError(f"{path} can't be read ({error}): it is not a whole run") from None
    if not isinstance(info, dict):
        raise RunError(f"{path} is not as fastmed writes it: it is no table of values")
    return info


def read_text(path: Path, most: int = _LONGEST_TEXT) -> str:
    """Return the content of a text file of at most so many bytes.

    Raises:
        OSError: it can't be read. ValueError: it is not UTF-8, or too large to be what it says.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "no file, but a folder, pipe or device", str(path))
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"it has more than {most:,} bytes")
    return content.decode("utf-8")


def _plain(content: Any) -> Any:
    """Return the content with NumPy types, tuples and NaN made JSON's own."""
    match content:
        case dict():
            return {str(key): _plain(value) for key, value in content.items()}
        case list() | tuple():
            return [_plain(value) for value in content]
        case float() if not math.isfinite(content):
            return None
        case Path():
            return content.as_posix()
        case _ if hasattr(content, "tolist"):
            return _plain(content.tolist())
    return content


def _disk_trouble(error: Exception) -> str | None:
    """Return what the operating system complains about, or None if it is something else.

    Writers outside of Python (safetensors) report the system's error only in their message.
    """
    number = error.errno if isinstance(error, OSError) else None
    told = re.search(r"\(os error (\d+)\)", str(error))
    if number is None and told:
        number = int(told[1])
    if number is not None:
        full = number in (errno.ENOSPC, errno.EDQUOT)
        return "the disk is full" if full else os.strerror(number).lower()
    if isinstance(error, UnicodeEncodeError):
        return f"'{error.object[error.start : error.end]}' in a name is not UTF-8; rename it"
    return None
