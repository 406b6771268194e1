import json

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from fastmed.errors import DataError
from fastmed.results.scores import ScoreOptions, flat, score
from fastmed.results.scores.calibration import (
    calibration_intercept,
    calibration_slope,
    expected_calibration_error,
    net_benefit,
)
from fastmed.results.scores.names import PER_CLASS

ALONE = ScoreOptions(resamples=0)
COLOURS = ["red", "green", "blue"]


def made_table(true, predicted, classes, scores=None):
    """A predictions table from names; without scores, 0.8 for the predicted class."""
    if scores is None:
        rest = 0.2 / (len(classes) - 1)
        scores = [[0.8 if name == told else rest for name in classes] for told in predicted]
    table = pd.DataFrame({"item": [f"{i}.png" for i in range(len(true))], "group": ""})
    table["target"], table["predicted"] = list(true), list(predicted)
    table[[f"score_{name}" for name in classes]] = np.array(scores, dtype=float)
    return table


def drawn_table(classes, n, seed):
    """Predictions of a fair network, and the true and predicted positions and scores."""
    rng = np.random.default_rng(seed)
    true = np.concatenate([np.arange(len(classes)), rng.integers(0, len(classes), n)])
    raw = rng.gamma(1.0, size=(len(true), len(classes)))
    raw[np.arange(len(true)), true] += rng.gamma(1.5, size=len(true))
    scores = raw / raw.sum(axis=1, keepdims=True)
    names, predicted = np.array(classes), scores.argmax(axis=1)
    table = made_table(names[true], names[predicted], classes, scores)
    return table, true, predicted, scores


def test_hand_counted_table():
    true = ["red"] * 5 + ["green"] * 3 + ["blue"] * 2
    predicted = ["red"] * 3 + ["green", "blue"] + ["green", "green", "red"] + ["blue", "red"]
    found = score(made_table(true, predicted, COLOURS), COLOURS, "category")
    assert found["n"] == 10
    assert found["goal"] == "category"
    assert found["classes"] == COLOURS
    assert found["confusion"] == [[3, 1, 1], [1, 2, 0], [1, 0, 1]]
    assert found["overall"]["accuracy"] == pytest.approx(6 / 10)
    assert found["overall"]["balanced_accuracy"] == pytest.approx((3 / 5 + 2 / 3 + 1 / 2) / 3)
    assert found["overall"]["macro_f1"] == pytest.approx((6 / 10 + 4 / 6 + 2 / 4) / 3)
    assert found["overall"]["log_loss"] == pytest.approx(-(6 * np.log(0.8) + 4 * np.log(0.1)) / 10)
    right, wrong = 0.2**2 + 2 * 0.1**2, 0.8**2 + 0.9**2 + 0.1**2
    assert found["overall"]["brier"] == pytest.approx((6 * right + 4 * wrong) / 10)
    red = found["per_class"]["red"]
    assert (red["n"], red["prevalence"]) == (5, 0.5)
    assert red["sensitivity"] == pytest.approx(3 / 5)
    assert red["specificity"] == pytest.approx(3 / 5)
    assert red["ppv"] == pytest.approx(3 / 5)
    assert red["npv"] == pytest.approx(3 / 5)
    green = found["per_class"]["green"]
    assert green["sensitivity"] == pytest.approx(2 / 3)
    assert green["specificity"] == pytest.approx(6 / 7)
    assert green["ppv"] == pytest.approx(2 / 3)
    assert green["npv"] == pytest.approx(6 / 7)
    assert green["f1"] == pytest.approx(4 / 6)
    # Pairs of a blue and another image: blue scores 0.8, 0.1 against 0.1 seven times, 0.8 once.
    assert found["per_class"]["blue"]["auroc"] == pytest.approx((7 + 0.5 + 7 * 0.5) / 16)


