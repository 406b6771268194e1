"""An ensemble: several predictions of the same images made one, and judged where labels are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fastmed.console import warn
from fastmed.data.tables import score_columns
from fastmed.ensembles.alignment import Aligned, aligned
from fastmed.ensembles.combining import Said, said_of
from fastmed.ensembles.fitting import speak_raw
from fastmed.ensembles.gathering import Gathered, Request, gather
from fastmed.ensembles.judging import Judged, count_look, judged, known_images, unseen_by_all
from fastmed.ensembles.wishes import EnsembleWishes
from fastmed.errors import TaskError
from fastmed.files import write_json
from fastmed.results.comparison.comparing import Comparison
from fastmed.results.intervals.wilson import LEVEL
from fastmed.task import Task

SUFFIX = ".ensemble.json"


@dataclass(frozen=True)
class Ensemble:
    """Several predictors as one, on some images.

    Attributes:
        task: of all; of files alone it knows no more than the classes.
        wishes: the method, and what was said of it.
        members: their names, in their order.
        part: whose predictions they are: ``test``, another set, or empty.
        table: the predictions, a row an image, with ``agreement``: the share of the members that
            predict the same class.
        fitted: what was fitted on validation parts, ready for JSON.
        weights: of the members; None where all count alike.
        judged: scores and gains; None where no image has a label.
        raw: outputs of networks were put together, before they were calibrated.
        ties: of a vote, how many were decided by what; None without one.
    """

    task: Task
    wishes: EnsembleWishes
    members: tuple[str, ...]
    part: str
    table: pd.DataFrame
    fitted: Mapping[str, Any]
    weights: Mapping[str, float] | None
    judged: Judged | None
    raw: bool = False
    ties: Mapping[str, int] | None = None

    @classmethod
    def of(
        cls,
        members: Sequence[str | Path],
        *,
        method: str | None = None,
        source: str | Path | None = None,
        split: str | None = None,
        columns: Sequence[str] = (),
        valid: Sequence[str | Path] = (),
        labels: str | Path | None = None,
        task: str | None = None,
        tasks: str | Path | None = None,
        weights: Sequence[float] | None = None,
        weight_by: str | None = None,
        average: Any = None,
        calibrate: bool = True,
        cut_points: Sequence[float] | None = None,
        fitted: str | Path | None = None,
        missing: str = "refuse",
        drop_seen: bool = False,
        **options: Any,
    ) -> "Ensemble":
        """Return the ensemble of members, as `ensemble` describes them."""
        if fitted is not None:
            others = {
                "method": method, "weights": weights, "weight_by": weight_by, "average": average,
                "calibrate": not calibrate, "cut_points": cut_points, "valid": valid,
            }  # fmt: skip
            wishes = EnsembleWishes.from_file(fitted, missing, others)
        else:
            wishes = EnsembleWishes(
                method or "mean", weights, weight_by, average, calibrate, cut_points, missing
            )
        if valid and not wishes.fits:
            raise TaskError(f"--valid has no effect here: --method {wishes.method} fits nothing")
        request = Request(
            members, source, split, columns, valid, labels, task, tasks, drop_seen, options
        )
        gathered = gather(request, cut_points)
        wishes.check_task(gathered.task)
        wishes.check_part(gathered.part)
        raw = speak_raw(gathered.members)
        if wishes.kept is not None:
            wishes.kept.check(gathered.task, [one.name for one in gathered.members], raw)
        together = aligned(gathered.members, missing, gathered.labels)
        together, uses = _fair(together, gathered, drop_seen)
        said = said_of(together, gathered.task, wishes)
        table = _table(together, said, gathered)
        found = None
        if (table["target"] != "").any():
            found = judged(together, table, gathered.task, wishes.method == "vote", uses)
        names = tuple(one.name for one in together.members)
        return cls(
            gathered.task, wishes, names, gathered.part, table, said.fitted or {},
            _weights(names, said), found, raw, said.ties,
        )  # fmt: skip

    @property
    def comparison(self) -> Comparison | None:
        """The ensemble beside each member, as `compare` returns it; None without labels."""
        if self.judged is None:
            return None
        scores = self.judged.scores
        return Comparison(
            self.part or "labelled images", ("ensemble", *self.members), scores["n"],
            scores["patients"], self.judged.gains,
        )  # fmt: skip

    def as_info(self) -> dict[str, Any]:
        """Return everything but the table, ready for JSON."""
        info: dict[str, Any] = {
            "method": self.wishes.method,
            "task": self.task.name,
            "goal": self.task.goal,
            "classes": list(self.task.classes),
            "part": self.part or None,
            "images": len(self.table),
            "members": list(self.members),
        }
        if self.ties is not None:
            info["ties"] = dict(self.ties)
        else:
            info |= {"average": self._average, "raw": self.raw}
        if self.weights is not None:
            info["weights"] = dict(self.weights)
        info["fitted"] = dict(self.fitted)
        if self.judged is not None and self.comparison is not None:
            info |= {
                "test_uses": self.judged.test_uses,
                "level": LEVEL,
                "scores": self.judged.scores,
                "scores_of_members": dict(self.judged.members),
                "gains": self.comparison.as_info()["differences"],
            }
        return info

    @property
    def _average(self) -> str:
        kept = self.wishes.kept
        return self.wishes.average or (kept.average if kept else "probabilities")

    def save(self, file: str | Path) -> Path:
        """Write everything but the table as JSON beside a file of predictions; return where."""
        place = beside(Path(file))
        write_json(place, self.as_info())
        return place


def beside(file: Path) -> Path:
    """Return where an ensemble whose predictions are in a file is described."""
    return file.with_name(f"{file.stem}{SUFFIX}")


def ensemble(members: Sequence[str | Path], **options: Any) -> pd.DataFrame:
    """Return the predictions table of several predictors together.

    Members are files of predictions (by fastmed, or any tool's CSV), runs, and families, each of
    which is one; a family alone stands for its runs. They are put together by the names of the
    images, in any order. `Ensemble.of` takes the same and returns the scores, too.

    Args:
        members: files and folders.
        options: ``method``: ``mean`` (of probabilities, of grades of values), ``vote`` (the class
            that most predict), ``weighted`` (a mean by ``weights``, or by a score of the
            validation parts, ``weight_by``) or ``stack`` (a logistic regression fitted on the
            validation parts). ``source``: images that runs predict anew. ``split``: which of
            their kept predictions; the test part if left out. ``columns``: which column of
            another tool's file is what, as ``["item=name,predicted=label"]``. ``valid``: files of
            predictions of a validation part, one for each member that is a file. ``labels``: a
            file of true labels. ``task``: its name, where all members are files. ``average``:
            ``logits`` averages logarithms. ``calibrate``: fit the mean on the validation part
            that the members have in common. ``cut_points``: of grades. ``fitted``: the file
            ``NAME.ensemble.json`` of an earlier ensemble, which says all of this. ``missing``:
            ``refuse``, ``drop`` or ``fewer``. ``drop_seen``: leave out images that shaped a
            member. Others are those of `predict`.

    Raises:
        DataError: an image is missing, stands twice, has different labels or shaped a member; a
            file can't be read, or its classes are others.
        RunError: a run keeps no such predictions, or nothing to fit on.
        TaskError: an option is unknown or has no effect.
    """
    return Ensemble.of(members, **options).table


def _fair(together: Aligned, gathered: Gathered, drop_seen: bool) -> tuple[Aligned, int | None]:
    """Return the members without images that shaped one, and how often the rest has judged."""
    if not (together.rows["target"] != "").any():
        return together, None
    if gathered.part == "valid":
        warn("The validation part chose the epochs, so scores on it are no evidence")
        return together, None
    images = known_images(together, gathered.read)
    fair = unseen_by_all(together, images, drop_seen)
    left = images[images["item"].isin(fair.rows["item"])]
    return fair, count_look(left, "ensemble")


def _table(together: Aligned, said: Said, gathered: Gathered) -> pd.DataFrame:
    task, rows = gathered.task, together.rows
    table = rows[["item", "group", "target"]].copy()
    table["predicted"] = np.array(task.classes)[said.decided]
    table[score_columns(task.classes)] = said.scores
    if task.goal == "grade":
        if said.values is not None:
            table["value"] = said.values
        table["grade"] = said.decided
    voted = together.predicted >= 0
    same = together.predicted == said.decided[:, None]
    table["agreement"] = same.sum(axis=1) / voted.sum(axis=1)
    if not voted.all():
        table["members"] = voted.sum(axis=1)
    table["split"] = gathered.part if gathered.part in ("test", "valid") else ""
    return table


def _weights(names: Sequence[str], said: Said) -> dict[str, float] | None:
    if said.weighing is None:
        return None
    return dict(zip(names, said.weighing.weights, strict=True))
