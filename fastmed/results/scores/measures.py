"""Every score for many weightings of the patients at once, as thousands of resamples are."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

import numpy as np

from fastmed.results.scores.linear import (
    CalibrationSums,
    Values,
    benefit,
    benefit_columns,
    benefit_of_all,
    rates,
    ratio,
)
from fastmed.results.scores.names import GIVEN_OUTCOMES, LABELS, OF_CLASSES, OVERALL, Address
from fastmed.results.scores.options import ScoreOptions
from fastmed.results.scores.ranking import Ranking, packed_weights
from fastmed.results.scores.sample import Dichotomy, Sample
from fastmed.settings.scores import REFERABLE

Found = dict[Address, Values]
_SLAB = 8192  # patients whose weights are numbers with a point at once


class _Part(NamedTuple):
    """A dichotomy made ready: where its scores go, its classes, and its columns among all."""

    where: Address
    positive: slice
    ranking: Ranking
    calibration: CalibrationSums
    columns: dict[str, slice]
    prevalence: float | None
    threshold: float | None


class Measures:
    """The scores of a sample, for any weights of its patients.

    What does not depend on the weights is done once: images are sorted, and what scores are
    means of is summed up over the images of each patient. So thousands of resamples are a product
    of matrices and a cumulative sum.
    """

    def __init__(self, sample: Sample, options: ScoreOptions) -> None:
        self.sample, self.options = sample, options
        self._tables: list[Values] = []
        self._cells = self._add(_confused(sample))
        self._means = {name: self._add(column) for name, column in _means(sample)}
        self._parts = [self._part(*parts) for parts in _dichotomies(sample, options)]
        columns = np.concatenate(self._tables, axis=1)
        self._sums = _summed(columns, sample.patients, sample.patient_count)
        self._tables = []

    def _add(self, columns: Values) -> slice:
        """Keep columns, (n,) or (n, f), and return where they will be."""
        columns = columns.reshape(len(columns), -1)
        start = sum(table.shape[1] for table in self._tables)
        self._tables.append(columns)
        return slice(start, start + columns.shape[1])

    def _part(self, where: Address, positive: slice, of: Dichotomy) -> _Part:
        name, calibration = where[-1], CalibrationSums(of)
        threshold = self.options.threshold.get(name)
        columns = {"calibration": self._add(calibration.columns)}
        if threshold is not None:
            columns["benefit"] = self._add(benefit_columns(of, threshold))
        ranking = Ranking(of, self.sample.patients)
        prevalence = self.options.prevalence.get(name)
        return _Part(where, positive, ranking, calibration, columns, prevalence, threshold)

    def once(self) -> Found:
        """Return the scores of the sample as it is, each (1,)."""
        return self.of(np.ones((1, self.sample.patient_count), dtype=np.uint8))

    def of(self, weights: np.ndarray, wanted: Collection[str] = tuple(LABELS)) -> Found:
        """Return scores, each (b,).

        Args:
            weights: of the patients, (b, P), whole numbers from 0 to 255.
            wanted: names of scores; what none of them needs is not computed.
        """
        all_sums = not set(wanted) <= set(GIVEN_OUTCOMES)
        sums = _product(weights, self._sums if all_sums else self._sums[:, self._cells])
        classes = len(self.sample.classes)
        confusion = sums[:, self._cells].reshape(-1, classes, classes)
        found, packed = Found(), packed_weights(weights)
        for part in self._parts:
            scores = rates(confusion, part.positive, part.prevalence)
            scores |= _of_sums(part, sums, scores["prevalence"], confusion) if all_sums else {}
            scores |= _of_ranks(part.ranking, packed, len(weights), wanted)
            found |= {(*part.where, name): values for name, values in scores.items()}
        overall = self._overall(confusion, found)
        if all_sums:
            total = confusion.sum(axis=(1, 2))
            overall |= {name: sums[:, at].sum(axis=1) / total for name, at in self._means.items()}
        found = {**{(OVERALL, name): values for name, values in overall.items()}, **found}
        return {address: values for address, values in found.items() if address[-1] in wanted}

    def _overall(self, confusion: Values, found: Found) -> dict[str, Values]:
        total = confusion.sum(axis=(1, 2))
        several = (confusion.sum(axis=2) > 0).sum(axis=1) > 1
        scores = {
            "accuracy": np.trace(confusion, axis1=1, axis2=2) / total,
            "balanced_accuracy": np.where(several, self._mean(found, "sensitivity"), np.nan),
            "macro_f1": np.where(several, self._mean(found, "f1"), np.nan),
            **{
                name: self._of_classes(found, name)
                for name in ("auroc", "average_precision", "ece")
                if (OF_CLASSES, self.sample.classes[0], name) in found
            },
        }
        if self.options.costs is not None:
            costs = np.array(self.options.costs)
            scores["expected_cost"] = (confusion * costs).sum(axis=(1, 2)) / total
        if self.sample.goal == "grade":
            scores |= _distances(confusion, total)
        return scores

    def _mean(self, found: Found, name: str) -> Values:
        """Return the mean over the classes for which the score can be estimated."""
        every = np.stack([found[OF_CLASSES, one, name] for one in self.sample.classes])
        known = ~np.isnan(every)
        return ratio(np.where(known, every, 0).sum(axis=0), known.sum(axis=0).astype(float))

    def _of_classes(self, found: Found, name: str) -> Values:
        """Return the mean over the classes, or of two the score of the last."""
        if len(self.sample.classes) == 2:
            return found[OF_CLASSES, self.sample.classes[-1], name]
        return self._mean(found, name)


def _dichotomies(
    sample: Sample, options: ScoreOptions
) -> Iterator[tuple[Address, slice, Dichotomy]]:
    for place, (name, of) in enumerate(sample.dichotomies()):
        yield (OF_CLASSES, name), slice(place, place + 1), of
    if options.referable is not None:
        place = sample.classes.index(options.referable)
        yield (REFERABLE,), slice(place, None), sample.from_grade(place)


def _of_sums(part: _Part, sums: Values, prevalence: Values, confusion: Values) -> dict[str, Values]:
    total = confusion.sum(axis=(1, 2))
    found = part.calibration.scores(sums[:, part.columns["calibration"]], total)
    if part.threshold is not None:
        found["net_benefit"] = benefit(sums[:, part.columns["benefit"]], total, part.threshold)
        found["net_benefit_all"] = benefit_of_all(prevalence, part.threshold)
    return found


def _of_ranks(
    ranking: Ranking, packed: np.ndarray, count: int, wanted: Collection[str]
) -> dict[str, Values]:
    scores = {"auroc": ranking.areas, "average_precision": ranking.precisions}
    return {name: score(packed)[:count] for name, score in scores.items() if name in wanted}


def _product(weights: np.ndarray, sums: Values) -> Values:
    """Return the sums, (b, f), over weighted patients (b, P) of what they add (P, f)."""
    found = np.zeros((len(weights), sums.shape[1]))
    for start in range(0, len(sums), _SLAB):
        slab = slice(start, start + _SLAB)
        found += weights[:, slab].astype(float) @ sums[slab]
    return found


def _summed(columns: Values, patients: np.ndarray, count: int) -> Values:
    """Return the sums over the images of each patient, (P, f)."""
    order = np.argsort(patients, kind="stable")
    if count == len(patients):
        return np.asarray(columns[order])
    starts = np.searchsorted(patients[order], np.arange(count))
    return np.asarray(np.add.reduceat(columns[order], starts, axis=0))


def _confused(sample: Sample) -> Values:
    """Return for each image in which cell of the confusion matrix it is, (n, K * K)."""
    classes = len(sample.classes)
    return _one_hot(sample.true * classes + sample.predicted, classes**2)


def _one_hot(places: np.ndarray, count: int) -> Values:
    table = np.zeros((len(places), count))
    table[np.arange(len(places)), places] = 1
    return table


def _means(sample: Sample) -> Iterator[tuple[str, Values]]:
    """Yield the scores that are means over images, with what each image adds."""
    true, scores = sample.true, sample.scores
    chance = scores[np.arange(len(true)), true]
    yield "log_loss", -np.log(np.maximum(chance, np.finfo(float).eps))
    squares = ((scores - _one_hot(true, scores.shape[1])) ** 2).sum(axis=1)
    yield "brier", squares / (2 if scores.shape[1] == 2 else 1)
    if sample.goal == "grade":
        steps = np.arange(scores.shape[1] - 1)
        apart = np.cumsum(scores, axis=1)[:, :-1] - (true[:, None] <= steps)
        yield "rps", (apart**2).mean(axis=1)


def _distances(confusion: Values, total: Values) -> dict[str, Values]:
    """Return the scores of the distances between true and predicted grades."""
    grades = np.arange(confusion.shape[1])
    apart = np.abs(grades[:, None] - grades)
    within = (confusion * (apart <= 1)).sum(axis=(1, 2)) / total
    return {
        "kappa": _kappa(confusion, total, apart**2),
        "mae": (confusion * apart).sum(axis=(1, 2)) / total,
        "within_one": within,
        "off_by_two": (confusion * (apart > 1)).sum(axis=(1, 2)) / total,
    }


def _kappa(confusion: Values, total: Values, squares: np.ndarray) -> Values:
    """Return quadratic weighted kappa; undefined if all true or all predicted are the same."""
    true, predicted = confusion.sum(axis=2), confusion.sum(axis=1)
    observed = (confusion * squares).sum(axis=(1, 2))
    chance = np.einsum("bi,ij,bj->b", true, squares, predicted) / total
    varied = ((true > 0).sum(axis=1) > 1) & ((predicted > 0).sum(axis=1) > 1)
    return np.where(varied, 1 - ratio(observed, chance), np.nan)
