"""What several networks say together: their outputs are averaged, and calibrated after that."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from fastmed import grades
from fastmed.errors import RunError
from fastmed.evaluation import shares_of
from fastmed.results.calibration.fitted import (
    Validation,
    adjusted,
    fitted_of,
    validation_file,
    validation_of,
)
from fastmed.results.calibration.probabilities import Calibration, fit_calibration
from fastmed.results.deciding.decisions import Decisions, Wishes, decisions_on
from fastmed.run import Run
from fastmed.task import Task


@dataclass(frozen=True)
class Pool:
    """How the outputs of several networks become probabilities and decisions.

    Attributes:
        task: of all of them.
        calibration: of the mean of their outputs; with ``each``, of the mean of probabilities.
        each: their own calibrations, where they have no validation part in common to calibrate the
            mean on; None where they have.
        validation: the mean of their outputs on the validation part that they have in common.
    """

    task: Task
    calibration: Calibration
    each: Sequence[Calibration] | None = None
    validation: Validation | None = None

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

    def probabilities(self, outputs: Sequence[np.ndarray]) -> np.ndarray:
        """Return the probability of each class, (n, K), by the outputs of each network."""
        mean = mean_outputs(outputs)
        if self.each is None or mean.ndim == 1:
            return self.calibration.probabilities(mean)
        own = [one.probabilities(of) for one, of in zip(self.each, outputs, strict=True)]
        return replace(self.calibration, temperature=1, weights=None).probabilities(
            mean_outputs(own)
        )


def pool_of(task: Task, runs: Sequence[Run]) -> Pool:
    """Return how finished runs of a family speak together.

    Where all have the same validation part, the mean of their outputs is calibrated on it as the
    outputs of one network are. Calibrating each before the mean would leave the mean too careful:
    averaged probabilities are less extreme than those of each (Rahaman and Thiery, 2007.08792).
    Folds have no validation part in common; there it can't be helped.

    Raises:
        RunError: what a run keeps doesn't fit its task.
    """
    each = [fitted_of(run) for run in runs]
    validation = _common_validation(task, runs, each)
    if validation is None:
        return Pool(task, _mean_of(task, each), each)
    fitted = fit_calibration(task, validation.outputs, validation.true, shares_of(runs[0]))
    return Pool(task, fitted, None, validation)


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


def mean_outputs(outputs: Sequence[np.ndarray]) -> np.ndarray:
    """Return the mean of outputs of the same images."""
    return np.asarray(np.mean(outputs, axis=0))


def _common_validation(
    task: Task, runs: Sequence[Run], each: Sequence[Calibration]
) -> Validation | None:
    if not all(validation_file(run).is_file() for run in runs):
        return None
    own = [validation_of(run) for run in runs]
    if len({one.digest for one in own}) > 1:
        return None
    outputs = [outputs_as(task, one.outputs, by) for one, by in zip(own, each, strict=True)]
    return Validation.of(task, own[0].table, mean_outputs(outputs))


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
