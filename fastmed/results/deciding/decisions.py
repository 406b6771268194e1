"""What is decided from probabilities on request: flags, sets of classes, abstention."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fastmed.console import warn
from fastmed.data.tables import grades_of, scores_of
from fastmed.errors import DataError, RunError
from fastmed.results.calibration.fitted import Validation, validation_of
from fastmed.results.calibration.probabilities import TINY, Calibration
from fastmed.results.deciding.abstention import fit_certainty, read_abstention
from fastmed.results.deciding.conformal import class_sets, fit_levels, set_names
from fastmed.results.deciding.operating_points import (
    OperatingPoint,
    Rule,
    default_rules,
    fit_point,
    is_positive,
    point_of_info,
    read_rule,
    score_of,
)
from fastmed.run import Run
from fastmed.task import Task


@dataclass(frozen=True)
class Wishes:
    """What the user asks for beside probabilities; None asks for nothing.

    Attributes:
        operating_point: a rule, as in ``sensitivity=0.95`` or ``class=COVID,youden``.
        sets: the share of images of each class whose set is to hold it.
        abstain: the share of images that is left to a reader, or ``error=0.05``.
    """

    operating_point: str | None = None
    sets: float | None = None
    abstain: str | float | None = None

    @property
    def any(self) -> bool:
        """True if anything is asked for."""
        return any(wish is not None for wish in (self.operating_point, self.sets, self.abstain))


@dataclass(frozen=True)
class Decisions:
    """What was fitted on a validation part for the user's wishes; None where there is none.

    Attributes:
        task: of the predictions.
        point: which images are flagged.
        levels: (K,), from which probability on a class belongs to a set.
        certainty: below which an image is left to a reader.
    """

    task: Task
    point: OperatingPoint | None = None
    levels: np.ndarray | None = None
    certainty: float | None = None

    def applied(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return a predictions table with the columns of what was asked for."""
        table, task = table.copy(), self.task
        scores = scores_of(table, task.classes)
        decided = grades_of(table["predicted"], task.classes)
        if self.point is not None:
            flagged, decided = flag(self.point, scores, decided, task)
            table["predicted"] = np.array(task.classes)[decided]
            if "grade" in table:
                table["grade"] = decided
            table["threshold"], table["flagged"] = self.point.threshold, flagged
        if self.levels is not None:
            inside = class_sets(scores, self.levels, task.goal == "grade")
            table["set"] = set_names(inside, task.classes)
        if self.certainty is not None:
            table["abstained"] = certainty_of(scores, decided, task, self.point) < self.certainty
        return table


def flag(
    point: OperatingPoint, scores: np.ndarray, decided: np.ndarray, task: Task
) -> tuple[np.ndarray, np.ndarray]:
    """Return which images are flagged, (n,), and the decisions that agree with it, (n,).

    A flagged image that was decided for another class becomes one of the class of interest, or of
    the first grade of interest. One that isn't flagged, but was decided for it, becomes one of the
    likeliest other class, or of the last grade before.

    Args:
        point: by which images are flagged.
        scores: probabilities (n, K).
        decided: the decisions without it, (n,).
        task: of the predictions.
    """
    place = task.classes.index(point.rule.positive)
    flagged = score_of(scores, point.rule, task) >= point.threshold
    meant = is_positive(decided, point.rule, task)
    others = scores.copy()
    others[:, place] = -1
    instead = np.full(len(decided), place - 1) if task.goal == "grade" else others.argmax(axis=1)
    decided = np.where(flagged & ~meant, place, np.where(~flagged & meant, instead, decided))
    return flagged, decided


def certainty_of(
    scores: np.ndarray, decided: np.ndarray, task: Task, point: OperatingPoint | None = None
) -> np.ndarray:
    """Return how certain each decision is, (n,): the probability of the class that was decided.

    With an operating point, it is how far the log-odds are from those of its threshold.
    """
    if point is None:
        return np.asarray(scores[np.arange(len(decided)), decided])
    chance = score_of(scores, point.rule, task)
    return np.asarray(np.abs(_log_odds(chance) - _log_odds(np.array(point.threshold))))


