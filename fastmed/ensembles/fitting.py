"""What an ensemble takes from the validation parts of its members, and nothing from any other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from fastmed import grades
from fastmed.console import note
from fastmed.data.tables import grades_of, group_keys
from fastmed.ensembles.members import Member, values
from fastmed.ensembles.stacking import Stack, features_of, fit_stack
from fastmed.ensembles.tables import bare_task, probabilities
from fastmed.errors import RunError, TaskError, listed, nearest
from fastmed.results.calibration.fitted import Validation
from fastmed.results.calibration.pooling import Mean, Pool, in_common, outputs_as, pooled
from fastmed.results.calibration.probabilities import Shares
from fastmed.results.scores import ScoreOptions, score
from fastmed.results.scores.names import LESS_IS_BETTER, OVERALL
from fastmed.task import Task

_LEAST = 1e-6  # a score of mistakes below it counts as it


@dataclass(frozen=True)
class Weighing:
    """The weights of members.

    Attributes:
        weights: (M,), which sum up to 1.
        by: the score of the validation parts that they were made of; None where they were given.
        scores: (M,), of each member; None where they were given.
    """

    weights: tuple[float, ...]
    by: str | None = None
    scores: tuple[float, ...] | None = None


def speak_raw(members: Sequence[Member]) -> bool:
    """True if the outputs of all networks are known, before they were calibrated."""
    return all(one.calibration is not None for one in members)


def given_weights(weights: Sequence[float], members: int) -> Weighing:
    """Return weights that the user gives.

    Raises:
        TaskError: there are more or fewer than members, or they are no weights.
    """
    if len(weights) != members:
        raise TaskError(f"--weights has {len(weights)} numbers for {members} members")
    if not np.isfinite(weights).all() or min(weights) < 0 or sum(weights) == 0:
        raise TaskError("--weights are numbers from 0, not all of them 0")
    return Weighing(tuple(float(one) for one in np.array(weights) / sum(weights)))


def weights_by_score(members: Sequence[Member], task: Task, by: str | None) -> Weighing:
    """Return weights in proportion to a score of each member's validation part.

    Of a score of mistakes it is the inverse. A score that is not above 0, such as a negative kappa,
    gives no weight.

    Args:
        members: with what they say of their validation parts.
        task: of the ensemble.
        by: the score; None takes macro F1, of grades quadratic weighted kappa.

    Raises:
        RunError: a member has no labelled validation part.
        TaskError: there is no such score, or it gives no member a weight.
    """
    by = by or ("kappa" if task.goal == "grade" else "macro_f1")
    found = [_valid_score(one, _valid_of(one, "--weights gives them by hand"), task, by)
             for one in members]  # fmt: skip
    scores = np.array(found)
    weights = 1 / np.maximum(scores, _LEAST) if by in LESS_IS_BETTER else np.maximum(scores, 0)
    if not weights.sum():
        raise TaskError(f"no member has {by} above 0 on its validation part; give --weights")
    return Weighing(tuple((weights / weights.sum()).tolist()), by, tuple(found))


def _valid_score(member: Member, valid: pd.DataFrame, task: Task, by: str) -> float:
    scores = probabilities(valid, task)
    filled = valid.reset_index()
    if scores is None:
        columns = [f"score_{name}" for name in task.classes]
        filled[columns] = np.eye(len(task.classes))[grades_of(filled["predicted"], task.classes)]
    known = score(filled, task.classes, task.goal, ScoreOptions(resamples=0))[OVERALL]
    if by not in known or known[by] is None:
        close = nearest(by, known) or f"; there are {listed(known, 20)}"
        raise TaskError(f"no score '{by}' of the validation part of {member.name}{close}")
    return float(known[by])


def _valid_of(member: Member, instead: str) -> pd.DataFrame:
    if member.valid is None or not (member.valid["target"] != "").any():
        way = (
            f"`fastmed evaluate {member.runs[0].path} --split valid` makes them"
            if member.runs
            else "--valid FILE names them"
        )
        raise RunError(
            f"{member.name} has no labelled predictions of a validation part; {way}, or {instead}"
        )
    return member.valid


def validations(members: Sequence[Member], task: Task, raw: bool) -> list[Validation | None]:
    """Return what each member says of its validation part, in the order of items."""
    return [_validation(one, task, raw) for one in members]


def _validation(member: Member, task: Task, raw: bool) -> Validation | None:
    if raw:
        kept = member.validation
        if kept is None:
            return None
        return replace(kept, table=kept.table.sort_values("item", ignore_index=True))
    if member.valid is None:
        return None
    table = member.valid.sort_index()
    outputs = values(table, task) if task.goal == "grade" else probabilities(table, task)
    items = table.reset_index()[["item", "group", "target"]]
    return None if outputs is None else Validation.of(task, items, outputs)


def fit_pool(
    members: Sequence[Member],
    task: Task,
    mean: Mean,
    calibrate: bool,
    cut_points: Sequence[float] | None,
) -> Pool:
    """Return how the mean of what members say becomes probabilities and decisions.

    Args:
        members: of the ensemble.
        task: of the ensemble.
        mean: how they are averaged.
        calibrate: fit the mean on the validation part that all have in common, if they have one.
        cut_points: of grades, as the user gives them; None fits them, or takes what is known.
    """
    raw = speak_raw(members)
    known = validations(members, task, raw) if calibrate else [None] * len(members)
    each = [one.own_calibration for one in members]
    pool = pooled(spoken_task(task, raw), each, known, _shares(members, task, raw), mean)
    if calibrate:
        _tell(pool, members, cut_points)
    if cut_points is None:
        return pool
    return replace(pool, calibration=replace(pool.calibration, cut_points=np.array(cut_points)))


def spoken_task(task: Task, raw: bool) -> Task:
    """Return the task whose outputs are averaged: the networks' own, or a plain one."""
    return task if raw else bare_task(task.classes, task.goal, task.predict.cut_points)


