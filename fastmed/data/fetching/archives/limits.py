"""How much an archive may hold: enough for honest data sets, too little for a bomb."""

from dataclasses import dataclass

from fastmed.errors import DataError

SMALLEST_FILE = 2**14  # bytes that a file or folder counts for at least
UNPACKED_BY_HAND = "if you trust it, unpack it yourself and give the folder instead"


@dataclass(frozen=True)
class Limits:
    """How much an archive may hold, with the archives that lie in it.

    Attributes:
        members: files and folders. MIMIC-CXR-JPG, among the largest open sets of radiographs,
            has 377,110 images.
        ratio: of the bytes that are written to the bytes of the archive. Compressed images give
            1, raw ones 2 to 10, masks some tens; a bomb gives 1000 and more. A file counts for
            16 kB at least, so that a hundred thousand empty ones are a bomb, too.
        slack: bytes that are allowed at any ratio.
        reserve: bytes that stay free on the disk.
    """

    members: int = 500_000
    ratio: int = 100
    slack: int = 512 * 2**20
    reserve: int = 2**30


class Allowance:
    """What one archive, with the archives that lie in it, may still take."""

    def __init__(self, limits: Limits, packed: int, free: int) -> None:
        """Start with all that the limits allow.

        Args:
            packed: bytes of the archive.
            free: bytes that are free on the disk.
        """
        self.limits = limits
        self.members = limits.members
        self._inflated = max(limits.slack, limits.ratio * packed)
        self._disk = max(0, free - limits.reserve)

    def take_member(self) -> None:
        """Count a file or folder, which takes time and room even if it is empty.

        Raises:
            DataError: there are too many, or as `take_bytes`.
        """
        self.members -= 1
        if self.members < 0:
            raise too_many(self.limits.members)
        self.check(SMALLEST_FILE)
        self._inflated -= SMALLEST_FILE

    def take_bytes(self, count: int) -> None:
        """Count bytes that come out of the archive.

        Raises:
            DataError: it inflates too much, or the disk would fill up.
        """
        self.check(count)
        self._inflated -= count
        self._disk -= count

    def check(self, count: int) -> None:
        """Refuse bytes that are announced and could not be taken.

        Raises:
            DataError: as `take_bytes`.
        """
        if count > self._inflated:
            raise DataError(
                f"it would take more than {self.limits.ratio} times its size, every file counted "
                f"as {SMALLEST_FILE // 2**10} kB at least, as only bombs do; {UNPACKED_BY_HAND}"
            )
        if count > self._disk:
            raise DataError(
                f"it needs {_gigabytes(count)} more, and {_gigabytes(self._disk)} of the disk are "
                f"free beside a reserve of {_gigabytes(self.limits.reserve)}"
            )


def too_many(most: int) -> DataError:
    """Return the error of an archive with too many members."""
    return DataError(f"it has more than {most:,} members; {UNPACKED_BY_HAND}")


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB"
