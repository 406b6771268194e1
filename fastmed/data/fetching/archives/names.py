"""Names of members: plain paths that every system can hold, and no two of them alike."""

import re
import unicodedata

from fastmed.errors import DataError
from fastmed.files import leads_out

# Names of devices, which Windows finds in every folder and with any suffix:
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\..*)?", re.I)
# Characters that turn the reading direction, by which a name can look like another one.
_TURNING = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")
_LONGEST_PART = 255  # bytes of one name, the limit of nearly all file systems
_LONGEST = 1024  # bytes of a path
_DEEPEST = 32  # folders


def plain_path(name: str) -> str:
    """Return a member's name as a relative path without ``.``; empty for the top folder itself.

    Args:
        name: as the archive has it, with ``/`` between folders.

    Raises:
        DataError: the name leads out of the folder, or some system can't hold it.
    """
    reason = _fault(name)
    parts = [part for part in name.split("/") if part not in ("", ".")]
    for part in parts if not reason else ():
        reason = reason or _fault_of_part(part)
    if not reason and len(parts) > _DEEPEST:
        reason = f"lies {len(parts)} folders deep, more than {_DEEPEST}"
    if reason:
        raise DataError(f"the member {shown(name)} {reason}")
    return "/".join(parts)


def shown(name: str) -> str:
    """Return a name in quotes, for a message: one line, printable, not too long."""
    return ascii(name if len(name) <= 80 else f"{name[:60]}...{name[-17:]}")


class Names:
    """The paths in one folder, of which no two may fall together on any file system.

    Letters of both cases, and accents however they are encoded, count as the same: Windows and
    macOS would write one file over the other.
    """

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: dict[str, str] = {}
        self._known: set[str] = set()

    def add(self, path: str, is_folder: bool) -> list[str]:
        """Take note of a path, and return the folders that it needs and were not there yet.

        Raises:
            DataError: another path falls together with it.
        """
        above, _, _ = path.rpartition("/")
        missing = self._add_folders(path if is_folder else above)
        if is_folder:
            return missing
        key = _folded(path)
        if key in self._files or key in self._folders:
            raise DataError(
                f"the member {shown(path)} stands there twice, or is another one but for the case "
                "of letters or the encoding of accents"
            )
        self._files.add(key)
        return missing

    def _add_folders(self, path: str) -> list[str]:
        missing: list[str] = []
        while path and path not in self._known:
            key = _folded(path)
            other = self._folders.setdefault(key, path)
            if other != path or key in self._files:
                raise DataError(
                    f"the folder {shown(path)} falls together with "
                    f"{shown(other) if other != path else 'a file of that name'}"
                )
            self._known.add(path)
            missing.insert(0, path)
            path, _, _ = path.rpartition("/")
        return missing


def _folded(path: str) -> str:
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", path).casefold())


def _fault(name: str) -> str:
    """Return what is wrong with a name as a whole; empty if nothing is."""
    plain = name.isprintable()
    faults = {
        "has no name": not name,
        "has control characters in it, or is not UTF-8": (
            not plain and any(map(_is_control, name))
        ),
        "leads out of the folder": leads_out(name),
        "has a backslash in it, which is a folder to some systems and a letter to others": (
            "\\" in name
        ),
        "has characters in it that turn the reading direction": (
            not plain and _TURNING.search(name)
        ),
        f"is longer than {_LONGEST} bytes": _length(name) > _LONGEST,
    }
    return next((reason for reason, found in faults.items() if found), "")


def _fault_of_part(part: str) -> str:
    """Return what is wrong with the name of a file or folder; empty if nothing is."""
    faults = {
        "is named as a device of Windows": _DEVICE.fullmatch(part),
        "ends in a dot or a space, which Windows leaves out": part.endswith((".", " ")),
        "has a colon in it, which Windows can't have in a name": ":" in part,
        f"is longer than {_LONGEST_PART} bytes": _length(part) > _LONGEST_PART,
    }
    return next((reason for reason, found in faults.items() if found), "")


def _is_control(letter: str) -> bool:
    return unicodedata.category(letter) in ("Cc", "Cs")


def _length(name: str) -> int:
    return len(name.encode("utf-8", "surrogatepass"))
