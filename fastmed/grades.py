"""From a network's value to a grade: cut points and the probabilities of the grades around them."""

import warnings
from collections.abc import Iterator

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_expit
from sklearn.model_selection import StratifiedGroupKFold

from fastmed.errors import DataError
from fastmed.settings.predict import CutRule

CANDIDATES = 300  # places for a cut that are tried, shared among the grades
FOLDS = 5
SCALES = (0.05, 5.0)  # smallest and largest spread of a grade's probability, in grades
CLOSE = 1e-12


def round_points(classes: int) -> np.ndarray:
    """Return the cut points of plain rounding, (classes - 1,): 0.5, 1.5, ..."""
    return np.arange(classes - 1) + 0.5


def values_of(outputs: np.ndarray) -> np.ndarray:
    """Return the value of each image, (n,): as it is, or the mean of its grades' scores (n, K)."""
    return outputs @ np.arange(outputs.shape[1]) if outputs.ndim == 2 else outputs


def to_grades(values: np.ndarray, cut_points: np.ndarray) -> np.ndarray:
    """Return the grade of each value, (n,) int64: how many cut points it has reached.

    Raises:
        DataError: a value is not a finite number.
    """
    return np.searchsorted(cut_points, _finite(values), side="right").astype(np.int64)


def fit_cut_points(
    values: np.ndarray, grades: np.ndarray, classes: int, goal: CutRule
) -> np.ndarray:
    """Return the cut points that grade the values best, (classes - 1,) ascending.

    The best points are found exactly among the candidates, not by a local search: quadratic
    weighted kappa and macro F1 are both ratios of sums over the predicted grades, so Dinkelbach's
    iteration over shortest paths (Management Science 13, 1967) reaches their maximum. Of equally
    good places a cut takes the middle; where rounding is as good, rounding stays. It also stays
    where fewer than two grades occur, since nothing can be learnt there.

    Args:
        values: what the network gives, (n,).
        grades: the true grades from 0, (n,); -1 where there is none.
        classes: how many grades there are, whether they occur or not.
        goal: what is maximised; ``round`` fits nothing.

    Raises:
        DataError: a value is not a finite number.
    """
    values, grades = _finite(values), np.asarray(grades)
    values, grades = values[grades >= 0], grades[grades >= 0]
    if goal == "round" or len(np.unique(grades)) < 2:
        return round_points(classes)
    order = np.argsort(values, kind="stable")
    values, grades = values[order], grades[order]
    places = _places(values, grades, classes)
    inside = _counts_between(places, grades, classes)
    gain, cost = _kappa_terms(inside) if goal == "kappa" else _f1_terms(inside)
    rounded = np.searchsorted(places, np.searchsorted(values, round_points(classes)))
    start = np.concatenate([[0], rounded, [len(places) - 1]])
    path = _best_path(gain, cost, start)
    if path is start:
        return round_points(classes)
    lows, highs = _gaps(values, places, classes)
    return _spread(_centred(gain, cost, path, (lows + highs) / 2)[1:-1], lows, highs)


def fit_scale(values: np.ndarray, grades: np.ndarray, cut_points: np.ndarray) -> float:
    """Return the spread, in grades, that makes the true grades most likely at these cut points.

    Args:
        values: what the network gives, (n,).
        grades: the true grades, (n,); -1 where there is none. Without any the spread is 1.
        cut_points: (classes - 1,), ascending.
    """
    values, grades = _finite(values), np.asarray(grades)
    values, grades = values[grades >= 0], grades[grades >= 0]
    if not len(values):
        return 1.0
    rows = np.arange(len(grades))

    def surprise(steepness: float) -> float:
        likelihood = grade_scores(values, cut_points, 1 / steepness)[rows, grades]
        return float(-np.log(np.maximum(likelihood, 1e-300)).mean())

    # The likelihood is concave in the steepness, so a bounded search finds its one maximum.
    limits = (1 / SCALES[1], 1 / SCALES[0])
    found = minimize_scalar(surprise, bounds=limits, method="bounded", options={"xatol": 1e-6})
    return float(1 / found.x)


def grade_scores(values: np.ndarray, cut_points: np.ndarray, scale: float) -> np.ndarray:
    """Return the probability of each grade by proportional odds, (n, classes), rows sum to 1.

    ``P(grade <= k) = sigmoid((cut_k - value) / scale)`` (McCullagh, JRSS B 42, 1980). The likeliest
    grade can differ from `to_grades` where two cut points lie close together.
    """
    edges = np.concatenate([[-np.inf], cut_points, [np.inf]])
    distance = (edges - _finite(values)[:, None]) / scale
    low, high = distance[:, :-1], distance[:, 1:]
    # sigmoid(high) - sigmoid(low), written so that it keeps its digits far out on either side.
    return np.asarray(np.exp(log_expit(high) + log_expit(-low)) * -np.expm1(low - high))