def _shares(members: Sequence[Member], task: Task, raw: bool) -> Shares:
    """Return the shares of the classes in training; alike where nothing is to be taken back."""
    if raw and members[0].shares is not None:
        return members[0].shares
    alike = np.full(len(task.classes), 1 / len(task.classes))
    return Shares(alike, alike)


def _tell(pool: Pool, members: Sequence[Member], cut_points: Sequence[float] | None) -> None:
    if pool.validation is not None:
        note(
            f"The mean is calibrated on {len(pool.validation.table)} images of the validation "
            "part, which all members have in common"
        )
    elif pool.task.goal == "grade" and cut_points is None:
        rounded = all(one.calibration is None for one in members)
        how = "values are rounded" if rounded else "cut points are the mean of those of the members"
        note(f"The members have no validation part in common: {how}")


@dataclass(frozen=True)
class Stacked:
    """A regression with what turns its mean grade into a grade.

    Attributes:
        stack: the regression.
        images: how many it was fitted on.
        cut_points: for grades; None for categories.
    """

    stack: Stack
    images: int
    cut_points: tuple[float, ...] | None = None


def fit_stacking(members: Sequence[Member], task: Task) -> Stacked:
    """Return a regression on what members say of the validation part that they have in common.

    Raises:
        RunError: they have none in common. DataError: a member has classes alone, or the part has
            too few classes.
    """
    raw = speak_raw(members)
    for one in members:
        one.outputs(raw)
        _valid_of(one, "take another --method")
    found = [one for one in validations(members, task, raw) if one is not None]
    if len(found) < len(members) or not in_common(found):
        sizes = ", ".join(
            f"{member.name} {len(one.table)}" for member, one in zip(members, found, strict=False)
        )
        raise RunError(
            f"stacking needs a validation part that all members have in common, and they have "
            f"different ones (images: {sizes}); take another --method"
        )
    features, true = _features(members, found, task, raw), found[0].true
    stack = fit_stack(features, true, len(task.classes))
    images = int((true >= 0).sum())
    if task.goal == "category":
        return Stacked(stack, images)
    points = _cut_points(features, true, group_keys(found[0].table), task)
    return Stacked(stack, images, tuple(points.tolist()))


def _features(
    members: Sequence[Member], found: Sequence[Validation], task: Task, raw: bool
) -> np.ndarray:
    base = spoken_task(task, raw)
    return features_of([
        outputs_as(base, one.outputs, member.own_calibration)
        for member, one in zip(members, found, strict=True)
    ])  # fmt: skip


def _cut_points(
    features: np.ndarray, true: np.ndarray, groups: np.ndarray, task: Task
) -> np.ndarray:
    """Return cut points for mean grades of regressions that never saw the patient."""
    classes = len(task.classes)
    features, groups, true = features[true >= 0], groups[true >= 0], true[true >= 0]
    means = np.full(len(true), np.nan)
    for rest, fold in grades.folds(true, groups, task.split.seed):
        if len(np.unique(true[rest])) > 1:
            fitted = fit_stack(features[rest], true[rest], classes)
            means[fold] = grades.values_of(fitted.probabilities(features[fold]))
    known = ~np.isnan(means)
    return grades.fit_cut_points(means[known], true[known], classes, task.cut_points)


def stacked_info(stacked: Stacked) -> dict[str, Any]:
    """Return a fitted regression, ready for JSON."""
    info: dict[str, Any] = {"images": stacked.images, "stack": stacked.stack.as_info()}
    return info | ({"cut_points": list(stacked.cut_points)} if stacked.cut_points else {})


def fitted_info(pool: Pool) -> dict[str, Any]:
    """Return what turns the mean into probabilities and decisions, ready for JSON."""
    info: dict[str, Any] = {}
    calibration = pool.calibration
    if pool.validation is not None:
        plain = pool.validation.outputs.ndim == 1
        info["images"] = len(pool.validation.table)
        info |= {"scale": calibration.scale} if plain else {"temperature": calibration.temperature}
        if calibration.weights is not None:
            info["class_weights"] = calibration.weights.tolist()
    if calibration.cut_points is not None:
        info["cut_points"] = calibration.cut_points.tolist()
    return info
