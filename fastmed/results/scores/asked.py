"""What is asked of an evaluation beside the scores of each image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from fastmed.console import warn
from fastmed.errors import DataError, TaskError
from fastmed.results.calibration.probabilities import Calibration
from fastmed.results.scores import ScoreOptions, Scores, score, score_options
from fastmed.results.scores.per_patient import per_patient
from fastmed.results.scores.subgroups import check_columns, subgroups
from fastmed.task import Task


@dataclass(frozen=True)
class Asked:
    """What scores are wanted.

    Attributes:
        prevalence: of classes where the network is to be used: PPV and NPV there.
        threshold: of classes, from what chance on treating is worth it: net benefit.
        costs: of each true class (row) that is taken for each class (column).
        per_patient: ``mean`` or ``max`` of the scores of a patient's images: scores of patients.
        by: columns of the items that part the patients: scores of subgroups.
    """

    prevalence: Mapping[str, float] = field(default_factory=dict)
    threshold: Mapping[str, float] = field(default_factory=dict)
    costs: Sequence[Sequence[float]] | None = None
    per_patient: str | None = None
    by: Sequence[str] = ()

    def options(self, task: Task) -> ScoreOptions:
        """Return the options of the scores, with those of the task.

        Raises:
            TaskError: a class is unknown, or a number out of range.
        """
        if self.per_patient not in (None, "mean", "max"):
            raise TaskError(f"per_patient = '{self.per_patient}' is neither 'mean' nor 'max'")
        return score_options(task, self.prevalence, self.threshold, self.costs)


def parse_shares(texts: Sequence[str], option: str) -> dict[str, float]:
    """Return the numbers of ``CLASS=0.05``, by class.

    Raises:
        TaskError: one is no class and number.
    """
    found = {}
    for text in texts:
        name, equals, share = text.rpartition("=")
        try:
            found[name] = float(share)
        except ValueError:
            equals = ""
        if not equals:
            raise TaskError(f"{option} {text} is not CLASS=SHARE, as in {option} COVID=0.05")
    return found


def parse_costs(text: str | None) -> list[list[float]] | None:
    """Return the rows of ``0,1;5,0``.

    Raises:
        TaskError: something in it is no number.
    """
    if text is None:
        return None
    try:
        return [[float(cost) for cost in row.split(",")] for row in text.split(";")]
    except ValueError:
        raise TaskError(
            f"--costs {text} are no numbers; expected a row for each true class, as in 0,1;5,0"
        ) from None


def check_asked(task: Task, asked: Asked | None, items: pd.DataFrame) -> None:
    """Refuse what can't be answered, before any image is predicted.

    Raises:
        TaskError: a class is unknown, or a number out of range.
        DataError: the items have no such column.
    """
    if asked is not None:
        asked.options(task)
        check_columns(items, asked.by)


def asked_scores(
    task: Task,
    table: pd.DataFrame,
    asked: Asked | None = None,
    items: pd.DataFrame | None = None,
    calibration: Calibration | None = None,
) -> Scores:
    """Return the scores of a predictions table of images, and what else is asked for.

    ``subgroups`` are those of the images' scores; ``per_patient`` are the scores of patients, with
    ``how`` they were made and how many patients were ``left_out``.

    Args:
        task: of the predictions; its ``scores`` settings count.
        table: the predictions.
        asked: what is wanted beside; None wants nothing more.
        items: the images' other columns, for subgroups.
        calibration: that gave the predictions, for the decisions on patients.
    """
    asked = asked or Asked()
    options = asked.options(task)
    scores = score(table, task.classes, task.goal, options)
    if asked.by:
        if items is None:
            raise DataError("subgroups need the items, which have the columns that part them")
        scores["subgroups"] = subgroups(table, items, asked.by, task.classes, task.goal, options)
    if asked.per_patient:
        scores["per_patient"] = _of_patients(task, table, asked.per_patient, options, calibration)
    return scores


def _of_patients(
    task: Task, table: pd.DataFrame, how: Any, options: ScoreOptions, by: Calibration | None
) -> Scores:
    patients = per_patient(table, task.classes, task.goal, how, by)
    if patients.left_out:
        warn(
            f"{patients.left_out} patients have images of different labels and are left out of "
            "the scores per patient"
        )
    scores = score(patients.table, task.classes, task.goal, options)
    return {"how": how, "left_out": patients.left_out, **scores}
