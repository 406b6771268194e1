"""The labelled rows of a predictions table, as numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from fastmed.data.tables import grades_of, group_keys, score_columns, scores_of
from fastmed.errors import DataError, listed


@dataclass(frozen=True)
class Dichotomy:
    """One class against the rest, or referable against other grades.

    Attributes:
        positive: (n,) bool, who has it.
        told: (n,) bool, who is predicted to have it.
        score: (n,) probability of having it.
    """

    positive: np.ndarray
    told: np.ndarray
    score: np.ndarray


@dataclass(frozen=True)
class Sample:
    """What is true and predicted of n images of P patients.

    Attributes:
        true, predicted: (n,) positions of classes.
        scores: (n, K).
        patients: (n,) from 0 to P - 1.
        classes: K names.
        goal: ``category`` or ``grade``.
    """

    true: np.ndarray
    predicted: np.ndarray
    scores: np.ndarray
    patients: np.ndarray
    classes: tuple[str, ...]
    goal: str

    @property
    def size(self) -> int:
        """How many images there are."""
        return len(self.true)

    @cached_property
    def patient_count(self) -> int:
        """How many patients there are."""
        return int(self.patients.max()) + 1

    @property
    def one_image_each(self) -> bool:
        """True if no patient has two images."""
        return self.patient_count == self.size

    @cached_property
    def strata(self) -> np.ndarray:
        """The class each patient is drawn with, (P,): the most frequent, of equals the last."""
        counts = np.zeros((self.patient_count, len(self.classes)), dtype=np.int64)
        np.add.at(counts, (self.patients, self.true), 1)
        return np.asarray(len(self.classes) - 1 - np.argmax(counts[:, ::-1], axis=1))

    def patients_of(self, rows: np.ndarray) -> int:
        """Return how many patients the rows, (n,) bool, are of."""
        return len(np.unique(self.patients[rows]))

    def of_class(self, place: int) -> Dichotomy:
        """Return one class against the rest."""
        return Dichotomy(self.true == place, self.predicted == place, self.scores[:, place])

    def from_grade(self, place: int) -> Dichotomy:
        """Return the grades from one on against those below it."""
        chance = np.clip(self.scores[:, place:].sum(axis=1), 0, 1)
        return Dichotomy(self.true >= place, self.predicted >= place, chance)

    def dichotomies(self) -> Iterator[tuple[str, Dichotomy]]:
        """Yield each class against the rest."""
        for place, name in enumerate(self.classes):
            yield name, self.of_class(place)


def sample_of(predictions: pd.DataFrame, classes: Sequence[str], goal: str) -> Sample:
    """Return the labelled rows of a predictions table.

    Raises:
        DataError: no row has a label, a column is missing, or a score is not a number.
    """
    true, predicted, scores = labelled(predictions, classes)
    rows = predictions[predictions["target"] != ""]
    patients = np.arange(len(rows))
    if "group" in rows.columns:
        _, patients = np.unique(group_keys(rows), return_inverse=True)
    return Sample(true, predicted, scores, patients, tuple(classes), goal)


def labelled(
    predictions: pd.DataFrame, classes: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return true and predicted positions, (n,), and scores, (n, classes), of labelled rows.

    Raises:
        DataError: no row has a label, a column is missing, or a score is not a number.
    """
    needed = ["target", "predicted", *score_columns(classes)]
    missing = [column for column in needed if column not in predictions.columns]
    if missing:
        raise DataError(f"the predictions have no column {listed(missing)}; predict them anew")
    rows = predictions[predictions["target"] != ""]
    if rows.empty:
        raise DataError("none of the predictions has a label, so they can't be scored")
    scores = scores_of(rows, classes)
    if not np.isfinite(scores).all():
        broken = int((~np.isfinite(scores).all(axis=1)).sum())
        raise DataError(f"{broken} of {len(rows)} predictions have scores that are not numbers")
    predicted = grades_of(rows["predicted"].tolist(), classes)
    if (predicted < 0).any():
        raise DataError(f"{(predicted < 0).sum()} of {len(rows)} labelled rows are not predicted")
    return grades_of(rows["target"].tolist(), classes), predicted, scores
