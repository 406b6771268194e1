"""Members of a tar file, read as a stream in which nothing large is taken at its word.

`tarfile.TarFile` reads extended headers into memory whatever size they announce, follows maps of
sparse files without bound, and keeps every member. Here its `TarInfo` takes headers apart, one
block at a time, and only files and folders are let through.
"""

import bz2
import gzip
import lzma
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Self

from fastmed.data.fetching.archives.limits import Allowance
from fastmed.data.fetching.archives.member import CHUNK, Member
from fastmed.data.fetching.archives.names import plain_path, shown
from fastmed.errors import DataError

_BLOCK = tarfile.BLOCKSIZE
_LONGEST_NUMBER = 20  # digits
_LONGEST_HEADER = 2**20  # bytes of an extended header: names, times, extended attributes
_FILES = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
_KINDS = {
    tarfile.LNKTYPE: "a hard link",
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a pipe",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
}


class TarMembers:
    """The members of a tar file, plain or compressed, in the order of the file."""

    def __init__(self, path: Path, packing: str, allowance: Allowance) -> None:
        """Open the file.

        Args:
            packing: ``gz``, ``bz2``, ``xz``, or empty for a plain tar file.
        """
        self._allowance = allowance
        self._size = path.stat().st_size
        self._raw = path.open("rb")
        self._stream = _unpacked(self._raw, packing)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self._raw.close()

    def __iter__(self) -> Iterator[Member]:
        extended: dict[str, str] = {}
        while (header := self._header()) is not None:
            self._allowance.take_member()
            if header.type in (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.XGLTYPE):
                records = _records(self._payload(header))
                extended |= _usable(records, header.type == tarfile.XGLTYPE)
            elif header.type == tarfile.GNUTYPE_LONGNAME:
                extended["path"] = _text(self._payload(header).rstrip(b"\0"))
            elif header.type == tarfile.GNUTYPE_LONGLINK:
                self._payload(header)
            else:
                yield from self._plain(header, extended)
                extended = {}

    def share(self) -> float:
        """Return how much of the archive has been read, 0 to 1."""
        return min(1.0, self._raw.tell() / self._size)

    def _plain(self, header: tarfile.TarInfo, extended: dict[str, str]) -> Iterator[Member]:
        """Yield the member of a header, then pass by what of it was not read."""
        path = plain_path(extended.get("path", header.name))
        if header.isdir():
            yield Member(path, True, 0, iter(()))
            return
        if header.type not in _FILES:
            kind = _KINDS.get(header.type, "of a kind that is no plain file")
            raise DataError(f"the member {shown(path)} is {kind}")
        size = _whole(extended["size"]) if "size" in extended else header.size
        if size < 0:
            raise DataError(f"the member {shown(path)} announces {size} bytes")
        self._allowance.check(size)
        chunks = self._chunks(size)
        yield Member(path, False, size, chunks)
        for _ in chunks:
            pass

    def _header(self) -> tarfile.TarInfo | None:
        """Return the next header; None at the end, where a block of zeros stands or nothing."""
        block = self._read(_BLOCK)
        if not block or block.count(0) == _BLOCK:
            return None
        return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")

    def _payload(self, header: tarfile.TarInfo) -> bytes:
        """Return the content of an extended header."""
        if not 0 <= header.size <= _LONGEST_HEADER:
            raise DataError(f"a header announces {header.size:,} bytes, as no honest one does")
        return b"".join(self._chunks(header.size))

    def _chunks(self, size: int) -> Iterator[bytes]:
        """Yield the next bytes, and pass by what fills the last block."""
        left = size
        while left > 0:
            chunk = self._read(min(left, CHUNK))
            if not chunk:
                raise EOFError("the file is cut off")
            left -= len(chunk)
            yield chunk
        self._read(-size % _BLOCK)

    def _read(self, count: int) -> bytes:
        chunk = self._stream.read(count) if count else b""
        self._allowance.take_bytes(len(chunk))
        return chunk


def _unpacked(raw: IO[bytes], packing: str) -> IO[bytes]:
    match packing:
        case "gz":
            return gzip.GzipFile(fileobj=raw)  # type: ignore[return-value]
        case "bz2":
            return bz2.BZ2File(raw)
        case "xz":
            return lzma.LZMAFile(raw)
    return raw


def _records(payload: bytes) -> dict[str, str]:
    """Return the records of a pax header (POSIX.1-2001, pax): ``LENGTH KEY=VALUE`` and newline."""
    records, place = {}, 0
    while place < len(payload) and payload[place]:
        space = payload.find(b" ", place, place + _LONGEST_NUMBER)
        end = place + _whole(_text(payload[place:space]))
        if not place < space < end <= len(payload):
            raise DataError("a header is broken")
        key, _, value = payload[space + 1 : end - 1].partition(b"=")
        records[key.decode("utf-8", "replace")] = _text(value)
        place = end
    return records


def _usable(records: dict[str, str], for_all: bool) -> dict[str, str]:
    """Return path and size; all else that a pax header says is of no use here."""
    if any(key.startswith("GNU.sparse") for key in records):
        raise DataError("a member is a sparse file")
    usable = {key: value for key, value in records.items() if key in ("path", "size")}
    if usable and for_all:
        raise DataError("a header gives all members one name or size")
    return usable


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


def _whole(text: str) -> int:
    """Return a whole number; -1 where there is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < _LONGEST_NUMBER else -1