def fit_decisions(
    wishes: Wishes, run: Run, calibration: Calibration, *, own: bool = True
) -> Decisions:
    """Return what a run's validation part says to the user's wishes, without any prediction.

    A point that the training kept is taken as it was kept.

    Args:
        wishes: of the user.
        run: whose validation part was predicted.
        calibration: of the probabilities.
        own: it is that of the run, and nothing of it was changed.

    Raises:
        DataError: a wish is not understood or can't be fulfilled.
        RunError: the run has nothing to fit on.
    """
    if not wishes.any:
        return Decisions(run.task)
    kept = _kept_point(wishes, run) if own else None
    if kept is not None and wishes.sets is None and wishes.abstain is None:
        return Decisions(run.task, kept)
    _understood(wishes, run.task)
    return decisions_on(wishes, validation_of(run), calibration, kept)


def decisions_on(
    wishes: Wishes,
    validation: Validation,
    calibration: Calibration,
    kept: OperatingPoint | None = None,
) -> Decisions:
    """Return what a validation part says to the user's wishes.

    Args and errors are those of `fit_decisions`; ``kept`` is a point that need not be fitted.
    """
    task, known = validation.task, validation.true >= 0
    outputs, true = validation.outputs[known], validation.true[known]
    scores, decided = calibration.probabilities(outputs), calibration.decisions(outputs)
    point, levels, certainty = kept, None, None
    if wishes.operating_point is not None:
        rule = read_rule(wishes.operating_point, task)
        point = point or _fitted(rule, scores, validation, calibration)
        _, decided = flag(point, scores, decided, task)
    if wishes.sets is not None:
        levels = fit_levels(scores, true, wishes.sets)
        _tell_of_few(levels, true, wishes.sets, task)
    if wishes.abstain is not None:
        sure = certainty_of(scores, decided, task, point)
        certainty = fit_certainty(read_abstention(wishes.abstain), sure, decided != true)
    return Decisions(task, point, levels, certainty)


def default_points(validation: Validation, calibration: Calibration) -> list[OperatingPoint]:
    """Return the points of `default_rules` that the validation part can reach."""
    known = validation.true >= 0
    scores = calibration.probabilities(validation.outputs[known])
    points = []
    for rule in default_rules(validation.task):
        try:
            points.append(_fitted(rule, scores, validation, calibration))
        except DataError:
            continue
    return points


def kept_points(run: Run) -> list[OperatingPoint]:
    """Return the operating points that a training kept in its run.

    Raises:
        RunError: they don't fit the task.
    """
    try:
        return [point_of_info(info, run.task) for info in run.info.get("operating_points", [])]
    except (DataError, KeyError) as error:
        raise RunError(
            f"{run.path / 'run.json'} is not as fastmed writes it: operating_points, {error}"
        ) from None


def _kept_point(wishes: Wishes, run: Run) -> OperatingPoint | None:
    if wishes.operating_point is None:
        return None
    rule = read_rule(wishes.operating_point, run.task)
    return next((point for point in kept_points(run) if point.rule == rule), None)


def _fitted(
    rule: Rule, scores: np.ndarray, validation: Validation, calibration: Calibration
) -> OperatingPoint:
    """Return the point of a rule on the labelled images, whose probabilities (n, K) are given."""
    task, true = validation.task, validation.true
    positive = is_positive(true[true >= 0], rule, task)
    weights = (1.0, 1.0)
    if calibration.prevalence is not None and calibration.shares is not None:
        shares = np.array([calibration.prevalence, calibration.shares])
        there, here = score_of(shares, rule, task)
        weights = float(there / here), float((1 - there) / (1 - here))
    return fit_point(rule, score_of(scores, rule, task), positive, weights)


def _understood(wishes: Wishes, task: Task) -> None:
    """Refuse wishes that make no sense, before anything is read."""
    if wishes.operating_point is not None:
        read_rule(wishes.operating_point, task)
    if wishes.sets is not None:
        fit_levels(np.empty((0, 1)), np.empty(0), wishes.sets)
    if wishes.abstain is not None:
        read_abstention(wishes.abstain)


def _tell_of_few(levels: np.ndarray, true: np.ndarray, coverage: float, task: Task) -> None:
    for place in np.flatnonzero(levels == 0):
        warn(
            f"class '{task.classes[place]}' has {(true == place).sum()} validation images, too few "
            f"for sets that cover {coverage:g} of it: it is in every set"
        )


def _log_odds(chance: np.ndarray) -> np.ndarray:
    chance = np.clip(chance, TINY, 1 - TINY)
    return np.asarray(np.log(chance) - np.log1p(-chance))
