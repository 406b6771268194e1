"""Members of a zip file, whose table of contents is not believed."""

import stat
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Self

from fastmed.data.fetching.archives.limits import (
    SMALLEST_FILE,
    UNPACKED_BY_HAND,
    Allowance,
    too_many,
)
from fastmed.data.fetching.archives.member import CHUNK, Member
from fastmed.data.fetching.archives.names import plain_path, shown
from fastmed.errors import DataError

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1  # bit 0 of the general purpose flags (APPNOTE 4.4.4)
_USUAL_ENTRY = 256  # bytes in the table of contents, with name and extra fields
_LOCAL_HEADER = 30  # bytes, without them
_LONGEST_END = 2**16 + 22 + 76  # comment, end record, and what large files have before it


class ZipMembers:
    """The members of a zip file, in the order of its table of contents."""

    def __init__(self, path: Path, allowance: Allowance) -> None:
        """Read the table of contents.

        Raises:
            DataError: it is too long, or announces more than fits. zipfile.BadZipFile: no zip.
        """
        self._allowance = allowance
        self._size = path.stat().st_size
        with path.open("rb") as file:
            _check_contents(file, self._size, allowance.limits.members)
        self._archive = zipfile.ZipFile(path)
        self._done = 0
        self._check_sizes()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()

    def __iter__(self) -> Iterator[Member]:
        for entry in self._archive.infolist():
            self._allowance.take_member()
            yield self._member(entry)
            self._done += entry.compress_size

    def share(self) -> float:
        """Return how much of the archive has been read, 0 to 1."""
        return self._done / self._size

    def paths(self) -> list[str]:
        """Return the paths of all files, checked, without unpacking any."""
        entries = [entry for entry in self._archive.infolist() if not entry.is_dir()]
        return [self._member(entry).path for entry in entries]

    def _check_sizes(self) -> None:
        """Refuse what the announced sizes alone show to be impossible."""
        entries = self._archive.infolist()
        if len(entries) > self._allowance.limits.members:
            raise too_many(self._allowance.limits.members)
        packed = sum(entry.compress_size + _LOCAL_HEADER for entry in entries)
        if packed > self._size:
            raise DataError("its members overlap, as those of zip bombs do")
        self._allowance.check(sum(entry.file_size + SMALLEST_FILE for entry in entries))

    def _member(self, entry: zipfile.ZipInfo) -> Member:
        path = plain_path(entry.orig_filename)
        kind = stat.S_IFMT(entry.external_attr >> 16)
        is_folder = entry.orig_filename.endswith("/")
        if kind not in (0, stat.S_IFDIR if is_folder else stat.S_IFREG):
            raise DataError(f"the member {shown(path)} is a link or no plain file")
        if entry.flag_bits & _ENCRYPTED:
            raise DataError(
                f"the member {shown(path)} is encrypted; unpack it yourself with the password and "
                "give the folder instead"
            )
        if entry.compress_type not in _METHODS:
            raise DataError(
                f"the member {shown(path)} is packed by the method {entry.compress_type}, and only "
                f"stored and deflated ones are unpacked; {UNPACKED_BY_HAND}"
            )
        return Member(path, is_folder, entry.file_size, self._chunks(entry))

    def _chunks(self, entry: zipfile.ZipInfo) -> Iterator[bytes]:
        with self._archive.open(entry) as file:
            while chunk := file.read(CHUNK):
                self._allowance.take_bytes(len(chunk))
                yield chunk


def _check_contents(file: IO[bytes], size: int, most: int) -> None:
    """Refuse a table of contents that would take too much memory, before `zipfile` reads it.

    A zip file ends with a record that says how long the table before it is; large files have a
    second one before that, and a signpost to it (APPNOTE 4.3.14 to 4.3.16).
    """
    file.seek(max(0, size - _LONGEST_END))
    tail = file.read()
    end = tail.rfind(b"PK\5\6", 0, len(tail) - 22 + 4)
    if end < 0:
        return
    length = struct.unpack_from("<L", tail, end + 12)[0]
    for record in _large_records(file, tail, end, size):
        length = max(length, struct.unpack_from("<Q", record, 40)[0])
    length = min(length, size)
    if length > most * _USUAL_ENTRY:
        raise too_many(most)
    file.seek(max(0, size - len(tail) + end - length - 76))
    if file.read(length + 76).count(b"PK\1\2") > most:
        raise too_many(most)


def _large_records(file: IO[bytes], tail: bytes, end: int, size: int) -> Iterator[bytes]:
    """Yield the end record of a large file: where it should stand, and where it is said to."""
    if end < 20 or tail[end - 20 : end - 16] != b"PK\6\7":
        return
    said = struct.unpack_from("<Q", tail, end - 12)[0]
    for place in (size - len(tail) + end - 76, said):
        file.seek(min(max(0, place), size))
        record = file.read(56)
        if len(record) == 56 and record[:4] == b"PK\6\6":
            yield record
