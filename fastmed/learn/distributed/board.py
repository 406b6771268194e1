"""Notices that processes leave for each other: what is done, and which of them failed.

To wait for a notice has no limit of time, can be ended by Ctrl-C, and ends when another process
fails. Reading the images of a large data set takes longer than PyTorch's collectives wait.
"""

import time
from datetime import timedelta
from functools import cache

from torch.distributed.distributed_c10d import Store
from torch.distributed.rendezvous import rendezvous

from fastmed.errors import TrainingError
from fastmed.processes import seat

_FAILED, _PAUSE = "fastmed/failed", 0.05  # seconds between two looks
_PATIENCE = timedelta(minutes=5)  # for all processes to be there


class FailedElsewhereError(TrainingError):
    """Another process failed, and says why."""


class Board:
    """Where the processes of a training leave notices.

    Args:
        store: that all of them reach.
        rank: of this process.
    """

    def __init__(self, store: Store, rank: int) -> None:
        self.store, self.rank = store, rank

    def leave(self, notice: str) -> int:
        """Leave a notice, and return how many processes have left it."""
        return int(self.store.add(f"fastmed/{notice}", 1))

    def wait(self, notice: str, count: int = 1) -> None:
        """Wait until so many processes have left a notice.

        Raises:
            FailedElsewhereError: another process failed.
        """
        while self.store.add(f"fastmed/{notice}", 0) < count:
            self.look_for_failure()
            time.sleep(_PAUSE)

    def look_for_failure(self) -> None:
        """Raise the failure of another process, if there was one.

        Raises:
            FailedElsewhereError: with its sentence.
        """
        if self.store.check([_FAILED]) and (first := self.store.get(_FAILED).decode()) != self._own:
            reason = self.store.get(f"{_FAILED}/{first}").decode()
            raise FailedElsewhereError(f"process {first} failed: {reason}")

    def fail(self, reason: str) -> int:
        """Tell the others of a failure, and return which process was the first to fail."""
        self.store.set(f"{_FAILED}/{self._own}", reason)
        return int(self.store.compare_set(_FAILED, "", self._own))

    @property
    def _own(self) -> str:
        return str(self.rank)


@cache
def board() -> Board:
    """Return the board of the processes that were started together.

    Raises:
        TrainingError: the main process is not in reach.
    """
    try:
        store, rank, _ = next(rendezvous("env://", timeout=_PATIENCE))
    except (RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise TrainingError(
            f"process {seat().rank} can't reach the others by MASTER_ADDR and MASTER_PORT: {reason}"
        ) from None
    return Board(store, rank)
