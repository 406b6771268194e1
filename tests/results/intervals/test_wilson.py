import numpy as np
import pytest
from scipy.stats import binomtest

from fastmed.results.intervals.wilson import perfect_limit, wilson, wilson_of_patients


@pytest.mark.parametrize(
    "successes, trials, low, high",
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)  # fmt: skip
def test_newcombes_examples(successes: int, trials: int, low: float, high: float) -> None:
    """Table I of Newcombe, Statistics in Medicine 1998, score method without correction."""
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


def test_intervals_are_scipys() -> None:
    for trials in (1, 2, 7, 300):
        for successes in {0, 1, trials // 2, trials}:
            expected = binomtest(successes, trials).proportion_ci(method="wilson")
            assert wilson(successes, trials) == pytest.approx((expected.low, expected.high))


def test_a_perfect_share_has_an_interval() -> None:
    low, high = wilson(10, 10)
    assert 0.7 < low < 0.8
    assert high == 1


def test_limit_of_a_perfect_score_is_exact() -> None:
    expected = binomtest(20, 20).proportion_ci(method="exact").low
    assert perfect_limit(20) == pytest.approx(expected)
    assert perfect_limit(20, among=4) < perfect_limit(20)


def test_one_image_each_is_wilson() -> None:
    success = np.arange(50) < 30
    found = wilson_of_patients(success, np.arange(50))
    # The variance between patients has n - 1 below it.
    assert found == pytest.approx(wilson(30, 50), abs=0.005)


def test_images_of_a_patient_that_agree_count_as_one() -> None:
    success, patients = np.repeat(np.arange(40) < 25, 5), np.repeat(np.arange(40), 5)
    assert wilson_of_patients(success, patients) == pytest.approx(wilson(25, 40), abs=0.006)
    every = np.ones(200, dtype=bool)
    assert wilson_of_patients(every, patients) == pytest.approx(wilson(40, 40))
