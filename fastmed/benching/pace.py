"""How many images a second something takes."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Pace:
    """How many images a second something takes.

    Attributes:
        rounds: images a second of each round, one or more.
    """

    rounds: tuple[float, ...]

    @property
    def usual(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.rounds)

    @classmethod
    def joined(cls, paces: Iterable[Self]) -> Self:
        """Return the rounds of several measurements of the same as one."""
        return cls(tuple(one for pace in paces for one in pace.rounds))
