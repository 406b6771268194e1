"""Thresholds by rule: from which probability of a class on an image is flagged."""

import math
import re
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from scipy.special import betaincinv

from fastmed.errors import DataError, listed, nearest
from fastmed.task import Task

CONFIDENCE = 0.95  # of the one-sided bounds
DEFAULT_RULES = ("youden", "sensitivity=0.95")
EXAMPLES = "sensitivity=0.95, specificity=0.9, youden or cost=10:1 (a miss against a false alarm)"

Kind = Literal["sensitivity", "specificity", "youden", "cost"]


class Rule(NamedTuple):
    """What a threshold is to reach, for a class of interest.

    Attributes:
        positive: the class of interest; for grades, this one or one beyond.
        kind: what is looked at.
        target: of sensitivity or specificity.
        costs: of a miss and of a false alarm.
    """

    positive: str
    kind: Kind
    target: float = 0.0
    costs: tuple[float, float] = (1.0, 1.0)

    @property
    def text(self) -> str:
        """The rule as the user writes it, without the class."""
        match self.kind:
            case "youden":
                return "youden"
            case "cost":
                return f"cost={self.costs[0]:g}:{self.costs[1]:g}"
        return f"{self.kind}={self.target:g}"


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold, and how many cases it finds and how many false alarms it gives.

    Attributes:
        rule: that it was found by.
        threshold: an image is flagged if its probability is as large, or larger.
        found, positives: cases that are flagged, and all of them.
        cleared, negatives: others that are not flagged, and all of them.
    """

    rule: Rule
    threshold: float
    found: int
    positives: int
    cleared: int
    negatives: int

    @property
    def sensitivity(self) -> float | None:
        """Share of the cases that are flagged."""
        return self.found / self.positives if self.positives else None

    @property
    def specificity(self) -> float | None:
        """Share of the others that are not."""
        return self.cleared / self.negatives if self.negatives else None

    def as_info(self) -> dict[str, Any]:
        """Return the point as it is kept as JSON."""
        return {
            "class": self.rule.positive,
            "rule": self.rule.text,
            "threshold": self.threshold,
            "sensitivity": self.sensitivity,
            "sensitivity_bound": _bound_or_none(self.found, self.positives),
            "specificity": self.specificity,
            "specificity_bound": _bound_or_none(self.cleared, self.negatives),
            "found": self.found,
            "positives": self.positives,
            "cleared": self.cleared,
            "negatives": self.negatives,
        }


def read_rule(text: str, task: Task) -> Rule:
    """Return the rule that a text says, as in ``sensitivity=0.95`` or ``class=COVID,youden``.

    Without a class it is that of `class_of_interest`.

    Raises:
        DataError: says what is wrong with the text.
    """
    head, _, rule = text.strip().rpartition(",")
    if not head and rule.startswith("class="):
        raise DataError(f"'{text}' names a class and no rule, such as {rule},youden")
    if head and not head.startswith("class="):
        raise DataError(f"'{text}' is no operating point; expected [class=NAME,]RULE: {EXAMPLES}")
    positive = _positive(head.removeprefix("class=") if head else None, task)
    kind, amount, costs = _parsed(rule.strip())
    return Rule(positive, kind, amount, costs)


def class_of_interest(task: Task) -> str | None:
    """Return the class, or the first of the grades, that a task is about; None if none is named."""
    named = task.scores.referable if task.goal == "grade" else task.predict.positive
    return named or (task.classes[-1] if len(task.classes) == 2 else None)


def _positive(name: str | None, task: Task) -> str:
    grades = task.goal == "grade"
    name = name or class_of_interest(task)
    choice = task.classes[1:] if grades else task.classes
    if name is None:
        meaning = "the first grade that is flagged" if grades else "the class that is flagged"
        raise DataError(
            f"an operating point needs {meaning}, one of {listed(choice, 12)}: write "
            f"class=NAME,RULE or set {'scores.referable' if grades else 'predict.positive'}"
        )
    if name not in choice:
        close = nearest(name, choice) or f"; there are {listed(choice, 12)}"
        raise DataError(f"no operating point for the class '{name}'{close}")
    return name


def _parsed(rule: str) -> tuple[Kind, float, tuple[float, float]]:
    number = r"(\d*\.?\d+)"
    if rule == "youden":
        return "youden", 0.0, (1.0, 1.0)
    if told := re.fullmatch(rf"cost={number}:{number}", rule):
        miss, alarm = float(told[1]), float(told[2])
        if miss > 0 and alarm > 0:
            return "cost", 0.0, (miss, alarm)
    for kind in ("sensitivity", "specificity"):
        told = re.fullmatch(rf"{kind}={number}", rule)
        if told and 0 < float(told[1]) < 1:
            return kind, float(told[1]), (1.0, 1.0)
    raise DataError(f"'{rule}' is no rule of an operating point; expected {EXAMPLES}")


def score_of(scores: np.ndarray, rule: Rule, task: Task) -> np.ndarray:
    """Return the probability (n,) that an operating point looks at, of scores (n, K)."""
    place = task.classes.index(rule.positive)
    if task.goal == "grade":
        return np.asarray(scores[:, place:].sum(axis=1))
    return np.asarray(scores[:, place])


def is_positive(places: np.ndarray, rule: Rule, task: Task) -> np.ndarray:
    """Return whether positions of classes (n,) are of interest, (n,)."""
    place = task.classes.index(rule.positive)
    return np.asarray(places >= place if task.goal == "grade" else places == place)


def fit_point(
    rule: Rule,
    scores: np.ndarray,
    positive: np.ndarray,
    weights: tuple[float, float] = (1.0, 1.0),
) -> OperatingPoint:
    """Return the operating point that a rule finds among labelled probabilities.

    Thresholds lie in the middle between neighbouring probabilities.

    - ``sensitivity``: the highest threshold whose 95% one-sided lower bound (Clopper and Pearson,
      1934) reaches the target. The threshold is an order statistic of the cases, for which this
      bound is exact, whatever the probabilities are: of 100 such thresholds, 95 have at least this
      sensitivity on new cases of the same kind.
    - ``specificity``: the lowest threshold whose bound of the specificity reaches it.
    - ``youden``: the largest sensitivity + specificity - 1; of equals the most sensitive.
    - ``cost``: the least misses and false alarms, weighted; of equals the most sensitive.

    Args:
        rule: what is to be reached.
        scores: probabilities of the class of interest, (n,).
        positive: whether the image is a case, (n,).
        weights: of cases and others, for costs where they are otherwise as common as here.

    Raises:
        DataError: there are no cases or no others, or too few to reach the rule.
    """
    cases, others = np.sort(scores[positive]), np.sort(scores[~positive])
    if not len(cases) or not len(others):
        missing = "case of" if not len(cases) else "image without"
        raise DataError(f"the validation part has no {missing} '{rule.positive}' to fit on")
    thresholds = candidates(scores)
    found = len(cases) - np.searchsorted(cases, thresholds)
    cleared = np.searchsorted(others, thresholds)
    place = _best(rule, (found, len(cases)), (cleared, len(others)), weights)
    if place is None:
        raise DataError(_unreachable(rule, len(cases), len(others), cleared))
    return OperatingPoint(
        rule,
        float(thresholds[place]),
        int(found[place]),
        len(cases),
        int(cleared[place]),
        len(others),
    )


def judge_point(point: OperatingPoint, scores: np.ndarray, positive: np.ndarray) -> OperatingPoint:
    """Return what a threshold finds among other labelled probabilities (n,)."""
    flagged = scores >= point.threshold
    counts = [int(which.sum()) for which in (flagged & positive, positive)]
    others = [int(which.sum()) for which in (~flagged & ~positive, ~positive)]
    return OperatingPoint(point.rule, point.threshold, *counts, *others)


def candidates(scores: np.ndarray) -> np.ndarray:
    """Return thresholds between all neighbouring scores, ascending; the first one flags all."""
    distinct = np.unique(scores)
    middles = (distinct[:-1] + distinct[1:]) / 2
    middles = np.where(middles > distinct[:-1], middles, distinct[1:])
    return np.concatenate([[0.0], middles])


def lower_bound(hits: np.ndarray | int, count: int) -> np.ndarray:
    """Return the one-sided 95% lower bound of a share (Clopper and Pearson, Biometrika 26)."""
    hits = np.asarray(hits, dtype=float)
    bound = betaincinv(np.maximum(hits, 1), count - hits + 1, 1 - CONFIDENCE)
    return np.where(hits > 0, bound, 0.0)


def point_of_info(info: dict[str, Any], task: Task) -> OperatingPoint:
    """Return a point that was kept as JSON.

    Raises:
        DataError: it doesn't fit the task.
    """
    rule = read_rule(f"class={info['class']},{info['rule']}", task)
    counts = (info[name] for name in ("found", "positives", "cleared", "negatives"))
    return OperatingPoint(rule, info["threshold"], *counts)


def default_rules(task: Task) -> list[Rule]:
    """Return the rules whose thresholds a training keeps: for the class of interest, or each."""
    named = class_of_interest(task)
    every = task.classes[1:] if task.goal == "grade" else task.classes
    names = every if named is None else (named,)
    return [read_rule(f"class={name},{rule}", task) for name in names for rule in DEFAULT_RULES]


def _best(
    rule: Rule,
    of_cases: tuple[np.ndarray, int],
    of_others: tuple[np.ndarray, int],
    weights: tuple[float, float],
) -> int | None:
    """Return the place of the best threshold; None if none reaches the rule."""
    (found, cases), (cleared, others) = of_cases, of_others
    match rule.kind:
        case "sensitivity":
            fitting = np.flatnonzero(lower_bound(found, cases) >= rule.target)
            return int(fitting[-1]) if len(fitting) else None
        case "specificity":
            fitting = np.flatnonzero(lower_bound(cleared, others) >= rule.target)
            return int(fitting[0]) if len(fitting) else None
        case "youden":
            return int((found * others + cleared * cases).argmax())
    miss, alarm = np.multiply(rule.costs, weights)
    return int((miss * (cases - found) + alarm * (others - cleared)).argmin())


def _unreachable(rule: Rule, cases: int, others: int, cleared: np.ndarray) -> str:
    count, what = (cases, "cases") if rule.kind == "sensitivity" else (others, "others")
    most = float(lower_bound(count, count))
    start = f"a {rule.kind} of {rule.target:g} for '{rule.positive}' can't be promised"
    if most < rule.target:
        needed = math.ceil(math.log(1 - CONFIDENCE) / math.log(rule.target))
        return (
            f"{start} by {count} {what} in the validation part: even without a mistake among them "
            f"the 95% lower bound is {most:.3f}; ask for less, or validate on {needed} or more"
        )
    reached = float(lower_bound(cleared.max(), others))
    return (
        f"{start}: the highest threshold clears {cleared.max()} of {others} others in the "
        f"validation part, whose 95% lower bound is {reached:.3f}; ask for less"
    )


def _bound_or_none(hits: int, count: int) -> float | None:
    return float(lower_bound(hits, count)) if count else None
