"""Calibration against grids, scikit-learn and hand-made distributions."""

import numpy as np
import pandas as pd
import pytest
from conftest import tiny_task
from scipy.special import softmax
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedGroupKFold

from fastmed.data.balance import class_shares, class_weights
from fastmed.data.tables import items_table
from fastmed.errors import DataError, TaskError
from fastmed.grades import fit_cut_points, round_points, to_grades
from fastmed.results.calibration.prevalence import read_prevalence
from fastmed.results.calibration.probabilities import (
    TEMPERATURES,
    Calibration,
    Shares,
    cross_fitted,
    fit_calibration,
    fit_temperature,
    logits_of,
    uncalibrated,
)
from fastmed.settings.data import BalanceSettings

EVEN = Shares(np.full(3, 1 / 3), np.full(3, 1 / 3))


def made_scores(n, seed, temperature=1.0, classes=3):
    """Scores of a network that is too sure by a temperature, and classes drawn by the truth."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (n, classes))
    chance = softmax(logits, axis=1)
    true = (rng.random((n, 1)) > chance.cumsum(axis=1)).sum(axis=1)
    return softmax(logits * temperature, axis=1), true


def surprise(scores, true, temperature, weights=None):
    chance = softmax(logits_of(scores, weights) / temperature, axis=1)
    return -np.log(chance[np.arange(len(true)), true]).mean()


def test_temperature_is_the_likeliest_of_a_grid():
    scores, true = made_scores(200, 0, 2.5)
    weights = np.array([1.0, 3.0, 0.4])
    for given in (None, weights):
        found = fit_temperature(scores, true, given)
        grid = np.geomspace(*TEMPERATURES, 4000)
        least = min(surprise(scores, true, one, given) for one in grid)
        assert surprise(scores, true, found, given) <= least + 1e-12


def test_temperature_that_made_the_scores_is_recovered():
    scores, true = made_scores(40_000, 1, 2.5)
    assert fit_temperature(scores, true) == pytest.approx(2.5, rel=0.03)


def test_temperature_is_that_of_scikit_learn():
    rng = np.random.default_rng(3)
    true = rng.integers(0, 3, 300)
    seen = rng.normal(0, 1, (300, 4)) + true[:, None]
    model = LogisticRegression(C=100).fit(seen[:60], true[:60])
    theirs = CalibratedClassifierCV(FrozenEstimator(model), method="temperature", ensemble=False)
    theirs.fit(seen[60:], true[60:])
    scores = model.predict_proba(seen[60:])
    found = Calibration(fit_temperature(scores, true[60:]))
    expected = theirs.predict_proba(seen[60:])
    np.testing.assert_allclose(found.probabilities(scores), expected, atol=1e-4)


def test_temperature_has_bounds_and_needs_labels_and_numbers():
    sure = np.array([[0.6, 0.4], [0.4, 0.6]] * 5)
    assert fit_temperature(sure, np.array([0, 1] * 5)) == pytest.approx(TEMPERATURES[0], rel=1e-3)
    assert fit_temperature(sure, np.array([1, 0] * 5)) == pytest.approx(TEMPERATURES[1], rel=1e-3)
    assert fit_temperature(sure, np.full(10, -1)) == 1
    with pytest.raises(DataError, match="1 of 2 predictions are not finite numbers"):
        fit_temperature(np.array([[np.nan, 1], [0, 1]]), np.array([0, 1]))


def test_what_balancing_did_to_probabilities_is_taken_back():
    """By Bayes' rule on two normal distributions, whose posterior is known in closed form."""
    rng = np.random.default_rng(5)
    rare = 0.05
    seen = rng.normal(np.where(rng.random(50) < 0.5, 1.5, 0), 1)
    odds_balanced = np.exp(1.5 * seen - 1.5**2 / 2)
    balanced = np.stack([1 / (1 + odds_balanced), odds_balanced / (1 + odds_balanced)], axis=1)
    natural = odds_balanced * rare / (1 - rare)
    shares = Shares(np.array([1 - rare, rare]), np.array([0.5, 0.5]))
    found = Calibration(weights=shares.weights).probabilities(balanced)
    np.testing.assert_allclose(found[:, 1], natural / (1 + natural), rtol=1e-9)
    # From there to a place where the class is as common as in the balanced training.
    there = Calibration(weights=shares.weights, shares=shares.natural)
    np.testing.assert_allclose(
        there.at_prevalence(np.array([0.5, 0.5])).probabilities(balanced), balanced, rtol=1e-9
    )
    # The class that weighs more in training is decided where the network says so.
    np.testing.assert_array_equal(there.decisions(balanced), balanced.argmax(axis=1))


