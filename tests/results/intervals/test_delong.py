"""DeLong's method, beside pROC's own example.

The data are those of pROC's ``aSAH`` (Turck et al., Intensive Care Medicine 2010): 41 patients with
a poor outcome and 72 others. DeLong's method sees only the order of the scores. So the WFNS grades
stand here as they are, and S100 beta and NDKA as ranks, which were taken from the placements that
pROC's tests publish.
"""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from fastmed.results.intervals.delong import area_interval, delong, paired_test

CASES = {
    "wfns": ("3 2 4 5 5 5 5 2 5 2 1 2 5 4 4 2 5 5 5 2 5 2 5 2 4 5 4 4 1 4 4 2 2 5 5 2 2 5 5 5 5 "),
    "s100b": (
        "9 6 12 8 26 31 29 3 20 5 3 24 22 28 31 16 31 31 31 3 31 18 1 5 14 31 16 31 4 16 9 6 7 14 "
        "31 10 31 19 31 31 26 "
    ),
    "ndka": (
        "38 25 29 36 4 10 19 44 48 44 44 15 33 40 6 8 31 2 52 40 17 19 23 31 42 27 40 8 50 35 4 "
        "13 40 4 12 44 21 33 46 19 36 "
    ),
}
OTHERS = {
    "wfns": (
        "1 1 1 1 5 1 2 2 1 2 2 1 1 1 2 1 2 1 1 3 4 1 4 1 5 5 1 1 2 4 1 1 2 2 1 2 1 2 2 1 1 1 1 2 "
        "1 2 1 1 3 2 4 2 1 4 1 1 5 4 2 2 1 1 1 3 1 2 2 4 4 1 1 1 "
    ),
    "s100b": (
        "9 10 6 2 27 13 6 6 2 4 2 5 7 3 13 3 7 9 13 2 12 10 21 5 30 27 12 3 25 27 7 4 5 4 2 9 6 "
        "10 11 2 2 5 2 5 4 12 5 4 20 7 17 3 6 19 3 2 15 23 6 11 4 10 6 3 2 13 11 27 13 11 30 28 "
    ),
    "ndka": (
        "1 9 7 18 5 35 5 39 30 39 37 47 11 5 24 5 5 51 26 14 14 39 3 7 5 13 28 7 34 45 7 5 24 11 "
        "7 28 43 41 16 22 49 5 37 14 18 18 34 3 37 24 11 18 39 18 22 7 14 18 43 9 24 27 45 20 24 "
        "11 43 16 32 41 5 30 "
    ),
}

POOR = np.repeat([True, False], [41, 72])


def scores_of(name: str) -> np.ndarray:
    return np.array((CASES[name] + OTHERS[name]).split(), dtype=float)


def placements(positive: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every case against every other, as the definition says."""
    cases, others = scores[positive][:, None], scores[~positive][None, :]
    won = (cases > others) + 0.5 * (cases == others)
    return won.mean(axis=1), won.mean(axis=0)


def test_areas_of_procs_example() -> None:
    found = delong(POOR, np.stack([scores_of(name) for name in CASES])).values
    assert found == pytest.approx([0.823678861788618, 0.731368563685637, 0.611957994579946])


def test_interval_of_procs_example() -> None:
    found = area_interval(POOR, scores_of("ndka"))
    assert found == pytest.approx((0.501244999271703, 0.722670989888189), abs=1e-9)


def test_paired_test_of_procs_example() -> None:
    found = paired_test(POOR, scores_of("wfns"), scores_of("s100b"))
    assert found.z == pytest.approx(2.20898359144091, abs=1e-9)
    assert found.p == pytest.approx(0.0271757822291882, abs=1e-9)
    assert found.low == pytest.approx(0.0104061769564846, abs=1e-9)
    assert found.high == pytest.approx(0.174214419249478, abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_midranks_are_the_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    positive = rng.random(60) < 0.4
    scores = rng.integers(0, 12, (3, 60)) + positive  # many ties
    found = delong(positive, scores)
    every = [placements(positive, one) for one in scores]
    cases, others = np.cov([one for one, _ in every]), np.cov([one for _, one in every])
    expected = cases / positive.sum() + others / (~positive).sum()
    np.testing.assert_allclose(found.covariance, expected, atol=1e-12)
    np.testing.assert_allclose(found.values, [roc_auc_score(positive, one) for one in scores])


def test_what_does_not_vary_has_no_interval() -> None:
    positive = np.array([True, True, False, False])
    assert area_interval(positive, np.array([4.0, 3, 2, 1])) is None
    assert area_interval(np.array([True, False, False]), np.array([2.0, 1, 3])) is None
    assert paired_test(positive, np.arange(4.0), np.arange(4.0) * 2) is None
