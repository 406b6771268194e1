"""What was measured of a task on a machine: one line each, and what limits."""

import datetime
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

import fastmed
from fastmed.benching.pace import Pace
from fastmed.errors import RunError
from fastmed.files import check_place, write_json
from fastmed.run.versions import package_versions
from fastmed.task import Task

SCHEMA = "fastmed-bench"
SCHEMA_VERSION = 1

# What is measured -> what it says in the table.
LABELS = {
    "reading": "first reading of the files",
    "loader_plain": "loader alone, without augmentation",
    "loader": "loader alone",
    "step": "training steps alone",
    "training": "training",
    "forward": "forward pass alone",
    "validation": "validation",
    "views": "forward pass alone, through all views",
    "prediction": "prediction",
}
# What cannot be quicker than what.
CEILINGS = {"training": "step", "validation": "forward", "prediction": "views"}


@dataclass(frozen=True)
class Conditions:
    """Under which conditions something was measured.

    Attributes:
        arch: the network. size: of its input, in pixels. channels: of its input.
        batch: images in a step.
        way: how steps are computed. speed: ``plain`` if no quicker way was looked for.
        techniques: that a training has beside its steps.
        augmentation: settings of it that change images.
        views: of a prediction.
        decoded: True if images come from the cache.
        overlapped: True if a device computes while the processor prepares the next batch.
        workers: loader processes.
        train, valid: images of an epoch.
        images: of all parts, that were measured with.
        share: of the images of the data that they are, from 0 to 1.
    """

    arch: str
    size: int
    channels: int
    batch: int
    way: str
    speed: str
    techniques: tuple[str, ...]
    augmentation: tuple[str, ...]
    views: tuple[str, ...]
    decoded: bool
    overlapped: bool
    workers: int
    train: int
    valid: int
    images: int
    share: float


@dataclass(frozen=True)
class Speeds:
    """How quickly a task is trained and predicted on a machine.

    Attributes:
        task: that was measured.
        paces: images a second, by the names in `LABELS`; what had nothing to measure is not there.
        keeping: seconds an epoch for writing weights, state and history.
        conditions: of the measurement.
        machine: that it was measured on.
        limits: sentences: what limits, and what to do about it.
    """

    task: Task
    paces: Mapping[str, Pace]
    keeping: float
    conditions: Conditions
    machine: Mapping[str, Any]
    limits: tuple[str, ...]

    def share(self, what: str) -> float | None:
        """Return which share of its ceiling something reaches; None if it has none."""
        if what not in CEILINGS:
            return None
        return self.paces[what].usual / self.paces[CEILINGS[what]].usual

    def table(self) -> pd.DataFrame:
        """Return a row for each measurement, in the order of `LABELS`.

        The columns are ``images_per_second``, ``lowest`` and ``highest`` (of the rounds),
        ``ceiling`` (the name of another row) and ``share`` (of it that is reached, from 0 to 1).
        """
        rows = {what: self._row(what) for what in LABELS if what in self.paces}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("what")

    def to_json(self) -> dict[str, Any]:
        """Return all of it, ready for JSON; see `docs/how-to/measure-speed.md`."""
        table = self.table()
        return {
            "schema": SCHEMA,
            "schema_version": SCHEMA_VERSION,
            "fastmed": fastmed.__version__,
            "made": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "task": self.task.name,
            "conditions": asdict(self.conditions),
            "machine": dict(self.machine),
            "versions": package_versions(),
            "speeds": [{"what": what, **self._row(what)} for what in table.index],
            "keeping_seconds": self.keeping,
            "limits": list(self.limits),
        }

    def write(self, file: str | Path) -> Path:
        """Write all of it as JSON and return the file.

        Raises:
            RunError: it can't be written.
        """
        write_json(Path(file), self.to_json())
        return Path(file)

    def _row(self, what: str) -> dict[str, Any]:
        found = self.paces[what]
        return {
            "images_per_second": found.usual,
            "lowest": min(found.rounds),
            "highest": max(found.rounds),
            "ceiling": CEILINGS.get(what, ""),
            "share": self.share(what),
        }


def check_file(file: Path) -> Path:
    """Return where the measurements are to be written; refuse it before any work is done.

    Raises:
        RunError: it is no JSON file, or its folder can't be written into.
    """
    if file.suffix.lower() != ".json":
        raise RunError(f"measurements are written as JSON, not '{file.suffix}'; name a .json file")
    check_place(file)
    return file
