import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from fastmed.results.scores.calibration import (
    calibration_intercept,
    calibration_line,
    calibration_slope,
    equal_mass_bins,
    expected_calibration_error,
    logits,
    net_benefit,
    sigmoid,
)


def drawn(n: int, slope: float, shift: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes of true probabilities, and scores of which the log odds are too extreme."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(-0.5, 1.2, n)
    return rng.random(n) < sigmoid(odds), sigmoid((odds - shift) / slope)


def test_line_is_scikit_learns() -> None:
    positive, scores = drawn(400, 0.5, 0.3)
    fit = LogisticRegression(C=np.inf, tol=1e-10).fit(logits(scores)[:, None], positive)
    expected = (float(fit.intercept_[0]), float(fit.coef_[0, 0]))
    assert calibration_line(positive, scores) == pytest.approx(expected, abs=1e-5)


def test_slope_and_intercept_find_what_was_done_to_the_scores() -> None:
    positive, scores = drawn(40_000, 0.5, 0.0)
    assert calibration_slope(positive, scores) == pytest.approx(0.5, abs=0.03)
    positive, scores = drawn(40_000, 1.0, 0.4)
    assert calibration_intercept(positive, scores) == pytest.approx(0.4, abs=0.05)
    assert calibration_slope(positive, scores) == pytest.approx(1, abs=0.05)


def test_intercept_makes_the_mean_right() -> None:
    positive, scores = drawn(300, 0.7, 0.5)
    shift = calibration_intercept(positive, scores)
    assert sigmoid(logits(scores) + shift).mean() == pytest.approx(positive.mean())


def test_a_fit_without_end_is_none() -> None:
    positive = np.array([False, False, True, True])
    assert calibration_slope(positive, np.array([0.1, 0.2, 0.8, 0.9])) is None
    assert (
        calibration_slope(positive, np.array([0.1, 0.5, 0.5, 0.9])) is None
    )  # parted but for a tie
    assert calibration_slope(positive, np.full(4, 0.3)) is None
    assert calibration_slope(np.ones(4, bool), np.array([0.1, 0.2, 0.8, 0.9])) is None
    assert calibration_intercept(np.zeros(4, bool), np.full(4, 0.3)) is None


def test_bins_are_of_equal_mass_and_keep_ties_together() -> None:
    scores = np.random.default_rng(0).permutation(np.linspace(0, 1, 150))
    assert (np.bincount(equal_mass_bins(scores, 15)) == 10).all()
    tied = np.repeat([0.1, 0.4, 0.9], [50, 3, 47])
    places = equal_mass_bins(tied, 15)
    assert all(len(set(places[tied == score])) == 1 for score in (0.1, 0.4, 0.9))


def test_ece_counted_by_hand() -> None:
    # Two bins of two: mean 0.15 and no case; mean 0.7 and one of two.
    scores, positive = np.array([0.1, 0.2, 0.6, 0.8]), np.array([False, False, True, False])
    assert expected_calibration_error(positive, scores, 2) == pytest.approx((0.15 + 0.2) / 2)
    assert expected_calibration_error(positive, positive.astype(float)) == 0


def test_net_benefit_counted_by_hand() -> None:
    # At 0.2 a false alarm weighs a quarter of a case: 3 found, 2 alarms among 10; 4 are ill.
    scores = np.array([0.9, 0.5, 0.2, 0.1, 0.3, 0.2, 0.1, 0.1, 0.0, 0.0])
    positive = np.arange(10) < 4
    found = net_benefit(positive, scores, 0.2)
    assert found.model == pytest.approx(0.3 - 0.25 * 0.2)
    assert found.treat_all == pytest.approx(0.4 - 0.25 * 0.6)
