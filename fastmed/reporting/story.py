"""What a report tells: collected once from a run, or a family of runs, without any image."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from fastmed.data.tables import read_table
from fastmed.documents.checklists import CHECKLISTS
from fastmed.documents.filling import documents_of
from fastmed.documents.results_section import ROLES
from fastmed.documents.subject import HasPath, Subject, subject_of
from fastmed.errors import RunError, listed, nearest
from fastmed.reporting.heatmaps import Drawn, drawn_of
from fastmed.reporting.words import HEADLINES
from fastmed.results.deciding.story import DecisionStory
from fastmed.results.maps.embedding_files import Embedding, read_embedding
from fastmed.results.scores.asked import asked_scores
from fastmed.run import Run
from fastmed.task import Task

FOLDS = "out-of-fold"
ROW = "row"  # of a predictions table, from 1 below its header
COLUMNS = ("item", "target", "predicted", "loss")


@dataclass(frozen=True)
class Story:
    """A run, or a family of runs, and the part that its report judges it by.

    Attributes:
        subject: the run or family.
        card, checklists: as `fastmed.documents` fills them in.
        part: whose scores are told; None where nothing was evaluated.
        scores: of this part, as ``scores.json`` has them; {} without a part.
        predictions: its labelled rows, with their number in `ROW`; None where they are gone.
    """

    subject: Subject
    card: dict[str, Any]
    checklists: dict[str, Any]
    part: str | None
    scores: dict[str, Any]
    predictions: pd.DataFrame | None

    @property
    def task(self) -> Task:
        """The task that was trained."""
        return self.subject.task

    @cached_property
    def run(self) -> Run:
        """The run; of a family what stands for it: its folder, task and predictions."""
        if self.subject.kind == "run" and self.subject.first is not None:
            return self.subject.first
        return Run(self.subject.path, {})

    @property
    def optimistic(self) -> bool:
        """True if the part chose anything, so that its scores are too good."""
        return self.part == "valid"

    @property
    def label(self) -> str:
        """The part as a report names it: sets of other places are numbered, as in the card."""
        if self.part is None or self.part in ROLES:
            return self.part or ""
        if self.part.startswith(FOLDS):
            return "held-out folds"
        others = [name for name in self.subject.scores if name not in ROLES]
        return f"external-{others.index(self.part) + 1}"

    @property
    def table_name(self) -> str:
        """The predictions table, as rows of it are told."""
        own = self.part in ROLES or str(self.part).startswith(FOLDS)
        return f"predictions/{self.part}.csv" if own else f"the predictions of {self.label}"

    @property
    def limits(self) -> dict[str, str]:
        """The limits of the card: id -> sentence."""
        return {one["id"]: one["sentence"] for one in self.card["limits"]}

    def score(self, name: str) -> tuple[float | None, list[float | None] | None]:
        """Return a score of all classes together, and its interval."""
        value = self.scores.get("overall", {}).get(name)
        return value, self.scores.get("intervals", {}).get("overall", {}).get(name)

    def class_score(self, of: str, name: str) -> tuple[float | None, list[float | None] | None]:
        """Return a score of one class against the rest, and its interval."""
        limits = self.scores.get("intervals", {}).get("per_class", {}).get(of, {})
        return self.scores["per_class"][of].get(name), limits.get(name)

    @property
    def amounts(self) -> dict[str, int | None]:
        """How many images and patients the part has; no patients where none is known."""
        patients = self.scores.get("patients") if self.knows_patients else None
        return {"images": self.scores["n"], "patients": patients}

    @property
    def knows_patients(self) -> bool:
        """True if some images have a known patient; else each counts as one of its own."""
        return bool(self.card["data"]["patients"]["known"] != "none")

    @property
    def headlines(self) -> list[str]:
        """The scores that are told first, those that are there."""
        known = self.scores.get("overall", {})
        return [name for name in HEADLINES[self.task.goal] if known.get(name) is not None]

    @cached_property
    def decisions(self) -> DecisionStory | None:
        """Figures of probabilities; None without predictions."""
        if self.predictions is None or self.part is None or self.predictions.empty:
            return None
        return DecisionStory(self.run, self.part, self.predictions)

    @cached_property
    def history(self) -> pd.DataFrame | None:
        """One row an epoch; None where it isn't there, and of a family."""
        if self.subject.kind == "family":
            return None
        try:
            return self.run.history
        except RunError:
            return None

    @cached_property
    def heatmaps(self) -> Drawn:
        """The heat maps of the part that the run keeps."""
        if self.subject.kind == "family":
            return Drawn([], {})
        return drawn_of(self.run, self.part)

    @cached_property
    def embedding(self) -> Embedding | None:
        """The embedding map of the part that the run keeps; None where there is none."""
        if self.subject.kind == "family" or self.part is None or self.predictions is None:
            return None
        return read_embedding(self.run, self.part, self.predictions)

    def row_of(self, item: str) -> int | None:
        """Return the number of an image in the predictions table."""
        found = self._rows.get(item)
        return None if found is None else int(found)

    @cached_property
    def _rows(self) -> Mapping[str, int]:
        table = self.predictions
        return {} if table is None else dict(zip(table["item"], table[ROW], strict=True))


