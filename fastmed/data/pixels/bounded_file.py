"""A file that never sets memory aside for more than it holds."""

import io
import os
from pathlib import Path


class BoundedFile(io.BufferedReader):
    """A file opened for reading; asked for more bytes than are left, it gives those.

    Python sets aside as much memory as is asked for before it reads, and a reader of images asks
    for as much as the file announces.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self._size = os.fstat(self.fileno()).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        """Return at most ``size`` bytes; all that are left if it is negative or None."""
        left = max(0, self._size - self.tell())
        return super().read(left if size is None or size < 0 else min(size, left))
