"""Thresholds against scikit-learn's ROC curve, scipy's intervals, tries of all, and simulation."""

import numpy as np
import pytest
from conftest import tiny_task
from scipy.stats import binomtest
from sklearn.metrics import roc_curve

from fastmed.errors import DataError
from fastmed.results.deciding.operating_points import (
    OperatingPoint,
    Rule,
    candidates,
    class_of_interest,
    default_rules,
    fit_point,
    is_positive,
    judge_point,
    lower_bound,
    point_of_info,
    read_rule,
    score_of,
)


def made(n=200, seed=0, share=0.3):
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < share
    scores = 1 / (1 + np.exp(-rng.normal(np.where(positive, 1.2, -1.2), 1.2)))
    return scores.round(2), positive


def rule(kind, target=0.0, costs=(1.0, 1.0)):
    return Rule("true", kind, target, costs)


def counts(scores, positive, threshold):
    flagged = scores >= threshold
    return (flagged & positive).sum(), (~flagged & ~positive).sum()


def test_bound_is_that_of_clopper_and_pearson():
    for hits, count in ((0, 7), (3, 7), (7, 7), (95, 100), (1, 1)):
        exact = binomtest(hits, count, alternative="greater").proportion_ci(0.95, "exact").low
        assert lower_bound(hits, count) == pytest.approx(exact, abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_sensitivity_takes_the_highest_threshold_whose_bound_reaches_it(seed):
    scores, positive = made(400, seed)
    point = fit_point(rule("sensitivity", 0.8), scores, positive)
    cases = positive.sum()
    found, cleared = counts(scores, positive, point.threshold)
    assert (point.found, point.cleared) == (found, cleared)
    assert (point.positives, point.negatives) == (cases, (~positive).sum())
    assert lower_bound(found, cases) >= 0.8
    higher = [one for one in candidates(scores) if one > point.threshold]
    assert all(lower_bound(counts(scores, positive, one)[0], cases) < 0.8 for one in higher)
    assert point.as_info()["sensitivity_bound"] == pytest.approx(lower_bound(found, cases))


def test_specificity_takes_the_lowest_threshold_whose_bound_reaches_it():
    scores, positive = made(400, 5)
    point = fit_point(rule("specificity", 0.9), scores, positive)
    others = (~positive).sum()
    assert lower_bound(point.cleared, others) >= 0.9
    lower = [one for one in candidates(scores) if one < point.threshold]
    assert all(lower_bound(counts(scores, positive, one)[1], others) < 0.9 for one in lower)


@pytest.mark.parametrize("seed", range(5))
def test_youden_is_that_of_the_roc_curve(seed):
    scores, positive = made(150, seed)
    point = fit_point(rule("youden"), scores, positive)
    false_alarms, found, _ = roc_curve(positive, scores, drop_intermediate=False)
    best = (found - false_alarms).max()
    assert point.sensitivity + point.specificity - 1 == pytest.approx(best)


@pytest.mark.parametrize("costs", [(1.0, 1.0), (10.0, 1.0), (1.0, 4.0)])
def test_no_threshold_costs_less(costs):
    scores, positive = made(150, 8)
    point = fit_point(rule("cost", costs=costs), scores, positive)

    def cost(threshold):
        found, cleared = counts(scores, positive, threshold)
        return costs[0] * (positive.sum() - found) + costs[1] * ((~positive).sum() - cleared)

    assert cost(point.threshold) == min(map(cost, candidates(scores)))


def test_costs_heed_how_common_cases_are():
    scores, positive = made(400, 8)
    rare = fit_point(rule("cost"), scores, positive, (0.02 / 0.3, 0.98 / 0.7))
    assert rare.threshold > fit_point(rule("cost"), scores, positive).threshold


def test_by_hand():
    scores = np.array([0.9, 0.8, 0.6, 0.4, 0.3, 0.1])
    positive = np.array([True, True, False, True, False, False])
    point = fit_point(rule("youden"), scores, positive)
    # At 0.7: 2 of 3 and 3 of 3; at 0.35: 3 of 3 and 2 of 3. The more sensitive one is taken.
    assert point == OperatingPoint(rule("youden"), pytest.approx(0.35), 3, 3, 2, 3)
    again = judge_point(point, np.array([0.35, 0.34]), np.array([False, True]))
    assert (again.found, again.positives, again.cleared, again.negatives) == (0, 1, 0, 1)


def test_promised_sensitivity_is_kept_95_times_of_100():
    """Cases are normal, so a threshold's true sensitivity is known."""
    from scipy.stats import norm

    rng, kept, runs = np.random.default_rng(1), 0, 1000
    for _ in range(runs):
        raw = np.concatenate([rng.normal(1.5, 1, 100), rng.normal(0, 1, 100)])
        point = fit_point(rule("sensitivity", 0.9), norm.cdf(raw), np.arange(200) < 100)
        kept += norm.sf(norm.ppf(point.threshold), 1.5) >= 0.9
    assert 0.93 <= kept / runs <= 0.985


def test_what_can_not_be_reached_is_one_sentence():
    scores, positive = np.linspace(0, 1, 60), np.arange(60) >= 40
    with pytest.raises(DataError, match=r"by 20 cases .* bound is 0.861; .* on 59 or more"):
        fit_point(rule("sensitivity", 0.95), scores, positive)
    with pytest.raises(DataError, match=r"by 40 others .* bound is 0.928; .* 59 or more"):
        fit_point(rule("specificity", 0.95), scores, positive)
    with pytest.raises(DataError, match="highest threshold clears 0 of 40 others"):
        fit_point(rule("specificity", 0.5), np.full(60, 0.5), positive)
    with pytest.raises(DataError, match="no case of 'true'"):
        fit_point(rule("youden"), scores, np.zeros(60, dtype=bool))
    with pytest.raises(DataError, match="no image without 'true'"):
        fit_point(rule("youden"), scores, np.ones(60, dtype=bool))


def test_rules_are_read_for_the_class_of_interest():
    two, three = tiny_task("cardiomegaly"), tiny_task("lungs")
    grades = tiny_task("retinopathy", scores={})
    assert read_rule("sensitivity=0.95", two) == Rule("true", "sensitivity", 0.95)
    assert read_rule("class=false,cost=10:1", two) == Rule("false", "cost", 0, (10, 1))
    assert read_rule("class=COVID,youden", three).text == "youden"
    assert read_rule("youden", tiny_task("lungs", predict__positive="COVID")).positive == "COVID"
    referable = tiny_task("retinopathy", scores__referable="Moderate")
    assert read_rule("specificity=.9", referable).positive == "Moderate"
    assert class_of_interest(grades) is class_of_interest(three) is None
    wrong = [
        ("youden", three, "the class that is flagged, one of 'healthy', 'COVID', 'other'"),
        ("youden", grades, "the first grade that is flagged, one of 'Mild'"),
        ("class=No DR,youden", grades, "no operating point for the class 'No DR'"),
        ("class=COVIT,youden", three, "did you mean 'COVID'"),
        ("class=COVID", three, "names a class and no rule"),
        ("sensitivity=95", two, "'sensitivity=95' is no rule"),
        ("sensitivity", two, "is no rule"),
        ("cost=0:1", two, "is no rule"),
        ("true,youden", two, r"expected \[class=NAME,\]RULE"),
    ]
    for text, task, sentence in wrong:
        with pytest.raises(DataError, match=sentence):
            read_rule(text, task)


def test_default_rules_are_of_the_class_of_interest_or_of_each():
    found = default_rules(tiny_task("cardiomegaly"))
    assert [(one.positive, one.text) for one in found] == [
        ("true", "youden"), ("true", "sensitivity=0.95"),
    ]  # fmt: skip
    assert {one.positive for one in default_rules(tiny_task("lungs"))} == {
        "healthy", "COVID", "other",
    }  # fmt: skip
    grades = tiny_task("retinopathy", scores={})
    assert {one.positive for one in default_rules(grades)} == set(grades.classes[1:])


def test_grades_are_flagged_by_the_probability_of_a_grade_or_one_beyond():
    task = tiny_task("retinopathy")
    one = read_rule("class=Moderate,youden", task)
    scores = np.array([[0.1, 0.2, 0.3, 0.25, 0.15]])
    assert score_of(scores, one, task) == pytest.approx(0.7)
    assert is_positive(np.arange(5), one, task).tolist() == [False, False, True, True, True]


def test_points_are_kept_whole():
    task = tiny_task("lungs")
    scores, positive = made()
    point = fit_point(read_rule("class=COVID,sensitivity=0.8", task), scores, positive)
    assert point_of_info(point.as_info(), task) == point


def test_stored_points_are_told_with_wilsons_intervals():
    from fastmed.results.deciding.point_tables import points_table

    point = OperatingPoint(rule("youden"), 0.4, 45, 50, 0, 0)
    (row,) = points_table({"operating_points": [point.as_info()]})
    exact = binomtest(45, 50).proportion_ci(0.95, "wilson")
    assert row == ("true", "youden", 0.4, f"0.900 [{exact.low:.3f}, {exact.high:.3f}]", "-")
