"""What a tracker is told about a run, and what every tracker can do."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

Values = Mapping[str, float]


@dataclass(frozen=True)
class About:
    """What a tracker is told of a run at the beginning.

    Attributes:
        folder: of the run.
        name: of that folder.
        task: its name.
        key: the same whenever the run is continued, and another for each run.
        settings: the resolved task, as nested tables.
    """

    folder: Path
    name: str
    task: str
    key: str
    settings: dict[str, Any]

    def flat_settings(self) -> dict[str, str]:
        """Return the settings as text, by dotted names; those that are not set are left out."""
        return dict(_flat(self.settings, ""))


class Tracker(ABC):
    """Another program that keeps what happens in a training.

    A new one is a class in a file of its own and a line in `fastmed.tracking.trackers`. It lives
    in a process of its own, so it may take its time, wait for a network, and fail.

    Attributes:
        label: its name, for people.
        package: the client that it needs, as it is imported.
    """

    label: ClassVar[str]
    package: ClassVar[str]

    @abstractmethod
    def __init__(self, about: About) -> None:
        """Begin, or go on if the run is known by its key."""

    @abstractmethod
    def epoch(self, number: int, values: Values) -> None:
        """Keep the measures of an epoch, counted from 1."""

    @abstractmethod
    def figure(self, name: str, file: Path, number: int) -> None:
        """Keep a figure (PNG) that was drawn after an epoch."""

    @abstractmethod
    def end(self, status: str, scores: Values) -> None:
        """Keep the final scores and the run's status, and leave nothing unwritten."""


def _flat(table: Mapping[str, Any], before: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in table.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{before}{name}.")
        elif value is not None:
            found.append((f"{before}{name}", str(value)))
    return found
