"""Every score for many weightings of the patients at once, as thousands of resamples are."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from fastmed.results.scores.linear import (
    CalibrationSums,
    Values,
    benefit,
    benefit_columns,
    benefit_of_all,
    rate_columns,
    rates,
    ratio,
)
from fastmed.results.scores.names import OF_CLASSES, OVERALL, Address
from fastmed.results.scores.options import ScoreOptions
from fastmed.results.scores.ranking import Ranking
from fastmed.results.scores.sample import Dichotomy, Sample
from fastmed.settings.scores import REFERABLE

Found = dict[Address, Values]


class _Part(NamedTuple):
    """A dichotomy made ready: where its scores go, and its columns among all columns."""

    where: Address
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
        size, classes = sample.size, len(sample.classes)
        self._confusion = self._add(_one_hot(sample.true * classes + sample.predicted, classes**2))
        self._means = {name: self._add(column) for name, column in _means(sample)}
        self._parts = [self._part(where, of) for where, of in _dichotomies(sample, options)]
        columns = np.concatenate(self._tables, axis=1)
        self._sums = _summed(columns, sample.patients, sample.patient_count)
        self._images = np.bincount(sample.patients).astype(float)
        self.width = size
        self._tables = []

    def _add(self, columns: Values) -> slice:
        """Keep columns, (n,) or (n, f), and return where they will be."""
        columns = columns.reshape(len(columns), -1)
        start = sum(table.shape[1] for table in self._tables)
        self._tables.append(columns)
        return slice(start, start + columns.shape[1])

    def _part(self, where: Address, of: Dichotomy) -> _Part:
        name, calibration = where[-1], CalibrationSums(of)
        threshold = self.options.threshold.get(name)
        columns = {
            "rates": self._add(rate_columns(of)),
            "calibration": self._add(calibration.columns),
        }
        if threshold is not None:
            columns["benefit"] = self._add(benefit_columns(of, threshold))
        ranking = Ranking(of, self.sample.patients)
        prevalence = self.options.prevalence.get(name)
        return _Part(where, ranking, calibration, columns, prevalence, threshold)

    def once(self) -> Found:
        """Return the scores of the sample as it is, each (1,)."""
        return self.of(np.ones((1, self.sample.patient_count), dtype=np.uint16))

    def of(self, weights: np.ndarray) -> Found:
        """Return each score, (b,), of weights of the patients, (b, P), whole numbers from 0."""
        real = weights.astype(float)
        sums, total = real @ self._sums, real @ self._images
        found: Found = {}
        for part in self._parts:
            for name, values in _of_part(part, sums, total).items():
                found[*part.where, name] = values
            area, precision = part.ranking.scores(weights)
            found[*part.where, "auroc"] = area
            found[*part.where, "average_precision"] = precision
        overall = self._overall(sums, total, found)
        return {**{(OVERALL, name): values for name, values in overall.items()}, **found}

    def _overall(self, sums: Values, total: Values, found: Found) -> dict[str, Values]:
        classes = len(self.sample.classes)
        confusion = sums[:, self._confusion].reshape(-1, classes, classes)
        several = (confusion.sum(axis=2) > 0).sum(axis=1) > 1
        scores = {
            "accuracy": np.trace(confusion, axis1=1, axis2=2) / total,
            "balanced_accuracy": np.where(several, self._mean(found, "sensitivity"), np.nan),
            "macro_f1": np.where(several, self._mean(found, "f1"), np.nan),
            **{name: sums[:, at].sum(axis=1) / total for name, at in self._means.items()},
            **{
                name: self._of_classes(found, name)
                for name in ("auroc", "average_precision", "ece")
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


def _dichotomies(sample: Sample, options: ScoreOptions) -> Iterator[tuple[Address, Dichotomy]]:
    for name, of in sample.dichotomies():
        yield (OF_CLASSES, name), of
    if options.referable is not None:
        yield (REFERABLE,), sample.from_grade(sample.classes.index(options.referable))


def _of_part(part: _Part, sums: Values, total: Values) -> dict[str, Values]:
    columns = part.columns
    found = rates(sums[:, columns["rates"]], part.prevalence)
    found |= part.calibration.scores(sums[:, columns["calibration"]], total)
    if part.threshold is not None:
        found["net_benefit"] = benefit(sums[:, columns["benefit"]], total, part.threshold)
        found["net_benefit_all"] = benefit_of_all(found["prevalence"], part.threshold)
    return found


def _summed(columns: Values, patients: np.ndarray, count: int) -> Values:
    """Return the sums over the images of each patient, (P, f)."""
    order = np.argsort(patients, kind="stable")
    if count == len(patients):
        return np.asarray(columns[order])
    starts = np.searchsorted(patients[order], np.arange(count))
    return np.asarray(np.add.reduceat(columns[order], starts, axis=0))


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
