import json

import numpy as np
import pytest
from made_predictions import predictions
from scipy.stats import binomtest, bootstrap

from fastmed.results.intervals.delong import area_interval
from fastmed.results.intervals.wilson import wilson
from fastmed.results.scores import ScoreOptions, score
from fastmed.results.scores.tables import few_patients

CLASSES = ["no", "yes"]
THREE = ["none", "mild", "severe"]
EVERYTHING = ScoreOptions(
    referable="mild",
    prevalence={"severe": 0.05, "referable": 0.2},
    threshold={"severe": 0.2, "referable": 0.4},
    costs=((0, 1, 2), (3, 0, 1), (9, 4, 0)),
)


def perfect(classes: list[str], patients: int, images: int = 1):
    table = predictions(classes, patients, images)
    table["predicted"] = table["target"]
    for name in classes:
        table[f"score_{name}"] = np.where(table["target"] == name, 0.9, 0.1 / (len(classes) - 1))
    return table


def leaves(found: dict, parts=("overall", "per_class", "referable")):
    """Every number that is a score, with its interval and method."""
    for part in parts:
        tables = found[part].items() if part == "per_class" else [("", found[part])]
        for name, table in tables:
            limits, how = found["intervals"][part], found["methods"][part]
            limits, how = (limits[name], how[name]) if name else (limits, how)
            for one in limits:
                yield (part, name, one), table[one], limits[one], how[one]


@pytest.mark.parametrize("images", [1, 4])
def test_every_score_has_an_interval_that_holds_it(images: int) -> None:
    found = score(predictions(THREE, 90, images), THREE, "grade", EVERYTHING)
    seen = [*leaves(found)]
    assert len(seen) > 60
    for address, value, interval, method in seen:
        low, high = interval
        assert low < high, address
        assert low <= value <= high, address
        assert method in ("wilson", "patients", "delong", "bootstrap", "prevalence")


def test_methods_with_one_image_a_patient() -> None:
    table = predictions(CLASSES, 80)
    found = score(table, CLASSES, "category")
    yes, limits = found["per_class"]["yes"], found["intervals"]["per_class"]["yes"]
    hits = round(yes["sensitivity"] * yes["n"])
    assert limits["sensitivity"] == pytest.approx(wilson(hits, yes["n"]))
    right = round(found["overall"]["accuracy"] * 80)
    assert found["intervals"]["overall"]["accuracy"] == pytest.approx(wilson(right, 80))
    area = area_interval((table["target"] == "yes").to_numpy(), table["score_yes"].to_numpy())
    assert limits["auroc"] == pytest.approx(area)
    assert found["intervals"]["overall"]["auroc"] == pytest.approx(area)
    assert found["methods"]["per_class"]["yes"]["auroc"] == "delong"
    assert found["methods"]["overall"]["balanced_accuracy"] == "bootstrap"


def test_several_images_of_a_patient_make_intervals_wider() -> None:
    several = predictions(CLASSES, 60, images=6, seed=2)
    apart = several.assign(group="")
    for name in ("sensitivity", "specificity", "auroc", "prevalence"):
        widths = [
            np.ptp(score(table, CLASSES, "category")["intervals"]["per_class"]["yes"][name])
            for table in (several, apart)
        ]
        assert widths[0] > 1.4 * widths[1], name


def test_resampled_patients_are_scipys() -> None:
    """A mean over images of independent patients, of which each class keeps its number."""
    table = predictions(CLASSES, 120, seed=4)
    chance = np.where(table["target"] == "yes", table["score_yes"], table["score_no"]).astype(float)
    losses = -np.log(chance)
    ill = (table["target"] == "yes").to_numpy()
    share = ill.mean()
    expected = bootstrap(
        (losses[ill], losses[~ill]),
        lambda one, other, axis: share * one.mean(axis=axis) + (1 - share) * other.mean(axis=axis),
        method="percentile",
        n_resamples=4000,
        rng=0,
    ).confidence_interval
    found = score(table, CLASSES, "category")["intervals"]["overall"]["log_loss"]
    assert found == pytest.approx([expected.low, expected.high], rel=0.02)


