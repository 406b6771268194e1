"""Sums over images that scores are made of, and the scores of one dichotomy from them."""

import numpy as np
from numpy.typing import NDArray

from fastmed.results.scores.calibration import (
    BINS,
    calibration_intercept,
    calibration_line,
    equal_mass_bins,
    logits,
    sigmoid,
)
from fastmed.results.scores.sample import Dichotomy

Values = NDArray[np.float64]


def ratio(these: Values, all_of_them: Values) -> Values:
    """Return a quotient; not a number where there is nothing to divide by."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(all_of_them != 0, these / all_of_them, np.nan)


def rates(confusion: Values, positive: slice, prevalence: float | None) -> dict[str, Values]:
    """Return the scores of some classes against the rest.

    Args:
        confusion: images of each true (row) and predicted class, (b, K, K).
        positive: which classes are cases.
        prevalence: of the class where the network is to be used; None leaves its scores out.
    """
    hits = confusion[:, positive, positive].sum(axis=(1, 2))
    missed = confusion[:, positive].sum(axis=(1, 2)) - hits
    alarms = confusion[:, :, positive].sum(axis=(1, 2)) - hits
    rejected = confusion.sum(axis=(1, 2)) - hits - missed - alarms
    cases, others = hits + missed, alarms + rejected
    sensitivity, specificity = ratio(hits, cases), ratio(rejected, others)
    found = {
        "prevalence": ratio(cases, cases + others),
        "sensitivity": sensitivity,
        "specificity": specificity,
        "ppv": ratio(hits, hits + alarms),
        "npv": ratio(rejected, rejected + missed),
        "f1": ratio(2 * hits, 2 * hits + missed + alarms),
    }
    return found | of_rates(sensitivity, specificity, prevalence)


def of_rates(
    sensitivity: Values, specificity: Values, prevalence: float | None
) -> dict[str, Values]:
    """Return likelihood ratios, and PPV and NPV at a given prevalence by Bayes' theorem.

    All of them but LR- grow with both rates, and LR- falls. An LR+ may be infinite.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        found = {
            "lr_positive": sensitivity / (1 - specificity),
            "lr_negative": (1 - sensitivity) / specificity,
        }
    if prevalence is not None:
        right, alarms = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
        healthy, missed = specificity * (1 - prevalence), (1 - sensitivity) * prevalence
        found["ppv_deployed"] = ratio(right, right + alarms)
        found["npv_deployed"] = ratio(healthy, healthy + missed)
    return found


class CalibrationSums:
    """Calibration of a dichotomy for many weightings at once.

    The fits to a weighting are one Newton step from the fit to all images, which is exact up to
    the square of the distance (the one-step bootstrap; Davison and Hinkley, 1997). The bins of the
    ECE are those of all images.
    """

    def __init__(self, of: Dichotomy) -> None:
        odds = logits(of.score)
        self.line = calibration_line(of.positive, of.score)
        self.shift = calibration_intercept(of.positive, of.score)
        parts = [self._binned(of)]
        if self.line is not None:
            chance = sigmoid(self.line[0] + self.line[1] * odds)
            rest, weight = of.positive - chance, chance * (1 - chance)
            parts += [rest, rest * odds, weight, weight * odds, weight * odds**2]
        if self.shift is not None:
            chance = sigmoid(self.shift + odds)
            parts += [of.positive - chance, chance * (1 - chance)]
        self.columns = np.column_stack(parts)

    @staticmethod
    def _binned(of: Dichotomy) -> Values:
        bins = np.zeros((len(of.score), BINS))
        place = equal_mass_bins(of.score)
        bins[np.arange(len(place)), place] = of.positive - of.score
        return bins

    def scores(self, sums: Values, total: Values) -> dict[str, Values]:
        """Return slope, intercept and ECE, each (b,).

        Args:
            sums: of the columns, (b, f).
            total: of the weights, (b,).
        """
        slope = intercept = np.full(len(sums), np.nan)
        bins, rest = sums[:, :BINS], sums[:, BINS:]
        if self.line is not None:
            slope = self.line[1] + self._step(*rest[:, :5].T)
            rest = rest[:, 5:]
        if self.shift is not None:
            intercept = self.shift + ratio(rest[:, 0], rest[:, 1])
        return {
            "calibration_slope": slope,
            "calibration_intercept": intercept,
            "ece": np.abs(bins).sum(axis=1) / total,
        }

    @staticmethod
    def _step(*sums: Values) -> Values:
        """Return the second entry of Newton's step: slopes of two columns, by Cramer's rule."""
        first, second, whole, mixed, square = sums
        return ratio(second * whole - first * mixed, whole * square - mixed**2)


def benefit_columns(of: Dichotomy, threshold: float) -> Values:
    """Return who is treated with and without need at a threshold, (n, 2)."""
    treated = of.score >= threshold
    return np.stack([treated & of.positive, treated & ~of.positive], axis=1).astype(float)


def benefit(sums: Values, total: Values, threshold: float) -> Values:
    """Return the net benefit, (b,), of the sums of `benefit_columns`."""
    return (sums[:, 0] - threshold / (1 - threshold) * sums[:, 1]) / total


def benefit_of_all(prevalence: Values, threshold: float) -> Values:
    """Return the net benefit of treating all, which grows with the prevalence."""
    return prevalence - threshold / (1 - threshold) * (1 - prevalence)