def test_a_prevalence_shifts_decisions_as_it_does_probabilities():
    scores, _ = made_scores(200, 7)
    calibration = Calibration(1.7, shares=np.array([0.2, 0.3, 0.5]))
    moved = calibration.at_prevalence(np.array([0.6, 0.3, 0.1]))
    chances = calibration.probabilities(scores) * np.array([3, 1, 0.2])
    expected = chances / chances.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(moved.probabilities(scores), expected)
    np.testing.assert_array_equal(moved.decisions(scores), expected.argmax(axis=1))
    assert (moved.decisions(scores) != scores.argmax(axis=1)).any()
    with pytest.raises(DataError, match="isn't known what class shares"):
        Calibration().at_prevalence(np.full(3, 1 / 3))


def test_a_temperature_changes_no_decision_and_no_rank():
    scores, true = made_scores(100, 8, 3)
    fitted = fit_calibration(tiny_task("lungs"), scores, true, EVEN)
    assert fitted.temperature > 2
    found = fitted.probabilities(scores)
    np.testing.assert_array_equal(found.argmax(axis=1), scores.argmax(axis=1))
    np.testing.assert_array_equal(fitted.decisions(scores), scores.argmax(axis=1))
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert surprise(found, true, 1) < surprise(scores, true, 1)


def test_uncalibrated_scores_are_those_of_the_network():
    scores, true = made_scores(50, 9)
    bare = uncalibrated(tiny_task("lungs"), scores, true, EVEN)
    np.testing.assert_array_equal(bare.probabilities(scores), scores)
    off = tiny_task("lungs", predict__calibrate=False)
    np.testing.assert_array_equal(
        fit_calibration(off, scores, true, EVEN).probabilities(scores), scores
    )


def test_validation_scores_come_from_other_patients():
    scores, true = made_scores(120, 10, 2)
    groups, task = np.arange(120) // 2, tiny_task("lungs")
    before = scores.copy()
    found, decided = cross_fitted(task, scores, true, groups, EVEN)
    np.testing.assert_array_equal(scores, before)
    np.testing.assert_array_equal(decided, scores.argmax(axis=1))
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=42).split(true, true, groups)
    for rest, fold in folds:
        temperature = fit_temperature(scores[rest], true[rest])
        expected = softmax(np.log(scores[fold]) / temperature, axis=1)
        np.testing.assert_allclose(found[fold], expected)


def balanced_items(**counts):
    """Items with so many training images of each class, one of which in five is an extra one."""
    rows = [
        {"item": f"{name}{n}", "image": f"{name}{n}", "target": name, "split": "train",
         "origin": "extra" if n % 5 == 4 else "main"}
        for name, count in counts.items() for n in range(count)
    ]  # fmt: skip
    return items_table(pd.DataFrame(rows), ".")


def test_shares_of_balanced_trainings():
    items, classes = balanced_items(a=50, b=30, c=20), ("a", "b", "c")
    natural, trained = class_shares(items, BalanceSettings(), classes)
    np.testing.assert_allclose([natural, trained], [[0.5, 0.3, 0.2]] * 2)
    natural, trained = class_shares(items, BalanceSettings(method="sampler"), classes)
    np.testing.assert_allclose(natural, np.array([40, 24, 16]) / 80)
    np.testing.assert_allclose(trained, 1 / 3)
    weighted = BalanceSettings(method="class_weights", beta=0.9)
    _, trained = class_shares(items, weighted, classes)
    met = np.array([50, 30, 20]) * class_weights(items, classes, 0.9)
    np.testing.assert_allclose(trained, met / met.sum())


def test_shares_of_a_training_that_was_cut_to_a_number_of_each_class():
    from fastmed.data.balance import balance_items

    settings = BalanceSettings(method="per_class", count=25, repeat=True)
    items = balance_items(balanced_items(a=50, b=30, c=20), settings, ("a", "b", "c"))
    natural, trained = class_shares(items, settings, ("a", "b", "c"))
    np.testing.assert_allclose(natural, np.array([40, 24, 16]) / 80)
    np.testing.assert_allclose(trained, 1 / 3)
    np.testing.assert_allclose(Shares(natural, trained).weights, (1 / 3) / natural)


def test_prevalence_is_told_by_class():
    classes, shares = ("no", "a, b", "yes=x"), np.array([0.5, 0.3, 0.2])
    np.testing.assert_allclose(read_prevalence("yes=x=0.1", classes, shares), [0.5625, 0.3375, 0.1])
    found = read_prevalence("a, b=0.25, yes=x=0.05,no=0.7", classes, shares)
    np.testing.assert_allclose(found, [0.7, 0.25, 0.05])
    np.testing.assert_allclose(read_prevalence({"no": 0.9}, classes, shares)[0], 0.9)
    for told, sentence in {
        "maybe=0.1": "no class 'maybe'; there are",
        "NO=0.1": "no class 'NO'; did you mean 'no'\\?",
        "no=1.5": "are none: each is between 0 and 1",
        "no=0.5,a, b=0.3,yes=x=0.3": "sum to 1",
        "no=0.1,no=0.2": "stands twice",
        "no": "no list of class shares",
    }.items():
        with pytest.raises(DataError, match=sentence):
            read_prevalence(told, classes, shares)
    with pytest.raises(DataError, match="no class 'maybe'"):
        read_prevalence({"maybe": 0.1}, classes, shares)


