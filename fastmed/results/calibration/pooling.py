"""What several networks say together: their outputs are averaged, and calibrated after that."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy.special import softmax

from fastmed import grades
from fastmed.errors import RunError
from fastmed.results.calibration.fitted import (
    Validation,
    adjusted,
    fitted_of,
    shares_of,
    validation_file,
    validation_of,
)
from fastmed.results.calibration.probabilities import (
    Calibration,
    Shares,
    fit_calibration,
    logits_of,
)
from fastmed.results.deciding.decisions import Decisions, Wishes, decisions_on
from fastmed.run import Run
from fastmed.settings.predict import Average
from fastmed.task import Task


@dataclass(frozen=True)
class Mean:
    """How outputs of the same images become one.

    Attributes:
        weights: (M,), of the networks; None weighs them alike.
        average: ``logits`` averages logarithms of probabilities, and makes them probabilities
            again; values of grades are averaged as they are.
    """

    weights: Sequence[float] | None = None
    average: Average = "probabilities"

    def of(self, outputs: Sequence[np.ndarray]) -> np.ndarray:
        """Return the mean of outputs (n, K) or (n,); a row that is not a number doesn't count.

        Each image has at least one row that counts.
        """
        every = np.stack(outputs)
        if every.ndim == 3 and self.average == "logits":
            return np.asarray(softmax(self._mean(logits_of(every)), axis=1))
        return self._mean(every)

    def _mean(self, every: np.ndarray) -> np.ndarray:
        """Return the weighted mean over the first axis of (M, n) or (M, n, K)."""
        weights = np.ones(len(every)) if self.weights is None else np.asarray(self.weights)
        known = ~np.isnan(every)
        if known.all():
            return np.asarray(np.average(every, axis=0, weights=weights))
        shared = known * weights.reshape(-1, *[1] * (every.ndim - 1))
        return np.asarray((np.where(known, every, 0) * shared).sum(axis=0) / shared.sum(axis=0))


@dataclass(frozen=True)
class Pool:
    """How the outputs of several networks become probabilities and decisions.

    Attributes:
        task: of all of them.
        calibration: of the mean of their outputs; with ``each``, of the mean of probabilities.
        each: their own calibrations, where they have no validation part in common to calibrate the
            mean on; None where they have.
        validation: the mean of their outputs on the validation part that they have in common.
        mean: how outputs are averaged.
    """

    task: Task
    calibration: Calibration
    each: Sequence[Calibration] | None = None
    validation: Validation | None = None
    mean: Mean = field(default_factory=Mean)

    @property
    def of_patients(self) -> Calibration:
        """By which means of the pool's probabilities are decided."""
        return self.calibration if self.each is None else replace(self.calibration, temperature=1)

    def adjusted(self, calibrate: bool, prevalence: str | Mapping[str, float] | None) -> "Pool":
        """Return the pool without calibration, or at other shares of the classes."""
        calibration = adjusted(self.calibration, self.task, calibrate, prevalence)
        return replace(self, calibration=calibration, each=self.each if calibrate else None)

    def decisions(self, wishes: Wishes) -> Decisions:
        """Return what the common validation part says to the user's wishes.

        Raises:
            RunError: there is none.
        """
        if not wishes.any:
            return Decisions(self.task)
        if self.validation is None:
            raise RunError(
                "the runs of this family have no validation part in common, so that nothing can "
                "be fitted for all of them; take one of the runs"
            )
        return decisions_on(wishes, self.validation, self.calibration)

    def probabilities(
        self, outputs: Sequence[np.ndarray], own: Sequence[np.ndarray] | None = None
    ) -> np.ndarray:
        """Return the probability of each class, (n, K), by the outputs of each network.

        Args:
            outputs: (n, K) or (n,), of each network.
            own: the probabilities of each network by its own calibration, where they are known
                already; None calculates them if they are needed.
        """
        mean = self.mean.of(outputs)
        if self.each is None or (own is None and mean.ndim == 1):
            return self.calibration.probabilities(mean)
        if own is None:
            own = [one.probabilities(of) for one, of in zip(self.each, outputs, strict=True)]
        bare = replace(self.calibration, temperature=1, weights=None)
        return bare.probabilities(self.mean.of(own))