def folds(
    grades: np.ndarray, groups: np.ndarray, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield up to five times (rows to fit on, rows to judge), with no patient in both.

    Every row is judged once, and the folds are stratified by grade or class. With one patient, all
    rows are judged by none.

    Args:
        grades: the true positions, (n,), from 0.
        groups: the patient of each row, (n,).
        seed: of the folds.
    """
    if not len(grades):
        return
    count = min(FOLDS, len(np.unique(groups)), int(np.bincount(grades).max()))
    if count < 2:
        yield np.array([], dtype=int), np.arange(len(grades))
        return
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class")
        yield from splitter.split(grades, grades, groups)


def _finite(values: np.ndarray) -> np.ndarray:
    numbers = np.asarray(values, dtype=float)
    broken = int((~np.isfinite(numbers)).sum())
    if broken:
        raise DataError(
            f"{broken} of {len(numbers)} predicted values are not finite numbers; "
            "the training may have diverged, try a smaller learning rate"
        )
    return numbers


def _places(values: np.ndarray, grades: np.ndarray, classes: int) -> np.ndarray:
    """Return where cuts may stand, as numbers of sorted values below them, ascending.

    Every grade offers equally many places, so that rare grades are cut as finely as common ones.
    """
    offered = []
    for grade in range(classes):
        rows = np.flatnonzero(grades == grade)
        count = min(len(rows), max(CANDIDATES // classes, 2))
        offered.append(rows[np.linspace(0, len(rows) - 1, count).round().astype(int)])
    first_equal = np.searchsorted(values, values[np.concatenate(offered)])
    rounded = np.searchsorted(values, round_points(classes))
    return np.unique(np.concatenate([[0], first_equal, rounded, [len(values)]]))


def _counts_between(places: np.ndarray, grades: np.ndarray, classes: int) -> np.ndarray:
    """Return how often each grade occurs between two places, (places, places, classes)."""
    total = np.zeros((len(grades) + 1, classes))
    np.cumsum(np.eye(classes)[grades], axis=0, out=total[1:])
    below = total[places]
    return np.asarray(below[None, :, :] - below[:, None, :])


def _kappa_terms(inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what each stretch, given to each grade, adds to kappa's numerator and denominator.

    Kappa is (chance disagreement - disagreement) / chance disagreement, with squared distances.
    """
    steps = np.arange(inside.shape[-1])
    weights = (steps[:, None] - steps[None, :]) ** 2.0
    prevalence = inside[0, -1] / inside[0, -1].sum()
    disagreement = np.moveaxis(inside @ weights, -1, 0)
    by_chance = inside.sum(-1)[None] * (prevalence @ weights)[:, None, None]
    return by_chance - disagreement, by_chance


def _f1_terms(inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what each stretch, given to each grade, adds to the sum and the number of F1 scores.

    A grade that neither occurs nor is given has no F1 and is not counted.
    """
    hits = np.moveaxis(inside, -1, 0)
    both = inside.sum(-1)[None] + inside[0, -1][:, None, None]
    return 2 * hits / np.where(both > 0, both, 1), (both > 0).astype(float)


def _ratio(gain: np.ndarray, cost: np.ndarray, paths: np.ndarray) -> np.ndarray:
    """Return the score of each path, a row of ends of stretches (..., classes + 1)."""
    where = (np.arange(len(gain)), paths[..., :-1], paths[..., 1:])
    return np.asarray(gain[where].sum(-1) / cost[where].sum(-1))


def _best_path(gain: np.ndarray, cost: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return the path with the largest ratio of gain to cost; ``start`` itself if it has it."""
    path, best = start, _ratio(gain, cost, start)
    while True:
        tried = _richest_path(gain - best * cost)
        ratio = _ratio(gain, cost, tried)
        if ratio <= best + CLOSE:
            return path
        path, best = tried, ratio


def _richest_path(gain: np.ndarray) -> np.ndarray:
    """Return the ascending path with the largest sum of gains, by dynamic programming."""
    size = gain.shape[1]
    backwards = np.tri(size, k=-1, dtype=bool)
    reached = np.where(np.arange(size) == 0, 0.0, -np.inf)
    came_from = []
    for step in gain:
        total = reached[:, None] + np.where(backwards, -np.inf, step)
        came_from.append(total.argmax(axis=0))
        reached = total.max(axis=0)
    path = [size - 1]
    for origin in reversed(came_from):
        path.append(int(origin[path[-1]]))
    return np.array(path[::-1])


def _centred(
    gain: np.ndarray, cost: np.ndarray, path: np.ndarray, middles: np.ndarray
) -> np.ndarray:
    """Return the path with each cut in the middle of the places around it that are as good."""
    path = path.copy()
    for cut in range(1, len(path) - 1):
        options = np.arange(path[cut - 1], path[cut + 1] + 1)
        paths = np.tile(path, (len(options), 1))
        paths[:, cut] = options
        ratios = _ratio(gain, cost, paths)
        here = path[cut] - path[cut - 1]
        worse = np.flatnonzero(ratios < ratios[here] - CLOSE)
        first = worse[worse < here].max(initial=-1) + 1
        last = worse[worse > here].min(initial=len(options)) - 1
        run = options[first : last + 1]
        middle = (middles[run[0]] + middles[run[-1]]) / 2
        path[cut] = run[np.abs(middles[run] - middle).argmin()]
    return path


def _gaps(values: np.ndarray, places: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the values on both sides of each place; outside the data, the scale's own ends."""
    bottom = min(values[0], 0.0) - 0.5
    top = max(values[-1], classes - 1.0) + 0.5
    framed = np.concatenate([[bottom], values, [top]])
    return framed[places], framed[places + 1]


def _spread(cuts: np.ndarray, lows: np.ndarray, highs: np.ndarray) -> np.ndarray:
    """Return a value for each cut; cuts in the same gap are spread evenly over it."""
    same = cuts[:, None] == cuts[None, :]
    share = np.tril(same).sum(axis=1) / (same.sum(axis=1) + 1)
    points = lows[cuts] + (highs - lows)[cuts] * share
    return np.asarray(np.where(points > lows[cuts], points, highs[cuts]))
