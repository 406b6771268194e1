"""The folder of a family: what its members share, and a run for each of them."""

import datetime
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd

from fastmed.data.pseudonyms import write_items
from fastmed.data.tables import ROOT, read_table, root_of
from fastmed.errors import RunError
from fastmed.evaluation import saved_scores
from fastmed.families.members import Member
from fastmed.files import read_info, write_json
from fastmed.run import FAMILY_FILE, Run
from fastmed.run.checks import check_items
from fastmed.run.places import claim_folder, relative_path
from fastmed.task import Task


class Family:
    """The folder of a family: ``family.json``, the task, the items, and a folder for each run.

    Attributes:
        path: the folder.
        info: the content of ``family.json``: kind, members, status.
    """

    def __init__(self, path: Path, info: dict[str, Any]) -> None:
        self.path = path
        self.info = info

    @classmethod
    def create(  # noqa: PLR0917
        cls,
        runs: str | Path,
        task: Task,
        items: pd.DataFrame,
        kind: str,
        members: Sequence[Member],
        name: str = "",
    ) -> "Family":
        """Make a new folder ``runs/TASK/NAME``.

        Args:
            task: of all members, before their own changes.
            items: of all members, before they are parted for each.
            kind: what is compared.
            members: the runs that are to come.
            name: of the folder; empty means the time and the kind.

        Raises:
            RunError: a folder of this name exists, or can't be written.
        """
        family = cls(claim_folder(Path(runs) / task.name, name, kind), {})
        write_json(family.path / "task.json", task.model_dump(mode="json"))
        write_items(items, family.path / "items.csv")
        family.update(
            kind=kind,
            members=[member._asdict() for member in members],
            data=relative_path(root_of(items), family.path),
            created=datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds"),
            status="training",
        )
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
        family = cls(Path(path), read_info(file))
        try:
            _ = family.plan, family.info["kind"], family.info["data"]
        except (KeyError, TypeError):
            raise RunError(f"{file} is not as fastmed writes it") from None
        return family

    @property
    def plan(self) -> list[Member]:
        """The members, in the order of their training."""
        return [Member(**member) for member in self.info["members"]]

    @property
    def members(self) -> dict[str, Run]:
        """The runs that are there, by name, in the order of their training."""
        places = {member.name: self.path / member.name for member in self.plan}
        return {name: Run.open(at) for name, at in places.items() if (at / "run.json").is_file()}

    @property
    def finished(self) -> dict[str, Run]:
        """The runs that are trained and scored, by name."""
        return {name: run for name, run in self.members.items() if is_finished(run)}

    @property
    def task(self) -> Task:
        """The task of all members, before their own changes."""
        return Task.model_validate(read_info(self.path / "task.json"))

    @property
    def items(self) -> pd.DataFrame:
        """The items of all members; ``attrs['root']`` is the data folder."""
        file = self.path / "items.csv"
        items = read_table(file)
        check_items(items, self.path / "items.csv")
        if self.has_folds and "fold" not in items.columns:
            raise RunError(
                f"{self.path / 'items.csv'} has no column fold: it is not a whole family"
            )
        items.attrs[ROOT] = os.path.normpath(self.path / self.info["data"])
        return items

    @property
    def has_folds(self) -> bool:
        """True if each member is tested on a fold of its own."""
        return any(member.fold >= 0 for member in self.plan)

    def update(self, **info: Any) -> None:
        """Add to ``family.json``."""
        self.info = {**self.info, **info}
        write_json(self.path / FAMILY_FILE, self.info)

    def drop_if_empty(self) -> None:
        """Remove the folder if nothing was begun in it."""
        own = ("task.json", "items.csv", FAMILY_FILE)
        with suppress(OSError):
            if {file.name for file in self.path.iterdir()} <= {*own}:
                for name in own:
                    (self.path / name).unlink(missing_ok=True)
                self.path.rmdir()


def is_finished(run: Run) -> bool:
    """True if a run is trained, and its test part scored where it has one."""
    tested = "test" in saved_scores(run) or not (run.items["split"] == "test").any()
    return run.info.get("status") == "done" and tested
