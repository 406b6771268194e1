"""Which of several processes this one is, by the variables that torchrun and accelerate set."""

import os
from dataclasses import dataclass

from fastmed.errors import TrainingError


@dataclass(frozen=True)
class Seat:
    """The place of a process among those that were started together.

    Attributes:
        rank: its number, from 0, which is the main process.
        local_rank: its number on its machine, from 0.
        count: how many there are on all machines.
        local_count: how many of them are on this one.
    """

    rank: int = 0
    local_rank: int = 0
    count: int = 1
    local_count: int = 1

    @property
    def main(self) -> bool:
        """True for the one process that keeps, evaluates and says everything."""
        return self.rank == 0


def seat() -> Seat:
    """Return the seat of this process.

    Raises:
        TrainingError: it is said that there are several, but not which of them this one is.
    """
    count = _number("WORLD_SIZE", 1)
    if count == 1:
        return Seat()
    for name in ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
        if not os.environ.get(name):
            raise TrainingError(
                f"WORLD_SIZE says that {count} processes were started, but {name} is not set; "
                "start them with torchrun, or unset WORLD_SIZE for a single one"
            )
    local_count = _number("LOCAL_WORLD_SIZE", count)
    return Seat(_number("RANK"), _number("LOCAL_RANK"), count, local_count)


def refuse_several(what: str) -> None:
    """Refuse what is done by one process, if several were started.

    Raises:
        TrainingError: names it.
    """
    if (count := seat().count) > 1:
        raise TrainingError(
            f"{what} is done by one process, and {count} were started together; start it without "
            "torchrun or accelerate"
        )


def _number(name: str, default: int = 0) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isdecimal():
        raise TrainingError(f"{name} = '{text}' in the environment is no number of processes")
    return int(text)
