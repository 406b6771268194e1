"""Families: several trainings of one task, side by side, on the same images."""

import datetime
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd

from fastmed.console import clear_sentence, note, warn
from fastmed.data.tables import write_table
from fastmed.errors import RunError, TaskError
from fastmed.evaluation import evaluate, saved_scores
from fastmed.files import read_info, write_json
from fastmed.run import FAMILY_FILE, Run, claim_folder
from fastmed.settings.train import METADATA
from fastmed.task import Task
from fastmed.training import read_and_show, train

Row = dict[str, Any]

IMAGE, ALONE, BOTH = "image", "metadata", "image-and-metadata"
COMPARED = ("valid", "test")


class Family:
    """The folder of a family: ``family.json``, a folder for each run, and their comparison.

    Attributes:
        path: the folder.
        info: the content of ``family.json``: kind, names of the members, status.
    """

    def __init__(self, path: Path, info: dict[str, Any]) -> None:
        self.path = path
        self.info = info

    @classmethod
    def create(
        cls, runs: str | Path, task: Task, kind: str, members: Iterable[str], name: str = ""
    ) -> "Family":
        """Make a new folder ``runs/TASK/NAME``.

        Args:
            kind: what is compared. members: the names of the runs that are to come.
            name: of the folder; empty means the time and the kind.

        Raises:
            RunError: a folder of this name exists, or can't be written.
        """
        family = cls(claim_folder(Path(runs) / task.name, name, kind), {})
        created = datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds")
        family.update(kind=kind, members=list(members), created=created, status="training")
        return family

    @classmethod
    def open(cls, path: str | Path) -> "Family":
        """Open an existing family.

        Raises:
            RunError: the folder is missing or is no family.
        """
        file = Path(path) / FAMILY_FILE
        if not file.is_file():
            raise RunError(f"'{path}' is not a family of runs: it has no {FAMILY_FILE}")
        return cls(Path(path), read_info(file))

    @property
    def members(self) -> dict[str, Run]:
        """The runs that are there, by name, in the order of their training."""
        places = {name: self.path / name for name in self.info["members"]}
        return {name: Run.open(at) for name, at in places.items() if (at / "run.json").is_file()}

    def update(self, **info: Any) -> None:
        """Add to ``family.json``."""
        self.info = {**self.info, **info}
        write_json(self.path / FAMILY_FILE, self.info)

    def comparison(self, part: str) -> pd.DataFrame:
        """Return a row for each finished run with its scores on one part; empty without any."""
        return pd.DataFrame([row for row in self._rows() if row["part"] == part])

    def save_comparison(self) -> None:
        """Write the scores of all finished runs as ``comparison.csv`` and ``comparison.json``."""
        rows = list(self._rows())
        write_table(pd.DataFrame(rows), self.path / "comparison.csv")
        write_json(self.path / "comparison.json", rows)

    def _rows(self) -> Iterable[Row]:
        for name, run in self.members.items():
            scores = saved_scores(run)
            for part in (part for part in COMPARED if part in scores):
                epoch = run.info.get("best_epoch")
                row = {"run": name, "part": part, "n": scores[part]["n"], "best_epoch": epoch}
                yield {**row, **scores[part]["overall"]}

    def drop_if_empty(self) -> None:
        """Remove the folder if no run was begun in it."""
        if not self.members:
            with suppress(OSError):
                (self.path / FAMILY_FILE).unlink()
                self.path.rmdir()


def compare_meta(
    task: Task,
    data: str | Path | pd.DataFrame,
    *,
    runs: str | Path = "runs",
    name: str = "",
    skip_bad: bool = False,
    cache: bool = True,
    device: str | None = None,
    workers: int | None = None,
) -> Family:
    """Train image only, metadata only and both, on the same split, and compare them.

    The third goes on from the weights of the first. The test part, if there is one, is scored, too.

    Args:
        task: with ``meta``. The other arguments are those of `train`.

    Raises:
        TaskError: the task has no metadata, or no image network.
        FastmedError: as of `train`; runs that are finished stay.
        KeyboardInterrupt: runs that are finished stay.
    """
    _check(task)
    if not isinstance(data, pd.DataFrame):
        data = read_and_show(task, data, skip_bad, cache)
    family = Family.create(runs, task, "compare-meta", (IMAGE, ALONE, BOTH), name)
    options = {"cache": cache, "device": device, "workers": workers}
    try:
        for number, member in enumerate(family.info["members"], start=1):
            note(f"{number} of 3: {member}")
            changed = task.with_changes(_changes(family, member))
            _train_member(family, member, changed, data, options)
    except BaseException as error:
        _keep_what_is_there(family, error)
        raise
    family.update(status="done")
    return family


def _check(task: Task) -> None:
    if not task.meta:
        raise TaskError(
            f"--compare-meta needs metadata, and task '{task.name}' names none; name it as in "
            '`--set \'meta=["age", "sex"]\'`'
        )
    if task.metadata_only:
        raise TaskError("--compare-meta needs a network for the image; name one with --arch")


def _changes(family: Family, member: str) -> dict[str, Any]:
    """Return what the task of a member has of its own."""
    if member == IMAGE:
        return {"meta": []}
    if member == ALONE:
        return {"train.weights": None, "train.arch": METADATA}
    first = family.members[IMAGE]
    start = {"train.pretrained": True, "train.weights": str(first.path)}
    return {**start, "train.arch": first.task.train.arch}


def _train_member(
    family: Family, member: str, task: Task, items: pd.DataFrame, options: dict[str, Any]
) -> None:
    run = train(task, items, name=member, family=family.path, **options)
    if (items["split"] == "test").any():
        evaluate(run, split="test", **options)
    family.save_comparison()


def _keep_what_is_there(family: Family, error: BaseException) -> None:
    """Say what became of a family that was not finished."""
    done = [name for name, run in family.members.items() if run.info.get("status") == "done"]
    family.drop_if_empty()
    if not family.path.is_dir():
        return
    if isinstance(error, KeyboardInterrupt):
        family.update(status="interrupted")
        warn(f"{family.path} keeps its finished runs: {', '.join(done) or 'none'}")
    elif isinstance(error, Exception):
        family.update(status="failed", reason=clear_sentence(error))