@pytest.mark.parametrize("images", [1, 3])
def test_a_perfect_score_is_never_certain(images: int) -> None:
    found = score(perfect(CLASSES, 40, images), CLASSES, "category")
    for address, value, interval, method in leaves(found, ("overall", "per_class")):
        if value is not None and interval is not None:
            assert interval[0] < interval[1], address
            assert address[2] == "prevalence" or method is not None
    yes, ill = found["intervals"]["per_class"]["yes"], found["per_class"]["yes"]["patients"]
    least = min(ill, 40 - ill)
    exact = binomtest(least, least).proportion_ci(method="exact").low
    assert yes["auroc"] == pytest.approx([exact, 1])
    assert yes["sensitivity"] == pytest.approx(wilson(ill, ill))
    assert found["methods"]["per_class"]["yes"]["auroc"] == "exact"
    assert found["overall"]["auroc"] == 1
    assert found["intervals"]["overall"]["auroc"] == pytest.approx([exact, 1])


def test_perfect_means_over_classes_have_a_limit_below_each_of_one_class() -> None:
    found = score(perfect(THREE, 60), THREE, "grade")
    limits = found["intervals"]["overall"]
    assert 0.6 < limits["balanced_accuracy"][0] < 0.9
    assert 0.7 < limits["macro_f1"][0] < 1
    assert 0.6 < limits["auroc"][0] < 1
    assert limits["kappa"] is None  # nothing varies, and no limit is known
    assert found["overall"]["kappa"] == 1


def test_ratios_of_a_perfect_rate_come_from_the_limits_of_both() -> None:
    table = predictions(CLASSES, 60, seed=5)
    table["predicted"] = np.where(table["target"] == "yes", "yes", table["predicted"])
    options = ScoreOptions(prevalence={"yes": 0.02})
    found = score(table, CLASSES, "category", options)
    yes, limits = found["per_class"]["yes"], found["intervals"]["per_class"]["yes"]
    assert (yes["sensitivity"], yes["lr_negative"], yes["npv_deployed"]) == (1, 0, 1)
    assert limits["lr_negative"][0] == 0
    least = (1 - limits["sensitivity"][0]) / limits["specificity"][0]
    assert limits["lr_negative"][1] == pytest.approx(least)
    assert 0.9 < limits["npv_deployed"][0] < 1
    assert found["methods"]["per_class"]["yes"]["lr_negative"] == "rates"


def test_what_can_not_be_estimated_has_no_interval() -> None:
    table = predictions(THREE, 30)
    found = score(table[table["target"] == "none"], THREE, "grade")
    assert found["per_class"]["mild"]["sensitivity"] is None
    assert found["intervals"]["per_class"]["mild"]["sensitivity"] is None
    assert found["methods"]["per_class"]["mild"]["sensitivity"] is None
    assert found["intervals"]["overall"]["accuracy"] is not None


def test_a_class_of_one_patient_has_no_area_interval() -> None:
    table = predictions(CLASSES, 40, seed=6)
    rare = table[(table["target"] == "no") | (table["item"] == "1.png")]
    found = score(rare, CLASSES, "category")
    assert found["per_class"]["yes"]["n"] == 1
    assert found["intervals"]["per_class"]["yes"]["auroc"] is None
    assert found["intervals"]["per_class"]["yes"]["sensitivity"][1] > 0.7


def test_intervals_are_the_same_each_time_and_plain_json() -> None:
    table = predictions(THREE, 40, images=2)
    first, second = (score(table, THREE, "grade", EVERYTHING) for _ in range(2))
    assert json.loads(json.dumps(first, allow_nan=False)) == second


def test_no_intervals_are_made_if_none_are_wanted() -> None:
    found = score(predictions(THREE, 40), THREE, "grade", ScoreOptions(resamples=0))
    assert "intervals" not in found


def test_few_patients_are_told() -> None:
    table = predictions(THREE, 60, images=3)
    found = score(table, THREE, "grade")
    sentence = few_patients(found)[0]
    counts = table.drop_duplicates("group")["target"].value_counts()
    for name in THREE:
        assert (f"'{name}' ({counts[name]})" in sentence) == (counts[name] < 30)
    assert few_patients(score(predictions(CLASSES, 200), CLASSES, "category")) == []