@pytest.mark.parametrize(
    ("task", "changes", "sentence"),
    [
        ("lungs", {"predict__prior": "balanced"}, "no effect with balance.method = 'none'"),
        ("lungs", {"predict__positive": "Covid"}, "'Covid' is none of the classes"),
        ("retinopathy", {"predict__positive": "Mild"}, "interest is scores.referable"),
        ("retinopathy", {"predict__calibrate": False}, "there are no probabilities before"),
        ("retinopathy", {"predict__prior": "natural"}, "no effect with the loss smooth_l1"),
    ],
)
def test_settings_without_effect_are_refused(task, changes, sentence):
    with pytest.raises(TaskError, match=sentence):
        tiny_task(task, **changes)


# Grades


def macro_f1(true, predicted, classes):
    seen = sorted(set(true) | set(predicted))
    return f1_score(true, predicted, labels=seen, average="macro", zero_division=0)


def made_values(n, seed, classes=5, noise=0.35):
    """Values of a network that shrinks towards the common grades, as regression does."""
    rng = np.random.default_rng(seed)
    share = np.array([0.7, 0.1, 0.12, 0.05, 0.03])[:classes]
    grades = rng.choice(classes, n, p=share / share.sum())
    return 0.7 * grades + 0.3 + rng.normal(0, noise, n), grades


def cross_fitted_grades(values, grades, groups, classes, goal, *, seed):
    names = [f"grade {n}" for n in range(classes)]
    changes = {"classes": names, "predict__cut_points": goal, "split__seed": seed}
    shares = Shares(np.full(classes, 1 / classes), np.full(classes, 1 / classes))
    task = tiny_task("retinopathy", **changes)
    return cross_fitted(task, values, grades, groups, shares)[1]


def test_cross_fitted_grades_of_a_patient_come_from_the_others():
    rng = np.random.default_rng(5)
    own_cut = {"a": 0.3, "b": 1.2}
    groups = np.repeat(["a", "b"], 40)
    values = np.tile(np.linspace(-0.5, 2, 40), 2)
    grades = (values > np.array([own_cut[group] for group in groups])).astype(int)
    order = rng.permutation(80)
    values, grades, groups = values[order], grades[order], groups[order]
    found = cross_fitted_grades(values, grades, groups, 2, "kappa", seed=1)
    expected = np.where(groups == "a", values > own_cut["b"], values > own_cut["a"])
    np.testing.assert_array_equal(found, expected)


def test_cross_fitted_grades_match_a_fit_on_each_fold():
    values, grades = made_values(300, seed=6, classes=4)
    groups = np.arange(300) // 3
    found = cross_fitted_grades(values, grades, groups, 4, "macro_f1", seed=11)
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=11).split(grades, grades, groups)
    for rest, fold in folds:
        assert not set(groups[rest]) & set(groups[fold])
        points = fit_cut_points(values[rest], grades[rest], 4, "macro_f1")
        np.testing.assert_array_equal(found[fold], to_grades(values[fold], points))


def test_cross_fitted_grades_are_humbler_than_fitted_ones():
    better = []
    for seed in range(10):
        values, grades = made_values(60, seed, noise=0.6)
        fitted = to_grades(values, fit_cut_points(values, grades, 5, "macro_f1"))
        honest = cross_fitted_grades(values, grades, np.arange(60), 5, "macro_f1", seed=0)
        better.append(macro_f1(grades, fitted, 5) - macro_f1(grades, honest, 5))
    assert np.mean(better) > 0.03


def test_one_patient_is_rounded():
    values, grades = made_values(30, seed=7)
    found = cross_fitted_grades(values, grades, np.zeros(30), 5, "kappa", seed=0)
    np.testing.assert_array_equal(found, to_grades(values, round_points(5)))


def test_unlabelled_rows_are_graded_by_all_labelled_ones():
    values, grades = made_values(100, seed=9)
    grades[:10] = -1
    found = cross_fitted_grades(values, grades, np.arange(100), 5, "kappa", seed=0)
    points = fit_cut_points(values, grades, 5, "kappa")
    np.testing.assert_array_equal(found[:10], to_grades(values[:10], points))


@pytest.mark.parametrize("grades", [[0], [0, 1], [0, 1, 2], [-1, -1], []])
def test_cross_fitting_of_few_rows(grades):
    values = np.array(grades, dtype=float)
    groups = np.arange(len(grades))
    found = cross_fitted_grades(values, np.array(grades, dtype=int), groups, 3, "kappa", seed=0)
    np.testing.assert_array_equal(found, to_grades(values, round_points(3)))
