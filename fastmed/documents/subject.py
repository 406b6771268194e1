"""What a card is of: a run, or a family of runs; read without loading torch."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import pandas as pd

from fastmed.data.tables import ROOT, read_table
from fastmed.documents.kept import check_info, check_scores
from fastmed.errors import RunError
from fastmed.files import leads_out, read_info
from fastmed.run import FAMILY_FILE, Run
from fastmed.run.checks import check_items
from fastmed.task import Task

Kind = Literal["run", "family"]


class HasPath(Protocol):
    """A run or a family: something with a folder."""

    @property
    def path(self) -> Path:
        """The folder."""


@dataclass(frozen=True)
class Subject:
    """A run, or a family of runs, with what a card needs of it.

    Attributes:
        kind: which of the two.
        path: its folder.
        task: for a family, before its members' own changes.
        items: with the parts; for a family with folds, the folds.
        info: the content of ``run.json`` or ``family.json``.
        runs: the members of a family that were begun, by name; of a run, itself.
        scores: by part or input.
        epoch: whose weights are meant; None means those of the best one.
    """

    kind: Kind
    path: Path
    task: Task
    items: pd.DataFrame
    info: dict[str, Any]
    runs: dict[str, Run]
    scores: dict[str, Any]
    epoch: int | None = None

    @property
    def first(self) -> Run | None:
        """The run itself, or the first one of the family that is done."""
        runs = sorted(self.runs.values(), key=lambda run: run.info.get("status") != "done")
        return runs[0] if runs else None

    @property
    def status(self) -> str:
        """How far the training came."""
        if self.kind == "run" and self.first is not None:
            return self.first.status
        return str(self.info.get("status", ""))


def subject_of(thing: HasPath | str | Path) -> Subject:
    """Return the subject of a run, a family, or the folder of one.

    Raises:
        RunError: there is none, or it is not as fastmed writes it.
    """
    if isinstance(thing, Run):
        return _of_run(thing)
    path = Path(thing) if isinstance(thing, str | Path) else thing.path
    if (path / FAMILY_FILE).is_file():
        return _of_family(path)
    return _of_run(Run.open(path))


def _of_run(run: Run) -> Subject:
    check_info(run.info, run.path / "run.json")
    name, scores = run.path.name, _scores(run.results)
    return Subject("run", run.path, run.task, run.items, run.info, {name: run}, scores, run.epoch)


def _of_family(path: Path) -> Subject:
    info = read_info(path / FAMILY_FILE)
    try:
        folds = {str(member["name"]): int(member.get("fold", -1)) for member in info["members"]}
        data, _ = info["data"], info["kind"]
        task = Task.model_validate(read_info(path / "task.json"))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise RunError(f"{path / FAMILY_FILE} is not as fastmed writes it") from None
    items = read_table(path / "items.csv")
    check_items(items, path / "items.csv")
    items.attrs[ROOT] = os.path.normpath(path / str(data))
    if any(leads_out(name) for name in folds):
        raise RunError(f"{path / FAMILY_FILE}: a member leads out of the folder")
    runs = {name: Run.open(path / name) for name in folds if (path / name / "run.json").is_file()}
    for name, run in runs.items():
        check_info(run.info, path / name / "run.json")
    return Subject("family", path, task, items, info, runs, _scores(path))


def _scores(folder: Path) -> dict[str, Any]:
    file = folder / "scores.json"
    scores = read_info(file) if file.is_file() else {}
    check_scores(scores, file)
    return scores
