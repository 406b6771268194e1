import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import tiny_task
from sklearn.metrics import accuracy_score, cohen_kappa_score
from sklearn.model_selection import StratifiedGroupKFold

from fastmed import grades
from fastmed.data.tables import group_keys, part, scores_of
from fastmed.errors import DataError, RunError
from fastmed.evaluation import evaluate, own_part, saved_scores
from fastmed.files import read_json
from fastmed.run import Run
from fastmed.training.train import train

CPU = {"device": "cpu", "workers": 0}


def test_stored_cut_points_use_all_of_the_validation_part(trained: dict[str, Run]) -> None:
    run = trained["retinopathy"]
    table = run.predictions("valid")
    known = table["target"].map(run.task.classes.index).to_numpy()
    values = table["value"].to_numpy()
    rule = run.task.cut_points
    stored = np.array(run.info["cut_points"])
    np.testing.assert_allclose(stored, grades.fit_cut_points(values, known, 5, rule))
    assert run.info["scale"] == pytest.approx(grades.fit_scale(values, known, stored))


def test_validation_grades_never_saw_their_own_patient(trained: dict[str, Run]) -> None:
    run = trained["retinopathy"]
    table = run.predictions("valid")
    known = table["target"].map(run.task.classes.index).to_numpy()
    values, expected = table["value"].to_numpy(), np.full(len(table), -1)
    count = min(5, int(np.bincount(known).max()))
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=42)
    for rest, fold in splitter.split(values, known, group_keys(table)):
        points = grades.fit_cut_points(values[rest], known[rest], 5, run.task.cut_points)
        expected[fold] = grades.to_grades(values[fold], points)
        scale = grades.fit_scale(values[rest], known[rest], points)
        np.testing.assert_allclose(
            scores_of(table, run.task.classes)[fold],
            grades.grade_scores(values[fold], points, scale),
        )
    assert table["grade"].tolist() == expected.tolist()
    assert table["predicted"].tolist() == [run.task.classes[k] for k in expected]
    kappa = cohen_kappa_score(known, expected, labels=range(5), weights="quadratic")
    scores = saved_scores(run)["valid"]["overall"]
    assert scores["kappa"] == pytest.approx(kappa)
    assert scores["accuracy"] == pytest.approx(accuracy_score(known, expected))


def test_validation_evaluated_again_is_the_same(own_run) -> None:
    run = own_run("retinopathy")
    before, scores = run.predictions("valid"), saved_scores(run)
    table, again = evaluate(run, split="valid", **CPU)
    pd.testing.assert_frame_equal(table, before)
    assert again == scores["valid"]
    assert Run.open(run.path).info["cut_points"] == run.info["cut_points"]


def test_other_views_leave_the_stored_cut_points_alone(own_run) -> None:
    run = own_run("retinopathy")
    before = run.info["cut_points"], run.info["scale"]
    plain, scores = evaluate(run, split="valid", views=["rot90"], **CPU)
    assert scores["views"] == ["rot90"]
    assert Run.open(run.path).info["cut_points"] == before[0]
    assert Run.open(run.path).info["scale"] == before[1]
    assert len(plain) == (run.items["split"] == "valid").sum()


def test_a_run_without_cut_points_gets_them_from_its_validation_part(own_run) -> None:
    run = own_run("retinopathy")
    before = run.info.pop("cut_points"), run.info.pop("scale")
    run.update()
    evaluate(run, split="valid", **CPU)
    assert (run.info["cut_points"], run.info["scale"]) == before


@pytest.mark.parametrize("name", ["cardiomegaly", "histology"])
def test_the_test_part_is_scored_and_kept_beside_the_validation_part(name: str, own_run) -> None:
    run = own_run(name)
    before = saved_scores(run)["valid"]
    table, scores = evaluate(run, views=["plain", "hflip"], **CPU)
    own = part(run.items, "test")
    assert table["item"].tolist() == own["item"].tolist()
    assert scores["n"] == len(own)
    assert scores["views"] == ["plain", "hflip"]
    assert scores["overall"]["accuracy"] == accuracy_score(table["target"], table["predicted"])
    assert read_json(run.path / "scores.json").keys() == {"valid", "test"}
    assert saved_scores(run)["valid"] == before
    saved = run.predictions("test")
    assert saved["predicted"].tolist() == table["predicted"].tolist()


def test_grades_of_the_test_part_use_the_stored_cut_points(phantoms: dict, tmp_path: Path) -> None:
    task = tiny_task("retinopathy", split__test=0.2, train__epochs=1)
    run = train(task, phantoms["retinopathy"], runs=tmp_path, **CPU)
    table, _ = evaluate(run, **CPU)
    decided = grades.to_grades(table["value"].to_numpy(), np.array(run.info["cut_points"]))
    assert len(table) == (run.items["split"] == "test").sum() > 0
    assert table["grade"].tolist() == decided.tolist()


def test_another_labelled_folder_is_scored_under_its_own_name(own_run, tmp_path: Path) -> None:
    run = own_run("cardiomegaly")
    shutil.copytree(run.data / "test", tmp_path / "clinic.v2")
    table, scores = evaluate(run, tmp_path / "clinic.v2", **CPU)
    assert read_json(run.path / "scores.json").keys() == {"valid", "clinic.v2"}
    assert scores["n"] == len(table) == (run.items["split"] == "test").sum()
    assert run.predictions("clinic.v2")["item"].tolist() == table["item"].tolist()
    inputs = Run.open(run.path).info["inputs"]
    assert (run.path / inputs["clinic.v2"]).resolve() == tmp_path / "clinic.v2"
    own, _ = evaluate(run, **CPU)
    same = own.assign(item=own["item"].str.removeprefix("test/")).set_index("item")
    np.testing.assert_allclose(
        table["score_true"], same.loc[table["item"], "score_true"], rtol=1e-4, atol=1e-6
    )


def test_a_set_that_is_named_as_a_part_does_not_overwrite_it(own_run) -> None:
    run = own_run("cardiomegaly")
    evaluate(run, run.data / "test", **CPU)
    assert saved_scores(run).keys() == {"valid", "test_input"}


def test_images_without_labels_are_refused_before_any_work(own_run, phantoms: dict) -> None:
    run = own_run("lungs")
    run.weights.unlink()
    with pytest.raises(DataError, match="has a label to score by; `fastmed predict` it"):
        evaluate(run, phantoms["lungs"] / "test_images", **CPU)
    assert saved_scores(run).keys() == {"valid"}


def test_bad_images_of_another_set_are_left_out_if_asked_for(own_run, tmp_path: Path) -> None:
    run = own_run("cardiomegaly")
    shutil.copytree(run.data / "test", tmp_path / "clinic")
    bad = sorted((tmp_path / "clinic" / "true").iterdir())[0]
    bad.write_bytes(b"no image")
    with pytest.raises(DataError, match=bad.name):
        evaluate(run, tmp_path / "clinic", **CPU)
    _, scores = evaluate(run, tmp_path / "clinic", skip_bad=True, **CPU)
    assert scores["n"] == (run.items["split"] == "test").sum() - 1


def test_parts_that_are_not_there_are_one_sentence(own_run, tmp_path: Path) -> None:
    run = own_run("lungs")
    with pytest.raises(RunError, match="has no test part; score another labelled set"):
        own_part(run, "test")
    run.update(data=str(tmp_path / "gone"))
    with pytest.raises(DataError, match=r"folder .*gone of .* is gone; put it back, or .* INPUT`"):
        evaluate(run, split="valid", **CPU)
