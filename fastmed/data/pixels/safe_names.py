"""Names of files that every file system takes, after names that came from anywhere."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from pathlib import PurePosixPath

from fastmed.data.pixels.image import IMAGE_SUFFIXES

_FORBIDDEN = re.compile(r'[<>:"|?*\\]')
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_LONGEST = 120  # bytes of a name; file systems take 255, and a path of all folders 260 on Windows


def mirrored(paths: Sequence[str], suffix: str) -> list[str]:
    """Return for each path a new one with another suffix, distinct whatever the file system.

    A path keeps its folders and its name as far as it can. Signs that a file system refuses are
    ``_``, names of devices begin with ``_``, long names are cut, and ``..`` is ``_``. Of paths that
    differ only by case, encoding of accents or suffix, the later ones get a number.

    Args:
        paths: with forward slashes.
        suffix: of the new ones, such as ``.png``.
    """
    stems = [_without_suffix(path) for path in paths]
    safe = ["/".join(map(safe_name, PurePosixPath(stem).parts or [""])) for stem in stems]
    folders = {_same(str(above)) for path in safe for above in PurePosixPath(path).parents}
    wished = {_same(f"{path}{suffix}") for path in safe}
    taken: set[str] = set()
    return [_free(path, suffix, taken, folders, wished) for path in safe]


def safe_name(name: str) -> str:
    """Return a name of a file or folder that every file system takes."""
    composed = unicodedata.normalize("NFC", name)
    printable = "".join(sign if sign.isprintable() else "_" for sign in composed)
    plain = _FORBIDDEN.sub("_", printable).replace("/", "_").rstrip(". ").lstrip()
    if not plain or plain.startswith(".") or _DEVICE.fullmatch(plain):
        plain = f"_{plain.lstrip('.')}"
    if len(plain.encode()) <= _LONGEST:
        return plain
    mark = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    start = plain.encode()[: _LONGEST - 9].decode("utf-8", "ignore")
    return f"{start}-{mark}"


def _free(path: str, suffix: str, taken: set[str], folders: set[str], wished: set[str]) -> str:
    """Return the path with its suffix, or with a number if that is taken."""
    name, number = f"{path}{suffix}", 1
    while _same(name) in taken or _same(name) in folders or (number > 1 and _same(name) in wished):
        number += 1
        name = f"{path}-{number}{suffix}"
    taken.add(_same(name))
    return name


def _same(path: str) -> str:
    """Return what two paths have in common that are one file on some system."""
    return unicodedata.normalize("NFKC", path).casefold()


def _without_suffix(path: str) -> str:
    """Return a path without the suffix of an image; other dots belong to the name."""
    end = PurePosixPath(path).suffix
    return path.removesuffix(end) if end.lower() in IMAGE_SUFFIXES else path