def pool_of(task: Task, runs: Sequence[Run], mean: Mean | None = None) -> Pool:
    """Return how finished runs of a task speak together.

    Raises:
        RunError: what a run keeps doesn't fit its task.
    """
    each = [fitted_of(run) for run in runs]
    kept = [validation_of(run) if validation_file(run).is_file() else None for run in runs]
    return pooled(task, each, kept, shares_of(runs[0]), mean)


def pooled(
    task: Task,
    each: Sequence[Calibration],
    validations: Sequence[Validation | None],
    shares: Shares,
    mean: Mean | None = None,
) -> Pool:
    """Return how networks of a task speak together.

    Where all have the same validation part, the mean of their outputs is calibrated on it as the
    outputs of one network are. Calibrating each before the mean would leave the mean too careful:
    averaged probabilities are less extreme than those of each (Rahaman and Thiery, 2007.08792).
    Folds have no validation part in common; there it can't be helped.

    Args:
        task: whose loss says what outputs are.
        each: the calibration of each network.
        validations: the outputs of each on its validation part; None where there are none.
        shares: of the classes in training.
        mean: how outputs are averaged; None weighs probabilities alike.
    """
    mean = mean or Mean()
    validation = _common_validation(task, each, validations, mean)
    if validation is None:
        return Pool(task, _mean_of(task, each), each, mean=mean)
    fitted = fit_calibration(task, validation.outputs, validation.true, shares)
    return Pool(task, fitted, None, validation, mean)


def outputs_as(task: Task, outputs: np.ndarray, calibration: Calibration) -> np.ndarray:
    """Return a member's outputs as those of the family's loss: probabilities, or values of grades.

    Args:
        task: of the family.
        outputs: (n, K) or (n,), of a member, whose loss may be another.
        calibration: of the member.
    """
    if task.goal == "category" or (outputs.ndim == 2) == task.ordinal:
        return outputs
    return calibration.probabilities(outputs) if task.ordinal else grades.values_of(outputs)


def in_common(validations: Sequence[Validation | None]) -> bool:
    """True if all are there, and of the same images with the same labels in the same order."""
    known = [one.digest for one in validations if one is not None]
    return len(known) == len(validations) and len(set(known)) == 1


def _common_validation(
    task: Task, each: Sequence[Calibration], validations: Sequence[Validation | None], mean: Mean
) -> Validation | None:
    if not in_common(validations):
        return None
    own = [one for one in validations if one is not None]
    outputs = [outputs_as(task, one.outputs, by) for one, by in zip(own, each, strict=True)]
    return Validation.of(task, own[0].table, mean.of(outputs))


def _mean_of(task: Task, each: Sequence[Calibration]) -> Calibration:
    """Return the mean of calibrations; what isn't known of each is not known of all."""
    return Calibration(
        temperature=float(np.mean([one.temperature for one in each])),
        weights=_mean([one.weights for one in each]),
        shares=_mean([one.shares for one in each]),
        cut_points=None if task.goal == "category" else _mean([one.cut_points for one in each]),
        scale=float(np.mean([one.scale for one in each])),
    )


def _mean(every: Sequence[np.ndarray | None]) -> np.ndarray | None:
    known = [one for one in every if one is not None]
    return np.asarray(np.mean(known, axis=0)) if len(known) == len(every) else None


def strange_to_most(each: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return in what images are unlike the training images of most runs, and the mean distance.

    Args:
        each: the columns ``unlike`` and ``distance`` by each run; runs without them don't count.
    """
    known = [one for one in each if "unlike" in one]
    if not known:
        return each[0]
    rows = zip(*(one["unlike"] for one in known), strict=True)
    unlike = [_named_by_most(row) for row in rows]
    distance = np.mean([one["distance"] for one in known], axis=0)
    return pd.DataFrame({"unlike": unlike, "distance": distance}, index=known[0].index)


def _named_by_most(reasons: Sequence[str]) -> str:
    counts = Counter(reason for said in reasons if said for reason in said.split(", "))
    return ", ".join(name for name, count in counts.items() if 2 * count > len(reasons))
