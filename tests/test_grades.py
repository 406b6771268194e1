import itertools

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import cohen_kappa_score, f1_score

from fastmed.errors import DataError
from fastmed.grades import (
    SCALES,
    fit_cut_points,
    fit_scale,
    grade_scores,
    round_points,
    to_grades,
)


def kappa(true, predicted, classes):
    return cohen_kappa_score(true, predicted, labels=range(classes), weights="quadratic")


def macro_f1(true, predicted, classes):
    seen = sorted(set(true) | set(predicted))
    return f1_score(true, predicted, labels=seen, average="macro", zero_division=0)


MEASURES = {"kappa": kappa, "macro_f1": macro_f1}


def made_values(n, seed, classes=5, noise=0.35):
    """Values of a network that shrinks towards the common grades, as regression does."""
    rng = np.random.default_rng(seed)
    share = np.array([0.7, 0.1, 0.12, 0.05, 0.03])[:classes]
    grades = rng.choice(classes, n, p=share / share.sum())
    return 0.7 * grades + 0.3 + rng.normal(0, noise, n), grades


def best_of_all_cuts(measure, values, grades, classes):
    """Try every way to cut the values."""
    distinct = np.unique(values)
    middles = (distinct[1:] + distinct[:-1]) / 2
    places = np.concatenate([[distinct[0] - 1], middles, [distinct[-1] + 1]])
    return max(
        measure(grades, np.searchsorted(cuts, values, side="right"), classes)
        for cuts in itertools.combinations_with_replacement(places, classes - 1)
    )


def test_rounding():
    np.testing.assert_array_equal(round_points(4), [0.5, 1.5, 2.5])
    values = np.array([-3.0, 0.49, 0.5, 1.49, 1.5, 2.4, 9.0])
    np.testing.assert_array_equal(to_grades(values, round_points(4)), [0, 0, 1, 1, 2, 2, 3])


def test_values_that_are_no_numbers_are_refused():
    with pytest.raises(DataError, match="1 of 3 predicted values are not finite"):
        to_grades(np.array([0.1, np.nan, 2.0]), round_points(3))
    with pytest.raises(DataError, match="not finite"):
        fit_cut_points(np.array([0.1, np.inf]), np.array([0, 1]), 2, "kappa")


@pytest.mark.parametrize("goal", ["kappa", "macro_f1"])
@pytest.mark.parametrize("seed", range(12))
def test_no_cut_points_are_better(goal, seed):
    rng = np.random.default_rng(seed)
    classes = 3 + seed % 2
    grades = np.concatenate([[0, classes - 1], rng.integers(0, classes, 7 - classes)])
    values = np.round(0.6 * grades + rng.normal(0, 0.7, len(grades)), 1)
    measure = MEASURES[goal]
    points = fit_cut_points(values, grades, classes, goal)
    found = measure(grades, to_grades(values, points), classes)
    assert found == pytest.approx(best_of_all_cuts(measure, values, grades, classes), abs=1e-9)


@pytest.mark.parametrize("goal", ["kappa", "macro_f1"])
def test_planted_cut_points_are_recovered(goal):
    planted = np.array([0.8, 1.3, 2.9])
    values = np.random.default_rng(3).uniform(-0.5, 4, 4000)
    grades = np.searchsorted(planted, values)
    points = fit_cut_points(values, grades, 4, goal)
    np.testing.assert_allclose(points, planted, atol=0.01)
    few = slice(0, 200)
    points = fit_cut_points(values[few], grades[few], 4, goal)
    np.testing.assert_array_equal(to_grades(values[few], points), grades[few])


@pytest.mark.parametrize("goal", ["kappa", "macro_f1"])
@pytest.mark.parametrize("n", [6, 60, 3000])
def test_never_worse_than_rounding_and_ascending(goal, n):
    for seed in range(8):
        values, grades = made_values(n, seed)
        points = fit_cut_points(values, grades, 5, goal)
        assert points.shape == (4,)
        assert (np.diff(points) > 0).all()
        fitted, rounded = to_grades(values, points), to_grades(values, round_points(5))
        measure = MEASURES[goal]
        if len(np.unique(grades)) > 1:
            assert measure(grades, fitted, 5) >= measure(grades, rounded, 5) - 1e-12


def test_fitting_helps_where_rounding_is_wrong():
    values, grades = made_values(2000, seed=1)
    for goal, measure in MEASURES.items():
        fitted = to_grades(values, fit_cut_points(values, grades, 5, goal))
        gain = measure(grades, fitted, 5) - measure(grades, to_grades(values, round_points(5)), 5)
        assert gain > 0.05


def test_cut_stands_in_the_middle_of_its_gap():
    values, grades = np.array([-0.1, 0.0, 0.2, 0.3]), np.array([0, 0, 1, 1])
    np.testing.assert_allclose(fit_cut_points(values, grades, 2, "kappa"), [0.1])


def test_cut_stands_in_the_middle_of_equally_good_places():
    # Half of each grade: a cut at 1.1, 1.3 or 1.5 grades six of eight right, kappa is 0.5.
    values = np.array([1.0, 1.0, 1.2, 1.2, 1.4, 1.4, 1.6, 1.6])
    grades = np.array([0, 0, 0, 1, 0, 1, 1, 1])
    for cut in (1.1, 1.3, 1.5):
        assert kappa(grades, (values > cut).astype(int), 2) == pytest.approx(0.5)
    np.testing.assert_allclose(fit_cut_points(values, grades, 2, "kappa"), [1.3])


