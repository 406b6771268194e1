import numpy as np
import pandas as pd
import pytest

from fastmed.errors import DataError
from fastmed.results.calibration.probabilities import Calibration
from fastmed.results.scores.per_patient import per_patient

TWO, THREE = ["well", "ill"], ["a", "b", "c"]

THIRDS = Calibration(cut_points=np.array([0.5, 1.5]))


def made(rows: list[tuple], classes: list[str]) -> pd.DataFrame:
    """Rows of patient, label and scores."""
    table = pd.DataFrame({"item": [f"{place}.png" for place in range(len(rows))]})
    table["group"], table["target"] = [row[0] for row in rows], [row[1] for row in rows]
    scores = np.array([row[2] for row in rows])
    table["predicted"] = np.array(classes)[scores.argmax(axis=1)]
    table[[f"score_{name}" for name in classes]] = scores
    table["value"] = scores @ np.arange(len(classes))
    table["grade"] = scores.argmax(axis=1)
    return table


def test_mean_of_scores() -> None:
    rows = [("x", "ill", (0.9, 0.1)), ("x", "ill", (0.2, 0.8)), ("", "well", (0.7, 0.3))]
    found = per_patient(made(rows, TWO), TWO, "category", "mean")
    assert found.left_out == 0
    table = found.table.set_index("item")
    assert table.loc["x", "score_ill"] == pytest.approx(0.45)
    assert table.loc["x", "predicted"] == "well"
    assert table.loc["2.png", ["group", "target"]].tolist() == ["", "well"]


def test_the_most_ill_of_two_classes_decides() -> None:
    rows = [("x", "well", (0.9, 0.1)), ("x", "ill", (0.4, 0.6)), ("y", "well", (0.8, 0.2))]
    found = per_patient(made(rows, TWO), TWO, "category", "max")
    table = found.table.set_index("item")
    assert found.left_out == 0
    assert table.loc["x", ["target", "predicted"]].tolist() == ["ill", "ill"]
    assert table.loc["x", ["score_well", "score_ill"]].tolist() == pytest.approx([0.4, 0.6])


def test_highest_scores_of_more_classes_are_shares() -> None:
    rows = [("x", "b", (0.6, 0.3, 0.1)), ("x", "b", (0.1, 0.8, 0.1))]
    table = per_patient(made(rows, THREE), THREE, "category", "max").table
    assert table[["score_a", "score_b", "score_c"]].iloc[0].tolist() == pytest.approx(
        [0.4, 0.8 / 1.5, 0.1 / 1.5]
    )
    assert table["predicted"][0] == "b"


def test_grades_by_mean_value_and_by_the_worst_image() -> None:
    rows = [("x", "c", (0.8, 0.2, 0.0)), ("x", "a", (0.0, 0.4, 0.6)), ("y", "b", (0.3, 0.4, 0.3))]
    whole = made(rows, THREE)
    worst = per_patient(whole, THREE, "grade", "max")
    assert worst.left_out == 0
    assert worst.table.set_index("item").loc["x", ["target", "predicted"]].tolist() == ["c", "c"]
    mean = per_patient(whole, THREE, "grade", "mean", THIRDS)
    assert mean.left_out == 1  # x has images of two grades
    assert mean.table["item"].tolist() == ["y"]
    same = whole.assign(target="b")
    values = per_patient(same, THREE, "grade", "mean", THIRDS).table
    assert values.set_index("item").loc["x", ["value", "predicted"]].tolist() == [0.9, "b"]


def test_different_labels_of_a_patient_are_left_out_and_counted() -> None:
    rows = [("x", "a", (1, 0, 0)), ("x", "b", (1, 0, 0)), ("y", "c", (0, 0, 1))]
    found = per_patient(made(rows, THREE), THREE, "category", "max")
    assert (found.left_out, found.table["item"].tolist()) == (1, ["y"])
    with pytest.raises(DataError, match="each patient has images of different labels"):
        per_patient(made(rows[:2], THREE), THREE, "category", "mean")


def test_patients_and_labels_must_be_known() -> None:
    table = made([("", "a", (1, 0, 0))], THREE)
    with pytest.raises(DataError, match="nothing is known about patients"):
        per_patient(table, THREE, "category", "mean")
    with pytest.raises(DataError, match="none of the predictions has a label"):
        per_patient(table.assign(target=""), THREE, "category", "mean")
    with pytest.raises(DataError, match="need the run's cut points"):
        per_patient(table.assign(group="x"), THREE, "grade", "mean")


@pytest.mark.parametrize("prevalence", [None, np.array([0.5, 0.3, 0.2])])
@pytest.mark.parametrize("how", ["mean", "max"])
def test_a_patient_with_one_image_is_decided_as_the_image(
    how: str, prevalence: np.ndarray | None
) -> None:
    """Also after a balanced training, whose probabilities are corrected and decisions are not."""
    outputs = np.random.default_rng(0).dirichlet(np.ones(3), 200)
    calibration = Calibration(1.7, np.array([0.4, 1.0, 3.0]), np.array([0.6, 0.3, 0.1]), prevalence)
    scores, decided = calibration.probabilities(outputs), calibration.decisions(outputs)
    assert (scores.argmax(axis=1) != decided).mean() > 0.1
    rows = [(f"p{number:03}", "a", tuple(row)) for number, row in enumerate(scores)]
    found = per_patient(made(rows, THREE), THREE, "category", how, calibration).table
    assert found.set_index("group")["predicted"].tolist() == [THREE[place] for place in decided]
