from itertools import permutations, product
from math import sqrt

import numpy as np
import pytest
from scipy.special import logit
from scipy.stats import binom, chisquare, norm

from fastmed.results.intervals.resampling import (
    Draws,
    mirrored,
    on_log_odds,
    patient_weights,
    percentile,
)


def test_each_stratum_keeps_its_number_of_patients() -> None:
    strata = np.array([0] * 7 + [1] * 3 + [2])
    weights = np.concatenate([*patient_weights(strata, 500, seed=1)])
    assert weights.shape == (500, 11)
    assert (weights[:, :7].sum(axis=1) == 7).all()
    assert (weights[:, 7:10].sum(axis=1) == 3).all()
    assert (weights[:, 10] == 1).all()
    # With replacement: a patient of n is left out with a chance of (1 - 1/n)^n.
    assert (weights[:, :7] == 0).mean() == pytest.approx((6 / 7) ** 7, abs=0.03)


@pytest.mark.parametrize("patients", [40, 1000, 20_000])
def test_draws_are_those_with_replacement(patients: int) -> None:
    """A patient is drawn as often as trials of a chance of 1 in n succeed, in n trials."""
    drawn = Draws(patients).times(np.random.default_rng(3), 2_000_000 // patients)
    assert (drawn.sum(axis=1) == patients).all()
    counts = np.bincount(drawn.ravel(), minlength=6)
    found = np.append(counts[:6], counts[6:].sum())
    expected = binom.pmf(np.arange(6), patients, 1 / patients)
    expected = np.append(expected, 1 - expected.sum()) * drawn.size
    assert chisquare(found, expected).pvalue > 1e-3


def test_patients_are_drawn_at_the_cost_of_others() -> None:
    drawn = Draws(40).times(np.random.default_rng(4), 20_000).astype(float)
    around = np.cov(drawn.T)
    assert np.diag(around) == pytest.approx(np.full(40, 1 - 1 / 40), abs=0.06)
    between = around[~np.eye(40, dtype=bool)]
    assert between.mean() == pytest.approx(-1 / 40, abs=1e-3)
    assert np.abs(between + 1 / 40).max() < 5 / sqrt(20_000)


def test_every_way_to_draw_three_is_as_frequent_as_it_must_be() -> None:
    drawn = Draws(3).times(np.random.default_rng(5), 27_000)
    ways = [np.bincount(way, minlength=3) for way in product(range(3), repeat=3)]
    for counts in {*permutations((2, 1, 0)), *permutations((3, 0, 0)), (1, 1, 1)}:
        share = np.mean([tuple(way) == counts for way in ways])
        assert (drawn == counts).all(axis=1).mean() == pytest.approx(share, abs=0.01)


def test_the_same_seed_draws_the_same() -> None:
    draws = [np.concatenate([*patient_weights(np.zeros(20), 50, seed)]) for seed in (3, 3, 4)]
    assert (draws[0] == draws[1]).all()
    assert (draws[0] != draws[2]).any()


def test_memory_is_bounded() -> None:
    parts = [*patient_weights(np.zeros(1000), 30, seed=0, columns=1_000_000)]
    assert max(len(part) for part in parts) == 8
    assert sum(len(part) for part in parts) == 30


def test_percentiles_of_a_normal() -> None:
    values = norm.ppf((np.arange(1999) + 0.5) / 1999)
    assert percentile(values) == pytest.approx((-1.96, 1.96), abs=0.02)


def test_what_is_mostly_undefined_or_never_varies_has_no_interval() -> None:
    values = np.linspace(0, 1, 100)
    assert percentile(np.where(np.arange(100) < 6, np.nan, values)) is None
    assert percentile(np.where(np.arange(100) < 4, np.nan, values)) is not None
    assert percentile(np.full(100, 0.3)) is None
    assert percentile(np.full(100, np.nan)) is None


def test_an_infinite_limit_is_told_as_none() -> None:
    values = np.append(np.linspace(1, 2, 90), np.full(10, np.inf))
    low, high = percentile(values)
    assert low == pytest.approx(1, abs=0.05)
    assert high is None


def test_noise_is_taken_off_a_mean_of_absolute_differences() -> None:
    """Of 15 true differences of 0.05, seen with noise of 0.08, and resampled with it once more."""
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(200):
        seen = 0.05 + rng.normal(0, 0.08, 15)
        again = np.abs(seen + rng.normal(0, 0.08, (400, 15))).mean(axis=1)
        low, high = mirrored(again, np.abs(seen).mean())
        held += low <= 0.05 <= high
        assert low <= np.abs(seen).mean() <= high
    assert held > 0.9 * 200


def test_log_odds_keep_the_center_and_the_spread() -> None:
    values = np.random.default_rng(0).normal(0.75, 0.04, 5000)  # 0.05 too large
    low, high = on_log_odds(values, 0.7)
    half = 1.96 * 0.04 / (0.7 * 0.3)
    assert logit(low) == pytest.approx(logit(0.7) - half, abs=0.02)
    assert logit(high) == pytest.approx(logit(0.7) + half, abs=0.02)
    assert on_log_odds(np.full(10, 0.4), 0.4) is None
    assert on_log_odds(np.linspace(0.9, 1, 10), 1.0) is None


def test_perfect_resamples_do_not_widen_an_interval_without_bound() -> None:
    values = np.minimum(np.random.default_rng(0).normal(0.985, 0.01, 2000), 1)
    assert (values == 1).mean() > 0.05
    low, high = on_log_odds(values, 0.98)
    assert 0.94 < low < 0.97
    assert 0.985 < high < 1