def test_rounding_stays_where_nothing_is_better():
    values, grades = np.array([0.1, 0.2, 0.9, 1.2, 2.2]), np.array([0, 0, 1, 1, 2])
    np.testing.assert_array_equal(fit_cut_points(values, grades, 3, "kappa"), round_points(3))


@pytest.mark.parametrize("goal", ["kappa", "macro_f1"])
def test_missing_grades(goal):
    values = np.array([0.0, 0.3, 1.6, 1.7, 2.4, 4.0, 4.1, 0.6])
    grades = np.array([0, 0, 2, 2, 2, 4, 4, 0])
    points = fit_cut_points(values, grades, 6, goal)
    np.testing.assert_array_equal(to_grades(values, points), grades)
    assert (np.diff(points) > 0).all()
    assert 0.6 < points[0] < points[1] <= 1.6
    assert 2.4 < points[2] < points[3] <= 4.0
    assert points[4] > 4.1


@pytest.mark.parametrize("goal", ["kappa", "macro_f1"])
def test_constants_and_nothing_to_learn_from(goal):
    same = np.full(6, 1.3)
    points = fit_cut_points(same, np.array([0, 1, 1, 1, 2, 2]), 3, goal)
    assert (np.diff(points) > 0).all()
    for grades in ([2, 2, 2], [-1, -1, -1], [-1, 2, 2]):
        points = fit_cut_points(np.array([0.1, 0.2, 3.0]), np.array(grades), 4, goal)
        np.testing.assert_array_equal(points, round_points(4))
    empty = fit_cut_points(np.array([]), np.array([], dtype=int), 4, goal)
    np.testing.assert_array_equal(empty, round_points(4))


def test_constant_values_get_the_commonest_grade_for_macro_f1():
    same, grades = np.full(6, 0.2), np.array([0, 1, 1, 1, 2, 2])
    points = fit_cut_points(same, grades, 3, "macro_f1")
    np.testing.assert_array_equal(to_grades(same, points), np.ones(6))


def test_round_fits_nothing():
    values, grades = made_values(100, seed=0)
    np.testing.assert_array_equal(fit_cut_points(values, grades, 5, "round"), round_points(5))


@pytest.mark.parametrize("goal", ["kappa", "macro_f1"])
def test_order_of_rows_and_unlabelled_rows_change_nothing(goal):
    values, grades = made_values(500, seed=4)
    order = np.random.default_rng(0).permutation(500)
    points = fit_cut_points(values, grades, 5, goal)
    np.testing.assert_array_equal(fit_cut_points(values[order], grades[order], 5, goal), points)
    more_values = np.concatenate([values, [0.77, 3.3]])
    more_grades = np.concatenate([grades, [-1, -1]])
    np.testing.assert_array_equal(fit_cut_points(more_values, more_grades, 5, goal), points)


def test_grade_scores_are_proportional_odds():
    points, scale = np.array([0.4, 1.7, 2.5]), 0.3
    values = np.linspace(-1, 4, 41)
    below = expit((points - values[:, None]) / scale)
    expected = np.diff(below, axis=1, prepend=0, append=1)
    scores = grade_scores(values, points, scale)
    assert scores.shape == (41, 4)
    np.testing.assert_allclose(scores, expected, atol=1e-12)
    np.testing.assert_allclose(scores.sum(axis=1), 1)


def test_grade_scores_keep_their_digits_far_out():
    scores = grade_scores(np.array([-20.0, 20.0]), np.array([0.0, 1.0]), 0.5)
    # sigmoid(-38) - sigmoid(-40) and its mirror image: a plain difference gives 0 on one side.
    small = np.exp(-38.0) - np.exp(-40.0)
    assert scores[1, 1] == pytest.approx(small, rel=1e-9)
    assert scores[0, 1] == pytest.approx(np.exp(-40.0) - np.exp(-42.0), rel=1e-9)
    assert scores[1, 2] == pytest.approx(1)


def test_scale_recovers_the_one_that_made_the_grades():
    rng = np.random.default_rng(8)
    points, scale = np.array([0.6, 1.4, 2.8]), 0.4
    values = rng.uniform(-0.5, 4, 20000)
    grades = np.searchsorted(points, values + scale * rng.logistic(size=len(values)))
    assert fit_scale(values, grades, points) == pytest.approx(scale, rel=0.03)


def test_scale_is_the_most_likely_of_a_grid():
    values, grades = made_values(300, seed=2)
    points = fit_cut_points(values, grades, 5, "kappa")

    def surprise(scale):
        return -np.log(grade_scores(values, points, scale)[np.arange(300), grades]).mean()

    found = fit_scale(values, grades, points)
    assert surprise(found) <= min(map(surprise, np.geomspace(*SCALES, 400))) + 1e-9


def test_scale_stays_within_bounds():
    points = np.array([0.5])
    separated = fit_scale(np.array([0.3, 0.4, 0.6]), np.array([0, 0, 1]), points)
    assert separated == pytest.approx(SCALES[0], rel=0.01)
    inverted = fit_scale(np.array([-3.0, -2.0, 3.0]), np.array([1, 1, 0]), points)
    assert inverted == pytest.approx(SCALES[1], rel=0.01)
    assert fit_scale(np.array([1.0]), np.array([-1]), points) == 1
