import json

import numpy as np
import pandas as pd
import pytest
from made_predictions import predictions

from fastmed.errors import DataError
from fastmed.results.scores import ScoreOptions, score
from fastmed.results.scores.subgroup_tables import hidden_text, subgroup_tables
from fastmed.results.scores.subgroups import bands, check_columns, subgroups
from fastmed.results.scores.tables import long_table

CLASSES = ["no", "yes"]


@pytest.fixture
def made() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Predictions of 100 patients with two images each, and their items."""
    table = predictions(CLASSES, 100, images=2, seed=1)
    patient = np.arange(200) // 2
    items = table[["item", "group", "target"]].copy()
    items["meta_sex"] = np.where(patient < 60, "F", np.where(patient < 94, "M", "O"))
    items["meta_age"] = np.where(patient == 3, np.nan, patient * 1.0)
    items["site"] = "one"
    return table, items


def test_scores_of_each_group_are_those_of_its_rows(made: tuple) -> None:
    table, items = made
    found = subgroups(table, items.sample(frac=1, random_state=0), ["sex"], CLASSES, "category")
    women, men = found["sex"]["groups"]
    assert [women["name"], women["n"], women["patients"]] == ["F", 120, 60]
    assert [men["name"], men["n"], men["patients"]] == ["M", 68, 34]
    own = score(table[(items["meta_sex"] == "F").to_numpy()], CLASSES, "category")
    area = women["scores"]["per_class/yes/auroc"]
    assert area["value"] == own["overall"]["auroc"]
    assert area["interval"] == pytest.approx(own["intervals"]["per_class"]["yes"]["auroc"])
    assert "gap" not in women["scores"]["overall/accuracy"]
    gap = men["scores"]["overall/auroc"]
    assert gap["gap"] == pytest.approx(gap["value"] - women["scores"]["overall/auroc"]["value"])
    assert gap["gap_interval"][0] < gap["gap"] < gap["gap_interval"][1]
    json.dumps(found, allow_nan=False)


def test_a_gap_varies_as_two_independent_groups_do(made: tuple) -> None:
    table, items = made
    women, men = subgroups(table, items, ["sex"], CLASSES, "category")["sex"]["groups"]
    widths = [np.ptp(group["scores"]["overall/auroc"]["interval"]) for group in (women, men)]
    gap = np.ptp(men["scores"]["overall/auroc"]["gap_interval"])
    assert gap == pytest.approx(np.hypot(*widths), rel=0.15)


def test_small_groups_are_counted_and_not_shown(made: tuple) -> None:
    found = subgroups(*made, ["sex"], CLASSES, "category", ScoreOptions(resamples=0))
    assert found["sex"]["hidden"] == {"groups": 1, "patients": 6}
    assert "O" not in json.dumps(found["sex"]["groups"])
    scores = {"subgroups": found, "goal": "category"}
    assert "1 subgroups with 6 patients in all are not shown" in hidden_text(scores)[0]


def test_ages_stand_in_bands(made: tuple) -> None:
    found = subgroups(*made, ["age"], CLASSES, "category", ScoreOptions(resamples=0))["age"]
    shown = {group["name"]: group["patients"] for group in found["groups"]}
    assert shown == {
        "65 and over": 35, "40 to under 65": 25, "18 to under 40": 22, "under 18": 17,
    }  # fmt: skip
    assert found["hidden"] == {"groups": 1, "patients": 1}  # the unknown age


def test_numbers_become_bands_and_text_stays() -> None:
    numbers = bands(pd.Series(np.arange(100.0)), "spacing")
    assert numbers.value_counts().tolist() == [25, 25, 25, 25]
    assert bands(pd.Series([1, 2, 1]), "folds").tolist() == ["1", "2", "1"]
    assert bands(pd.Series(["PA", "", None]), "view").tolist() == ["PA", "unknown", "unknown"]


def test_columns_must_be_there_and_part_the_patients(made: tuple) -> None:
    table, items = made
    with pytest.raises(DataError, match="no column 'sexx' to part patients by; did you mean 'sex'"):
        check_columns(items, ["sexx"])
    with pytest.raises(DataError, match="no column 'target'"):
        check_columns(items, ["target"])
    with pytest.raises(DataError, match="all images are 'one' by 'site'"):
        subgroups(table, items, ["site"], CLASSES, "category")


def test_tables_of_subgroups(made: tuple) -> None:
    scores = score(made[0], CLASSES, "category")
    scores["subgroups"] = subgroups(*made, ["sex"], CLASSES, "category")
    (title, _, rows), _ = subgroup_tables(scores)
    assert title == "AUROC by sex"
    assert [row[:3] for row in rows] == [("F", 120, 60), ("M", 68, 34)]
    assert rows[0][4] == ""
    assert "[" in rows[1][4]
    long = long_table({"test": scores})
    own = long[(long["part"] == "test sex=M") & (long["score"] == "sensitivity")]
    assert own["class"].tolist() == CLASSES
    assert (own["n"] == 68).all()