@pytest.mark.parametrize("classes", [["no", "yes"], COLOURS, list("abcdefghi")])
@pytest.mark.parametrize("seed", [0, 1])
def test_scores_agree_with_scikit_learn(classes, seed):
    table, true, predicted, scores = drawn_table(classes, 120, seed)
    every = range(len(classes))
    one_hot = np.eye(len(classes))[true]
    found = score(table, classes, "grade", ALONE)
    eces = [expected_calibration_error(true == place, scores[:, place]) for place in every]
    precisions = [
        metrics.average_precision_score(true == place, scores[:, place]) for place in every
    ]
    cumulative = np.cumsum(scores - one_hot, axis=1)[:, :-1]
    if len(classes) == 2:
        eces, precisions = eces[1:], precisions[1:]
        area = metrics.roc_auc_score(true, scores[:, 1])
        brier = metrics.brier_score_loss(true, scores[:, 1])
    else:
        area = metrics.roc_auc_score(true, scores, multi_class="ovr", labels=every)
        brier = metrics.mean_squared_error(one_hot, scores) * len(classes)
    expected = {
        "accuracy": metrics.accuracy_score(true, predicted),
        "balanced_accuracy": metrics.balanced_accuracy_score(true, predicted),
        "macro_f1": metrics.f1_score(true, predicted, labels=every, average="macro"),
        "auroc": area,
        "log_loss": metrics.log_loss(true, scores, labels=every),
        "brier": brier,
        "kappa": metrics.cohen_kappa_score(true, predicted, labels=every, weights="quadratic"),
        "mae": metrics.mean_absolute_error(true, predicted),
        "within_one": (abs(true - predicted) <= 1).mean(),
        "off_by_two": (abs(true - predicted) >= 2).mean(),
        "rps": (cumulative**2).mean(),
        "average_precision": np.mean(precisions),
        "ece": np.mean(eces),
    }
    assert found["overall"] == pytest.approx(expected)
    assert found["confusion"] == metrics.confusion_matrix(true, predicted).tolist()
    for place, name in enumerate(classes):
        one, told = true == place, predicted == place
        ratios = metrics.class_likelihood_ratios(one, told)
        assert found["per_class"][name] == pytest.approx(
            {
                "n": one.sum(),
                "patients": one.sum(),
                "prevalence": one.mean(),
                "sensitivity": metrics.recall_score(one, told),
                "specificity": metrics.recall_score(~one, ~told),
                "ppv": metrics.precision_score(one, told),
                "npv": metrics.precision_score(~one, ~told),
                "f1": metrics.f1_score(one, told),
                "auroc": metrics.roc_auc_score(one, scores[:, place]),
                "lr_positive": ratios[0],
                "lr_negative": ratios[1],
                "average_precision": metrics.average_precision_score(one, scores[:, place]),
                "calibration_slope": calibration_slope(one, scores[:, place]),
                "calibration_intercept": calibration_intercept(one, scores[:, place]),
                "ece": expected_calibration_error(one, scores[:, place]),
            }
        )


def test_kappa_counts_missing_grades():
    grades = ["0", "1", "2", "3", "4"]
    # Grades 1 and 3 don't occur: without all labels the distance 2 to 4 would shrink to 1.
    true, predicted = list("000022244"), list("000222424")
    places = np.array(true, dtype=float), np.array(predicted, dtype=float)
    observed = ((places[0] - places[1]) ** 2).mean()
    by_chance = ((places[0][:, None] - places[1][None, :]) ** 2).mean()
    found = score(made_table(true, predicted, grades), grades, "grade")["overall"]
    assert found["kappa"] == pytest.approx(1 - observed / by_chance)
    assert found["mae"] == pytest.approx(6 / 9)
    assert found["within_one"] == pytest.approx(6 / 9)


def test_kappa_does_not_close_the_gap_of_a_missing_grade():
    grades = ["0", "1", "2", "3"]
    true, predicted = list("00001133"), list("00011131")
    found = score(made_table(true, predicted, grades), grades, "grade")["overall"]["kappa"]
    pressed = metrics.cohen_kappa_score(true, predicted, weights="quadratic")
    full = metrics.cohen_kappa_score(true, predicted, weights="quadratic", labels=grades)
    assert found == pytest.approx(full)
    assert abs(found - pressed) > 0.03


def test_distances_belong_to_grades_alone():
    table, *_ = drawn_table(COLOURS, 20, seed=0)
    assert not {"kappa", "mae", "within_one"} & set(score(table, COLOURS, "category")["overall"])


def test_class_that_never_occurs_but_is_predicted():
    table = made_table(["red", "red", "green", "green"], ["red", "blue", "green", "red"], COLOURS)
    found = score(table, COLOURS, "category")
    blue = found["per_class"]["blue"]
    assert (blue["n"], blue["prevalence"], blue["sensitivity"]) == (0, 0, None)
    assert (blue["specificity"], blue["ppv"], blue["npv"]) == (0.75, 0, 1)
    assert (blue["f1"], blue["auroc"]) == (0, None)
    assert found["overall"]["macro_f1"] == pytest.approx((2 / 4 + 2 / 3 + 0) / 3)
    assert found["overall"]["balanced_accuracy"] == pytest.approx(0.5)
    others = [found["per_class"][name]["auroc"] for name in ("red", "green")]
    assert found["overall"]["auroc"] == pytest.approx(np.mean(others))


