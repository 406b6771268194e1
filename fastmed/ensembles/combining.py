"""What an ensemble says of each image."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastmed import grades
from fastmed.console import note
from fastmed.ensembles.alignment import Aligned
from fastmed.ensembles.fitting import (
    Stacked,
    Weighing,
    fit_pool,
    fit_stacking,
    fitted_info,
    given_weights,
    speak_raw,
    spoken_task,
    stacked_info,
    weights_by_score,
)
from fastmed.ensembles.members import Member
from fastmed.ensembles.stacking import features_of
from fastmed.ensembles.voting import vote
from fastmed.ensembles.wishes import EnsembleWishes
from fastmed.errors import DataError
from fastmed.results.calibration.pooling import Mean, outputs_as
from fastmed.task import Task


@dataclass(frozen=True)
class Said:
    """What an ensemble says of n images.

    Attributes:
        decided: positions of classes, (n,).
        scores: (n, K): probabilities, or of a vote the shares of the votes.
        values: of grades, (n,); None for categories and for a vote.
        fitted: what was fitted on validation parts, ready for JSON.
        weighing: the weights of the members; None where all count alike.
        ties: how many ties of a vote were decided by what; None without a vote.
    """

    decided: np.ndarray
    scores: np.ndarray
    values: np.ndarray | None = None
    fitted: dict[str, Any] | None = None
    weighing: Weighing | None = None
    ties: dict[str, int] | None = None


def said_of(together: Aligned, task: Task, wishes: EnsembleWishes) -> Said:
    """Return what members say together, by the method that is wished for."""
    match wishes.method:
        case "vote":
            return _vote(together, task)
        case "stack":
            return _stack(together, task, wishes)
        case _:
            return _mean(together, task, wishes)


def _vote(together: Aligned, task: Task) -> Said:
    own = [one.probabilities for one in together.members]
    shape = (0, len(task.classes))
    arrays = [
        np.full((len(one.table), shape[1]), np.nan) if scores is None else scores
        for one, scores in zip(together.members, own, strict=True)
    ]
    voted = together.predicted >= 0
    every = np.stack(together.spread(arrays), axis=1)
    counted = np.where(voted[:, :, None], every, 0).sum(axis=1)
    found = vote(together.predicted, len(task.classes), counted / voted.sum(axis=1)[:, None])
    ties = found.by_scores + found.by_order
    if ties:
        note(
            f"{ties} of {len(voted)} images have a tie of votes: {found.by_scores} decided by mean "
            f"probability, {found.by_order} by the order of the members"
        )
    counts = {"by_probability": found.by_scores, "by_order": found.by_order}
    return Said(found.decided, found.shares, ties=counts)


def _mean(together: Aligned, task: Task, wishes: EnsembleWishes) -> Said:
    members = together.members
    raw = speak_raw(members)
    outputs = [one.outputs(raw) for one in members]
    base = spoken_task(task, raw)
    weighing = _weighing(members, task, wishes)
    if wishes.kept is not None:
        pool = wishes.kept.pool(base, members)
    else:
        weights = None if weighing is None else weighing.weights
        mean = Mean(weights, wishes.average or "probabilities")
        pool = fit_pool(members, task, mean, wishes.calibrate, wishes.cut_points)
    alike = [
        outputs_as(base, of, one.own_calibration) for one, of in zip(members, outputs, strict=True)
    ]
    spread = together.spread(alike)
    averaged = pool.mean.of(spread)
    if np.isnan(averaged).any():
        raise DataError("some images are predicted by members without weight alone")
    own = together.spread([one.told_probabilities for one in members])
    return Said(
        pool.calibration.decisions(averaged),
        pool.probabilities(spread, own),
        grades.values_of(averaged) if task.goal == "grade" else None,
        wishes.kept.fitted_info() if wishes.kept else fitted_info(pool),
        weighing,
    )


def _weighing(members: Sequence[Member], task: Task, wishes: EnsembleWishes) -> Weighing | None:
    if wishes.kept is not None:
        weights = wishes.kept.weights
        return None if weights is None else Weighing(tuple(weights.values()))
    if wishes.weights is not None:
        return given_weights(wishes.weights, len(members))
    if wishes.method == "weighted":
        return weights_by_score(members, task, wishes.weight_by)
    return None


def _stack(together: Aligned, task: Task, wishes: EnsembleWishes) -> Said:
    members = together.members
    kept = None if wishes.kept is None else wishes.kept.fitted
    if kept is not None and kept.stack is not None:
        fitted = Stacked(kept.stack, kept.images or 0, kept.cut_points)
    else:
        fitted = fit_stacking(members, task)
        note(f"The regression is fitted on {fitted.images} images of the validation part")
    raw = speak_raw(members)
    base = spoken_task(task, raw)
    outputs = [outputs_as(base, one.outputs(raw), one.own_calibration) for one in together.members]
    scores = fitted.stack.probabilities(features_of(together.spread(outputs)))
    info = stacked_info(fitted)
    if fitted.cut_points is None:
        return Said(scores.argmax(axis=1), scores, fitted=info)
    values = grades.values_of(scores)
    return Said(grades.to_grades(values, np.array(fitted.cut_points)), scores, values, info)
