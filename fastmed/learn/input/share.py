"""Which images of an epoch each of several processes takes."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Share:
    """The part of each batch that one of several processes takes.

    All processes draw the same epoch and cut it into the same batches, as one process alone does.
    So no image is taken twice, and none is left out.

    Attributes:
        rank: of the process, from 0. count: of the processes.
    """

    rank: int = 0
    count: int = 1

    def of(self, positions: Sequence[int], size: int, whole_only: bool) -> list[int]:
        """Return this process's part of an epoch.

        Args:
            positions: of all images, in the order of the epoch.
            size: images of a whole batch that one process takes.
            whole_only: leave out the images that make no whole batch.
        """
        total = size * self.count
        end = len(positions) - len(positions) % total if whole_only else len(positions)
        starts = range(0, end, total)
        return [place for start in starts for place in self._cut(positions[start : start + total])]

    def batches(self, images: int, size: int, whole_only: bool) -> int:
        """Return how many batches this process has of an epoch of so many images."""
        whole, rest = divmod(images, size * self.count)
        return whole + (not whole_only and bool(self._cut(range(rest))))

    def common_batches(self, images: int, size: int, whole_only: bool) -> int:
        """Return how many batches every process has; the last one may not reach for all."""
        whole, rest = divmod(images, size * self.count)
        return whole + (not whole_only and rest >= self.count)

    def _cut(self, batch: Sequence[int]) -> Sequence[int]:
        return batch[
            len(batch) * self.rank // self.count : len(batch) * (self.rank + 1) // self.count
        ]
