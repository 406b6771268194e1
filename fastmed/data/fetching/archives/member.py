"""One file or folder in an archive."""

from collections.abc import Iterator
from typing import NamedTuple

CHUNK = 2**20  # bytes that are read at once


class Member(NamedTuple):
    """One file or folder in an archive.

    Attributes:
        path: relative, checked, with ``/`` between folders; empty for the top folder itself.
        is_folder: it holds no bytes.
        size: bytes that the archive announces.
        chunks: its content; to be read before the next member.
    """

    path: str
    is_folder: bool
    size: int
    chunks: Iterator[bytes]
