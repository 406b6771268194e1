import json

import numpy as np
import pytest
from made_predictions import predictions

from fastmed.errors import DataError, TaskError
from fastmed.results.calibration.probabilities import Calibration
from fastmed.results.scores.asked import Asked, asked_scores, check_asked, parse_costs, parse_shares
from fastmed.results.scores.files import write_scores
from fastmed.taskfile import find_task

GRADES = find_task("retinopathy")
LUNGS = find_task("lungs")


def test_the_tasks_own_settings_count() -> None:
    table = predictions(list(GRADES.classes), 60)
    found = asked_scores(GRADES, table)
    assert found["referable"]["from"] == "Moderate"
    assert found["referable"]["n"] == table["target"].isin(GRADES.classes[2:]).sum()
    task = GRADES.with_changes({"scores.prevalence": {"referable": 0.1}})
    assert "ppv_deployed" in asked_scores(task, table)["referable"]


def test_options_change_the_tasks_settings() -> None:
    task = LUNGS.with_changes({"scores.prevalence": {"COVID": 0.1, "other": 0.2}})
    options = Asked({"COVID": 0.3}, {"COVID": 0.25}, ((0, 1, 1), (5, 0, 5), (1, 1, 0))).options(
        task
    )
    assert options.prevalence == {"COVID": 0.3, "other": 0.2}
    assert options.threshold == {"COVID": 0.25}
    assert options.costs[1] == (5, 0, 5)


def test_patients_are_scored_beside_images(tmp_path) -> None:
    table = predictions(list(LUNGS.classes), 40, images=3)
    found = asked_scores(LUNGS, table, Asked(per_patient="mean"))
    assert (found["n"], found["patients"]) == (120, 40)
    own = found["per_patient"]
    assert (own["how"], own["left_out"], own["n"]) == ("mean", 0, 40)
    assert own["methods"]["overall"]["accuracy"] == "wilson"
    write_scores(tmp_path, {"test": found})
    parts = {line.split(",")[0] for line in (tmp_path / "scores.csv").read_text().splitlines()[1:]}
    assert parts == {"test", "test per patient"}
    assert json.loads((tmp_path / "scores.json").read_text())["test"]["per_patient"]["n"] == 40


def test_patients_of_grades_use_the_cut_points_of_the_run() -> None:
    table = predictions(list(GRADES.classes), 40, images=2)
    points = Calibration(cut_points=np.array([0.5, 1.5, 2.5, 3.5]))
    own = asked_scores(GRADES, table, Asked(per_patient="mean"), calibration=points)
    means = table.groupby("group")["value"].mean()
    labels = table.groupby("group")["target"].first().map(GRADES.classes.index)
    expected = np.abs(np.digitize(means, [0.5, 1.5, 2.5, 3.5]) - labels).mean()
    assert own["per_patient"]["overall"]["mae"] == pytest.approx(expected)


@pytest.mark.parametrize("asked, message", [
    (Asked({"covid": 0.1}), "names 'covid', which is none of healthy, COVID, other"),
    (Asked({"COVID": 1.5}), "scores.prevalence.COVID: 1.5 is not above 0 and below 1"),
    (Asked(threshold={"COVID": 0}), "scores.threshold.COVID: 0 is not above 0 and below 1"),
    (Asked(costs=((0, 1), (1, 0))), "scores.costs needs 3 rows of 3 numbers"),
    (Asked(costs=((0, 0, 0),) * 3), "scores.costs are numbers from 0, not all of them 0"),
    (Asked(per_patient="median"), "per_patient = 'median' is neither 'mean' nor 'max'"),
])  # fmt: skip
def test_what_makes_no_sense_is_refused_before_any_work(asked: Asked, message: str) -> None:
    with pytest.raises(TaskError, match=message):
        check_asked(LUNGS, asked, predictions(list(LUNGS.classes), 10))


def test_subgroups_need_columns() -> None:
    items = predictions(list(LUNGS.classes), 10)
    with pytest.raises(DataError, match="no column 'sex' to part patients by"):
        check_asked(LUNGS, Asked(by=("sex",)), items)


@pytest.mark.parametrize("changes, message", [
    ({"scores.referable": "No DR"}, "none of the grades above the lowest"),
    ({"scores.referable": "moderate"}, "none of the grades above the lowest"),
    ({"goal": "category", "scores.referable": "Mild"}, "no effect with goal = 'category'"),
    ({"scores.prevalence": {"Sever": 0.1}}, "which is none of No DR, Mild"),
])  # fmt: skip
def test_settings_of_the_task_are_checked(changes: dict, message: str) -> None:
    with pytest.raises(TaskError, match=message):
        GRADES.with_changes(changes)


def test_other_classes_drop_the_referable_one() -> None:
    assert GRADES.with_changes({"classes": ["a", "b", "c"]}).scores.referable is None


def test_options_are_read() -> None:
    assert parse_shares(["COVID=0.05", "a=b=0.5"], "--prevalence") == {"COVID": 0.05, "a=b": 0.5}
    assert parse_costs("0,1;5,0") == [[0, 1], [5, 0]]
    assert parse_costs(None) is None
    for text in ("COVID", "COVID=x", "0.5"):
        with pytest.raises(TaskError, match="is not CLASS=SHARE, as in --prevalence COVID=0.05"):
            parse_shares([text], "--prevalence")
    with pytest.raises(TaskError, match="are no numbers"):
        parse_costs("0,one;5,0")