def test_class_that_neither_occurs_nor_is_predicted_is_left_out():
    table = made_table(["red", "red", "green", "green"], ["red", "red", "green", "red"], COLOURS)
    found = score(table, COLOURS, "category")
    assert found["per_class"]["blue"]["f1"] is None
    assert found["per_class"]["blue"]["ppv"] is None
    assert found["overall"]["macro_f1"] == pytest.approx((4 / 5 + 2 / 3) / 2)


def test_class_that_occurs_and_is_never_predicted():
    table = made_table(["red", "green", "blue"], ["red", "green", "red"], COLOURS)
    blue = score(table, COLOURS, "category")["per_class"]["blue"]
    assert (blue["sensitivity"], blue["ppv"], blue["f1"]) == (0, None, 0)


def test_one_true_class_says_little():
    table = made_table(["red"] * 4, ["red", "red", "red", "green"], COLOURS)
    found = score(table, COLOURS, "grade")
    assert found["overall"]["accuracy"] == 0.75
    for name in ("balanced_accuracy", "macro_f1", "auroc", "kappa"):
        assert found["overall"][name] is None
    assert found["overall"]["mae"] == 0.25
    red = found["per_class"]["red"]
    assert (red["sensitivity"], red["specificity"], red["npv"]) == (0.75, None, 0)
    assert red["auroc"] is None


@pytest.mark.parametrize("right", ["yes", "no"])
def test_perfect_on_one_class_is_no_perfect_score(right):
    found = score(made_table([right] * 3, [right] * 3, ["no", "yes"]), ["no", "yes"], "category")
    none = {"balanced_accuracy", "macro_f1", "auroc"} | (
        {"average_precision"} if right == "no" else set()
    )
    assert {name for name, value in found["overall"].items() if value is None} == none


def test_constant_predictions():
    table = made_table(["red", "green", "blue"], ["red"] * 3, COLOURS)
    found = score(table, COLOURS, "grade")
    assert found["overall"]["kappa"] is None
    assert found["overall"]["auroc"] == 0.5
    assert found["per_class"]["red"]["npv"] is None
    assert found["per_class"]["green"]["ppv"] is None


def test_auroc_of_two_classes_is_that_of_the_last():
    scores = [[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8]]
    table = made_table(["no", "no", "yes", "yes"], ["no", "no", "no", "yes"], ["no", "yes"], scores)
    found = score(table, ["no", "yes"], "category")
    assert found["overall"]["auroc"] == found["per_class"]["yes"]["auroc"] == 0.75


def test_certain_and_wrong_is_a_large_loss_not_infinity():
    table = made_table(["no", "yes"], ["yes", "yes"], ["no", "yes"], [[0, 1], [0, 1]])
    found = score(table, ["no", "yes"], "category")["overall"]
    assert found["log_loss"] == pytest.approx(-np.log(np.finfo(float).eps) / 2)
    assert found["brier"] == 0.5


def test_order_of_rows_changes_nothing():
    table, *_ = drawn_table(COLOURS, 60, seed=3)
    mixed = table.sample(frac=1, random_state=1)
    assert flat(score(mixed, COLOURS, "grade", ALONE)) == pytest.approx(
        flat(score(table, COLOURS, "grade", ALONE))
    )


def test_order_of_categories_changes_nothing():
    table, *_ = drawn_table(COLOURS, 60, seed=4)
    other = score(table, COLOURS[::-1], "category")
    found = score(table, COLOURS, "category")
    assert other["overall"] == pytest.approx(found["overall"])
    assert other["per_class"]["green"] == pytest.approx(found["per_class"]["green"])
    assert np.array_equal(np.array(other["confusion"])[::-1, ::-1], found["confusion"])


def test_only_labelled_rows_are_scored():
    table, *_ = drawn_table(COLOURS, 30, seed=5)
    more = pd.concat([table, table.assign(target="").head(7)])
    assert score(more, COLOURS, "grade") == score(table, COLOURS, "grade")


def test_scores_are_plain_json():
    table, *_ = drawn_table(COLOURS, 30, seed=6)
    found = score(table, COLOURS, "grade")
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert list(found) == [
        "n", "patients", "goal", "classes", "options", "overall", "per_class", "confusion",
        "intervals", "methods",
    ]  # fmt: skip