def tell(
    run: HasPath | str | Path,
    *,
    split: str | None = None,
    checklist: str | None = None,
    answers: str | Path | None = None,
) -> Story:
    """Collect what the report of a run, or of a family of runs, tells.

    Args:
        run: a run, a family, or the folder of one.
        split: the part or set that is told; None takes the test part, or of a family the held-out
            folds, or else the validation part.
        checklist: the only one that is shown; None shows all.
        answers: a file of the user's; None takes ``card.toml`` in the folder, if it is there.

    Raises:
        RunError: there is no such run, part or checklist.
    """
    subject = subject_of(run)
    found = documents_of(run, checklist, answers)
    part = _part(subject, split)
    scores = dict(subject.scores.get(part, {})) if part else {}
    table = _predictions(subject, part)
    if part and not scores and table is not None:
        scores = asked_scores(subject.task, table)
    if scores:
        scores = {"goal": subject.task.goal, "classes": list(subject.task.classes), **scores}
    return Story(subject, found["card"], found["checklists"], part, scores, table)


def check_checklist(name: str | None) -> None:
    """Refuse the name of a checklist that there is not.

    Raises:
        RunError: names those that there are.
    """
    if name is not None and name not in CHECKLISTS:
        close = nearest(name, CHECKLISTS) or f"; there are {listed(list(CHECKLISTS))}"
        raise RunError(f"there is no checklist '{name}'{close}")


def _part(subject: Subject, wished: str | None) -> str | None:
    """Return the part to tell: the one that is wished, or the one that says most.

    Raises:
        RunError: it was never evaluated.
    """
    known = [*subject.scores]
    if subject.kind == "family":
        known += [file.stem for file in _tables(subject) if file.stem.startswith(FOLDS)]
    if wished is not None and wished not in known:
        had = f"; it has {listed(known)}" if known else ""
        raise RunError(
            f"{subject.path} has no scores of '{wished}'{had}; `fastmed evaluate` makes them"
        )
    order = [wished] if wished else ["test", FOLDS, "valid"]
    return next((one for one in order if one in known), None)


def _tables(subject: Subject) -> list[Path]:
    return sorted((_results(subject) / "predictions").glob("*.csv"))


def _results(subject: Subject) -> Path:
    alone = subject.kind == "run" and subject.first is not None
    return subject.first.results if alone and subject.first else subject.path


def _predictions(subject: Subject, part: str | None) -> pd.DataFrame | None:
    """Return the labelled rows of a predictions table, with their numbers; None if it is gone.

    Raises:
        RunError: it is no predictions table.
    """
    file = _results(subject) / "predictions" / f"{part}.csv"
    if part is None or not file.is_file():
        return None
    table = read_table(file)
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise RunError(f"{file} has no column {listed(missing)}; `fastmed evaluate` makes it anew")
    table[ROW] = range(1, len(table) + 1)
    return table[table["target"] != ""].reset_index(drop=True)
