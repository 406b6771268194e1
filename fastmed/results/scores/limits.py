"""Which interval each score gets, and from what."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np

from fastmed.results.intervals.delong import area_interval
from fastmed.results.intervals.resampling import (
    mirrored,
    on_log_odds,
    patient_weights,
    percentile,
)
from fastmed.results.intervals.wilson import (
    Interval,
    perfect_limit,
    wilson,
    wilson_of_patients,
)
from fastmed.results.scores.linear import benefit_of_all, of_rates
from fastmed.results.scores.measures import Found, Measures
from fastmed.results.scores.names import GIVEN_OUTCOMES, LABELS, OF_CLASSES, OVERALL, Address
from fastmed.results.scores.sample import Dichotomy, Sample
from fastmed.settings.scores import REFERABLE

# Method -> how it is told below tables.
METHODS = {
    "wilson": "Wilson",
    "patients": "Wilson with as many trials as the patients are worth",
    "delong": "DeLong",
    "bootstrap": "bootstrap over patients",
    "exact": "exact limit of a perfect score",
    "rates": "from the limits of sensitivity and specificity",
    "prevalence": "from the limits of the prevalence",
}


class Limits(NamedTuple):
    """An interval and what it was made by."""

    interval: Interval
    method: str


class Chooser:
    """The interval of each score of a sample.

    Proportions get Wilson's interval and areas DeLong's where each patient has one image; all else
    comes from resampled patients. Where no resample differs, the interval is one that never has
    zero width, or there is none.
    """

    def __init__(self, measures: Measures, found: Mapping[Address, float]) -> None:
        self.measures, self.found = measures, found
        self.sample, self.options = measures.sample, measures.options
        self.dichotomies = _dichotomies(self.sample, self.options.referable)
        self.chosen: dict[Address, Limits | None] = {}
        self.resampled: Found = {}

    def all(self) -> dict[Address, Limits | None]:
        """Return the interval of each score that was found; None where there can be none."""
        if not self.options.resamples:
            return dict.fromkeys(self.found)
        self.resampled = resampled(self.measures)
        later = ("lr_positive", "lr_negative", "ppv_deployed", "npv_deployed", "net_benefit_all")
        for address in sorted(self.found, key=lambda one: one[-1] in later):
            self.chosen[address] = self._of(address)
        return self.chosen

    def _of(self, address: Address) -> Limits | None:
        value, name = self.found[address], address[-1]
        if not np.isfinite(value):
            return None
        trials = self._trials(address)
        if trials is not None and self._is_plain(name):
            return self._proportion(*trials)
        if name == "net_benefit_all":
            return self._of_prevalence(address)
        if name == "auroc" and self.sample.one_image_each and (of := self._of_area(address)):
            area = area_interval(of.positive, of.score) if 0 < value < 1 else None
            return Limits(area, "delong") if area else self._constant(address, value)
        return self._of_resamples(address, value)

    def _of_resamples(self, address: Address, value: float) -> Limits | None:
        values, trials = self.resampled[address], self._trials(address)
        match address[-1]:
            case "ece":
                limits = mirrored(values, value)
            case "average_precision":
                limits = on_log_odds(values, value)
            case _:
                limits = percentile(values)
        if limits is not None:
            return Limits(limits, "bootstrap")
        if trials is not None and value in (0, 1):
            return self._proportion(*trials)
        return self._constant(address, value) if _is_constant(values) else None

    def _is_plain(self, name: str) -> bool:
        """True for a proportion that needs no resampling."""
        return self.sample.one_image_each or name == "prevalence"

    def _proportion(self, success: np.ndarray, trial: np.ndarray) -> Limits:
        if self.sample.one_image_each:
            return Limits(wilson(int(success[trial].sum()), int(trial.sum())), "wilson")
        limits = wilson_of_patients(success[trial], self.sample.patients[trial])
        return Limits(limits, "patients")

    def _trials(self, address: Address) -> tuple[np.ndarray, np.ndarray] | None:
        """Return successes and trials, (n,) bool, of a score that is a proportion of images."""
        name, sample = address[-1], self.sample
        every = np.ones(sample.size, dtype=bool)
        if address[0] == OVERALL:
            apart = np.abs(sample.true - sample.predicted)
            overall = {"accuracy": apart == 0, "within_one": apart <= 1, "off_by_two": apart > 1}
            return (overall[name], every) if name in overall else None
        of = self.dichotomies[address[:-1]]
        kinds = {
            "prevalence": (of.positive, every),
            "sensitivity": (of.told, of.positive),
            "specificity": (~of.told, ~of.positive),
            "ppv": (of.positive, of.told),
            "npv": (~of.positive, ~of.told),
        }
        return kinds.get(name)

    def _of_area(self, address: Address) -> Dichotomy | None:
        if address[0] != OVERALL:
            return self.dichotomies[address[:-1]]
        classes = self.sample.classes
        return self.dichotomies[OF_CLASSES, classes[-1]] if len(classes) == 2 else None

    def _of_prevalence(self, address: Address) -> Limits | None:
        limits = self.chosen[*address[:-1], "prevalence"]
        if limits is None or None in limits.interval:
            return None
        threshold = self.options.threshold[address[-2] if len(address) > 2 else REFERABLE]
        low, high = (float(benefit_of_all(np.array(limit), threshold)) for limit in limits.interval)
        return Limits((low, high), "prevalence")

    def _constant(self, address: Address, value: float) -> Limits | None:
        """Return the interval of a score that is the same in all resamples, if there is one."""
        if address[-1] in ("lr_positive", "lr_negative", "ppv_deployed", "npv_deployed"):
            return self._of_rates(address)
        if value == 0 and address[-1] == "auroc":
            limit = self._perfect(address)
            return None if limit is None else Limits((0.0, 1 - limit), "exact")
        if value == 0 and address[-1] == "f1":
            of = self.dichotomies[address[:-1]]
            limit = perfect_limit(self.sample.patients_of(of.positive | of.told))
            return Limits((0.0, _f1_of(1 - limit)), "exact")
        if value == 1 and address[-1] in ("auroc", "f1", "macro_f1", "balanced_accuracy"):
            limit = self._perfect(address)
            return None if limit is None else Limits((limit, 1.0), "exact")
        return None

    def _perfect(self, address: Address) -> float | None:
        """Return the lower limit of a score of 1, or of the mean of perfect scores of classes."""
        if address[0] == OVERALL and not (address[-1] == "auroc" and len(self.sample.classes) == 2):
            parts = [part for part in self.dichotomies if part[0] == OF_CLASSES]
            known = [part for part in parts if self.dichotomies[part].positive.any()]
        else:
            known = [address[:-1] if address[0] != OVERALL else self._last]
        limits = [self._perfect_of(part, address[-1], len(known)) for part in known]
        return float(np.mean(limits)) if limits else None

    @property
    def _last(self) -> Address:
        return OF_CLASSES, self.sample.classes[-1]

    def _perfect_of(self, part: Address, name: str, among: int) -> float:
        of = self.dichotomies[part]
        cases, others = self.sample.patients_of(of.positive), self.sample.patients_of(~of.positive)
        limit = perfect_limit(min(cases, others) if name == "auroc" else cases, among=among)
        return _f1_of(limit) if name in ("f1", "macro_f1") else limit

    def _of_rates(self, address: Address) -> Limits | None:
        """Return what the limits of sensitivity and specificity make of a score of both."""
        where, name = address[:-1], address[-1]
        rates = [self.chosen[*where, rate] for rate in ("sensitivity", "specificity")]
        if rates[0] is None or rates[1] is None:
            return None
        ends = zip(rates[0].interval, rates[1].interval, strict=True)
        prevalence = self.options.prevalence.get(where[-1])
        found = [
            float(of_rates(np.array(one), np.array(other), prevalence)[name]) for one, other in ends
        ]
        low, high = sorted(found)
        return Limits((low, high if np.isfinite(high) else None), "rates")


def resampled(measures: Measures) -> Found:
    """Return each score of each resample of the patients, (resamples,).

    Scores that are told for given outcomes are those of resamples in which each class has as many
    patients as it has. Others depend on how frequent the classes are, which is a matter of chance,
    too: they are those of resamples of all patients.
    """
    sample = measures.sample
    free = [name for name in LABELS if name not in GIVEN_OUTCOMES]
    every = np.zeros_like(sample.strata)
    return _drawn(measures, sample.strata, GIVEN_OUTCOMES) | _drawn(measures, every, free)


def _drawn(measures: Measures, strata: np.ndarray, wanted: Collection[str]) -> Found:
    options = measures.options
    weights = patient_weights(strata, options.resamples, options.seed, measures.sample.size)
    parts = [measures.of(some, wanted) for some in weights]
    return {address: np.concatenate([part[address] for part in parts]) for address in parts[0]}


def _dichotomies(sample: Sample, referable: str | None) -> dict[Address, Dichotomy]:
    found: dict[Address, Dichotomy] = {(OF_CLASSES, name): of for name, of in sample.dichotomies()}
    if referable is not None:
        found[REFERABLE,] = sample.from_grade(sample.classes.index(referable))
    return found


def _f1_of(agreement: float) -> float:
    """Return the F1 of the share of right ones among all that have or are told the class."""
    return 2 * agreement / (1 + agreement)


def _is_constant(values: np.ndarray) -> bool:
    known = values[~np.isnan(values)]
    return bool(len(known)) and bool(np.isclose(known, known[0]).all())