def test_what_can_not_be_scored_is_refused():
    table = made_table(["red", "green"], ["red", "red"], COLOURS)
    with pytest.raises(DataError, match="none of the predictions has a label"):
        score(table.assign(target=""), COLOURS, "category")
    with pytest.raises(DataError, match="no column 'score_blue'"):
        score(table.drop(columns="score_blue"), COLOURS, "category")
    with pytest.raises(DataError, match="1 of 2 predictions have scores that are not numbers"):
        score(table.assign(score_red=[0.8, np.nan]), COLOURS, "category")
    with pytest.raises(DataError, match="'pink' is none of the classes"):
        score(table.assign(target=["red", "pink"]), COLOURS, "category")
    with pytest.raises(DataError, match="1 of 2 labelled rows are not predicted"):
        score(table.assign(predicted=["red", ""]), COLOURS, "category")


def test_deployed_values_follow_bayes() -> None:
    true = ["yes"] * 10 + ["no"] * 40
    predicted = ["yes"] * 8 + ["no"] * 2 + ["yes"] * 4 + ["no"] * 36
    options = ScoreOptions(prevalence={"yes": 0.01}, resamples=0)
    found = score(made_table(true, predicted, ["no", "yes"]), ["no", "yes"], "category", options)
    yes = found["per_class"]["yes"]
    # Of 10,000 people 100 are ill, of whom 80 are found; of the 9,900 others 990 are told so, too.
    assert yes["ppv_deployed"] == pytest.approx(80 / (80 + 990))
    assert yes["npv_deployed"] == pytest.approx(8910 / (8910 + 20))
    assert yes["ppv"] == pytest.approx(8 / 12)
    assert yes["lr_positive"] == pytest.approx(8)
    assert yes["lr_negative"] == pytest.approx(0.2 / 0.9)
    assert "ppv_deployed" not in found["per_class"]["no"]
    assert found["options"] == {"prevalence": {"yes": 0.01}}


def test_costs_are_counted_by_the_confusion_matrix() -> None:
    table = made_table(
        ["no"] * 6 + ["yes"] * 4, ["no"] * 4 + ["yes"] * 3 + ["no"] * 3, ["no", "yes"]
    )
    costs = ((0.0, 1.0), (10.0, 0.5))
    found = score(table, ["no", "yes"], "category", ScoreOptions(costs=costs, resamples=0))
    assert found["overall"]["expected_cost"] == pytest.approx((2 * 1 + 3 * 10 + 1 * 0.5) / 10)


def test_net_benefit_stands_beside_that_of_treating_all() -> None:
    table, true, _, scores = drawn_table(COLOURS, 80, seed=8)
    options = ScoreOptions(threshold={"green": 0.3}, resamples=0)
    green = score(table, COLOURS, "category", options)["per_class"]["green"]
    expected = net_benefit(true == 1, scores[:, 1], 0.3)
    assert (green["net_benefit"], green["net_benefit_all"]) == pytest.approx(expected)


def test_referable_grades_against_the_others() -> None:
    table, true, predicted, scores = drawn_table(COLOURS, 80, seed=9)
    options = ScoreOptions(referable="green", prevalence={"referable": 0.1}, resamples=0)
    found = score(table, COLOURS, "grade", options)["referable"]
    assert found["from"] == "green"
    assert found["n"] == (true > 0).sum()
    assert found["sensitivity"] == metrics.recall_score(true > 0, predicted > 0)
    assert found["auroc"] == pytest.approx(
        metrics.roc_auc_score(true > 0, scores[:, 1:].sum(axis=1))
    )
    assert 0 < found["ppv_deployed"] < 1
    assert "referable" not in score(table, COLOURS, "grade", ALONE)


def test_an_infinite_ratio_is_not_estimable() -> None:
    found = score(made_table(["a", "a", "b"], ["a", "a", "a"], ["a", "b"]), ["a", "b"], "category")
    assert found["per_class"]["a"]["lr_positive"] == 1
    assert found["per_class"]["a"]["lr_negative"] is None
    found = score(made_table(["a", "b"], ["a", "b"], ["a", "b"]), ["a", "b"], "category")
    assert found["per_class"]["a"]["lr_positive"] is None
    assert found["per_class"]["a"]["lr_negative"] == 0


def test_flat_names() -> None:
    found = score(made_table(["red", "green"], ["red", "red"], COLOURS), COLOURS, "grade")
    line = flat(found)
    assert line["n"] == 2
    assert line["accuracy"] == 0.5
    assert line["n_green"] == 1
    assert line["npv_green"] == 0.5
    asked = ("ppv_deployed", "npv_deployed", "net_benefit", "net_benefit_all")
    each = len(PER_CLASS) - len(asked) + 1  # and the number of patients
    assert len(line) == 1 + len(found["overall"]) + 3 * each
