"""Who speaks in an ensemble, and what it says."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import softmax

from fastmed.data.tables import grades_of, group_keys, score_columns
from fastmed.ensembles.tables import positions, probabilities
from fastmed.errors import DataError
from fastmed.grades import round_points, values_of
from fastmed.results.calibration.fitted import (
    ROUNDED_SCALE,
    Validation,
)
from fastmed.results.calibration.probabilities import Calibration, Shares, cross_fitted, logits_of
from fastmed.run import Run
from fastmed.task import Task


@dataclass(frozen=True)
class Member:
    """One member.

    Attributes:
        name: as tables and messages call it.
        table: its predictions, checked, by item.
        task: of the ensemble.
        kind: ``file``, ``run``, ``family``, or ``folds`` for held-out folds.
        own: the task that its network was trained for; None of a file.
        runs: the networks behind it that may have seen an image; none of a file.
        calibration: how the outputs of its network became its probabilities; None where that isn't
            known, and its probabilities are all there is.
        validation: the outputs on its validation part; None where there are none.
        shares: of the classes in its training; None where they are unknown.
        calibrated: False if ``table`` has the outputs themselves.
        told: what a file says of a validation part, checked, by item.
    """

    name: str
    table: pd.DataFrame
    task: Task
    kind: str = "file"
    own: Task | None = None
    runs: tuple[Run, ...] = ()
    calibration: Calibration | None = None
    validation: Validation | None = None
    shares: Shares | None = None
    calibrated: bool = True
    told: pd.DataFrame | None = None

    @property
    def predicted(self) -> np.ndarray:
        """The predicted positions, (n,)."""
        return positions(self.table, self.task)

    @property
    def probabilities(self) -> np.ndarray | None:
        """The probabilities, (n, K); None of a file that has none."""
        return probabilities(self.table, self.task)

    def outputs(self, raw: bool) -> np.ndarray:
        """Return what is averaged, (n, K) or (n,): probabilities, or values of grades.

        Args:
            raw: as the network gave them, before they were calibrated.

        Raises:
            DataError: there are classes alone.
        """
        plain = self.validation is None or self.validation.outputs.ndim == 1
        if self.task.goal == "grade" and (plain or not raw):
            return values(self.table, self.task)
        scores = self.probabilities
        if scores is None:
            raise DataError(
                f"{self.name} has classes alone, and no probabilities to average; take --method "
                "vote"
            )
        known = raw and self.calibrated and self.calibration is not None
        return undone(scores, self.calibration) if known and self.calibration else scores

    @property
    def valid(self) -> pd.DataFrame | None:
        """What it says of its validation part, by item, as if each patient were new to it.

        None where there is nothing.
        """
        if self.validation is None or self.own is None or self.shares is None:
            return self.told
        table, own = self.validation.table, self.own
        outputs, true = Validation(table, own).outputs, grades_of(table["target"], own.classes)
        shares = in_order(self.shares, self.task, own)
        scores, decided = cross_fitted(own, outputs, true, group_keys(table), shares)
        found = table[["item", "target", "group"]].assign(predicted=np.array(own.classes)[decided])
        found[score_columns(own.classes)] = scores
        if own.goal == "grade":
            found["value"] = values_of(outputs)
        return found.set_index("item")

    @property
    def own_calibration(self) -> Calibration:
        """How its outputs become probabilities; those of a file already are, and grades rounded."""
        if self.calibration is not None:
            return self.calibration
        if self.task.goal == "category":
            return Calibration()
        return Calibration(cut_points=round_points(len(self.task.classes)), scale=ROUNDED_SCALE)

    @property
    def told_probabilities(self) -> np.ndarray:
        """The probabilities, (n, K), of a table that has none of grades: of its values."""
        scores = self.probabilities
        if scores is None:
            return self.own_calibration.probabilities(self.outputs(raw=False))
        return scores


def values(table: pd.DataFrame, task: Task) -> np.ndarray:
    """Return values of grades, (n,): those of the table, or the mean grade, or the grade itself."""
    if "value" in table:
        return table["value"].to_numpy(dtype=float)
    scores = probabilities(table, task)
    return positions(table, task).astype(float) if scores is None else values_of(scores)


def undone(scores: np.ndarray, calibration: Calibration) -> np.ndarray:
    """Return the outputs (n, K) that a calibration made probabilities of: it can be undone."""
    if calibration.temperature == 1 and calibration.weights is None:
        return scores
    logs = logits_of(scores) * calibration.temperature
    if calibration.weights is not None:
        logs = logs + np.log(calibration.weights)
    return np.asarray(softmax(logs, axis=1))


def _order(own: Task, task: Task) -> list[int]:
    """Return where the ensemble's classes stand among a run's own."""
    return [own.classes.index(name) for name in task.classes]


def in_order(shares: Shares, own: Task, task: Task) -> Shares:
    """Return shares of the classes of one task in the order of another's."""
    order = _order(own, task)
    return Shares(shares.natural[order], shares.trained[order])


def calibration_in_order(calibration: Calibration, own: Task, task: Task) -> Calibration:
    """Return a calibration whose numbers of classes stand in the order of another task's."""
    order = _order(own, task)
    weights, shares = (
        None if one is None else one[order] for one in (calibration.weights, calibration.shares)
    )
    return replace(calibration, weights=weights, shares=shares)
