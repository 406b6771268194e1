"""The folder of an adopted run: what a training would write, as far as there is any of it."""

import datetime
import hashlib
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from fastmed.data.lock import LOCK_FILE, DataLock
from fastmed.data.pseudonyms import write_items
from fastmed.data.tables import ITEM_DEFAULTS
from fastmed.files import write_json
from fastmed.learn.input.statistics import Statistics
from fastmed.run import Run
from fastmed.run.versions import package_versions
from fastmed.task import Task


def write_run(
    folder: Path,
    task: Task,
    statistics: Statistics,
    file: Path,
    cut_points: Sequence[float] | None,
) -> Run:
    """Write what a run has of itself, without any image, and return it."""
    run = Run(folder, {})
    write_json(folder / "task.json", task.model_dump(mode="json"))
    write_own_items(run, pd.DataFrame(columns=list(ITEM_DEFAULTS)))
    cuts = {} if cut_points is None else {"cut_points": [float(point) for point in cut_points]}
    run.update(
        status="done",
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds"),
        versions=package_versions(),
        data=".",
        mean=statistics.mean,
        std=statistics.std,
        adopted={"sha256": hashlib.sha256(file.read_bytes()).hexdigest()},
        **cuts,
    )
    return run


def write_own_items(run: Run, items: pd.DataFrame) -> None:
    """Write the images of a run, with their lock."""
    write_items(items, run.path / "items.csv")
    lock = DataLock.of(items)
    lock.write(run.path / LOCK_FILE)
    run.update(data_root=lock.root)
