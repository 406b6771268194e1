"""What is decided on request, and what is kept in the run for it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import tiny_task
from scipy.special import softmax

from fastmed.data.items import read_items
from fastmed.data.tables import part, read_table, scores_of, write_table
from fastmed.errors import DataError, RunError, TaskError
from fastmed.evaluation import evaluate
from fastmed.prediction.story import outputs_of, predict
from fastmed.results.calibration.fitted import Validation, calibration_of, fitted_of, validation_of
from fastmed.results.calibration.probabilities import Calibration, fit_temperature
from fastmed.results.deciding.conformal import class_sets, fit_levels, set_names
from fastmed.results.deciding.decisions import (
    Wishes,
    certainty_of,
    decisions_on,
    fit_decisions,
    flag,
)
from fastmed.results.deciding.operating_points import OperatingPoint, read_rule
from fastmed.run import Run
from fastmed.training.train import train

CPU = {"device": "cpu", "workers": 0}
FITTED = ("calibration", "operating_points", "cut_points")


def point_of(rule, threshold, task):
    return OperatingPoint(read_rule(rule, task), threshold, 0, 0, 0, 0)


def test_flags_and_decisions_agree_for_categories() -> None:
    task = tiny_task("lungs")
    scores = np.array([[0.6, 0.3, 0.1], [0.1, 0.5, 0.4], [0.2, 0.2, 0.6], [0.3, 0.6, 0.1]])
    at = point_of("class=COVID,youden", 0.3, task)
    flagged, decided = flag(at, scores, scores.argmax(axis=1), task)
    assert flagged.tolist() == [True, True, False, True]
    assert decided.tolist() == [1, 1, 2, 1]
    flagged, decided = flag(
        point_of("class=COVID,youden", 0.55, task), scores, scores.argmax(axis=1), task
    )
    assert flagged.tolist() == [False, False, False, True]
    assert decided.tolist() == [0, 2, 2, 1]


def test_flags_and_decisions_agree_for_grades() -> None:
    task = tiny_task("retinopathy")
    scores = np.array([[0.1, 0.3, 0.5, 0.1, 0.0], [0.5, 0.1, 0.1, 0.2, 0.1]])
    flagged, decided = flag(
        point_of("class=Moderate,youden", 0.4, task), scores, np.array([1, 0]), task
    )
    assert flagged.tolist() == [True, True]
    assert decided.tolist() == [2, 2]
    flagged, decided = flag(
        point_of("class=Moderate,youden", 0.7, task), scores, np.array([4, 0]), task
    )
    assert decided.tolist() == [1, 0]


def test_certainty_with_a_threshold_is_the_distance_from_it() -> None:
    task = tiny_task("cardiomegaly")
    scores = np.array([[0.8, 0.2], [0.9, 0.1], [0.5, 0.5]])
    at = point_of("youden", 0.2, task)
    found = certainty_of(scores, np.array([1, 0, 1]), task, at)
    np.testing.assert_allclose(found, [0, np.log(9 / 4), np.log(4)], atol=1e-12)
    np.testing.assert_allclose(certainty_of(scores, np.array([1, 0, 1]), task), [0.2, 0.9, 0.5])


# What a run keeps


@pytest.mark.parametrize("name", ["lungs", "cardiomegaly", "pneumonia"])
def test_a_run_keeps_what_its_validation_part_says(name: str, trained: dict[str, Run]) -> None:
    run = trained[name]
    kept, found = validation_of(run), run.info["calibration"]
    assert kept.table["item"].tolist() == part(run.items, "valid")["item"].tolist()
    assert found["temperature"] == pytest.approx(fit_temperature(kept.outputs, kept.true))
    assert found["n"] == len(kept.table)
    shares = part(run.items, "train")["target"].value_counts(normalize=True)
    np.testing.assert_allclose(found["shares"], shares[list(run.task.classes)])
    classes = [run.task.classes[-1]] if len(run.task.classes) == 2 else list(run.task.classes)
    points = run.info["operating_points"]
    assert [one["class"] for one in points if one["rule"] == "youden"] == classes


@pytest.mark.parametrize("name", ["lungs", "retinopathy"])
def test_the_restored_run_gives_what_was_kept_bit_for_bit(
    name: str, trained: dict[str, Run]
) -> None:
    run = Run.open(trained[name].path)
    items, kept = part(run.items, "valid"), validation_of(run)
    outputs = outputs_of(run, items, **CPU)[1]
    np.testing.assert_array_equal(outputs, kept.outputs)
    table = predict(run, items, **CPU)
    expected = fitted_of(run).probabilities(kept.outputs)
    np.testing.assert_array_equal(scores_of(table, run.task.classes), expected)


def test_what_an_epoch_was_calibrated_with_is_its_own(
    phantoms: dict[str, Path], tmp_path: Path
) -> None:
    task = tiny_task("lungs", train__save_every=1)
    run = train(task, phantoms["lungs"], runs=tmp_path, **CPU)
    other = next(epoch for epoch in (1, 2) if epoch != run.info["best_epoch"])
    at = run.at(other)
    assert not {"calibration", "operating_points"} & set(at.info)
    evaluate(at, split="valid", **CPU)
    again = Run.open(run.path)
    assert again.info["calibration"] == run.info["calibration"]
    kept = validation_of(again.at(other))
    found = again.at(other).info["calibration"]
    assert found["temperature"] == pytest.approx(fit_temperature(kept.outputs, kept.true))
    assert not np.array_equal(kept.outputs, validation_of(run).outputs)


def test_other_images_are_calibrated_as_the_run_says(
    trained: dict[str, Run], phantoms: dict[str, Path]
) -> None:
    run, images = trained["lungs"], phantoms["lungs"] / "test_images"
    raw = scores_of(predict(run, images, calibrate=False, **CPU), run.task.classes)
    table = predict(run, images, **CPU)
    expected = softmax(np.log(raw) / run.info["calibration"]["temperature"], axis=1)
    np.testing.assert_allclose(scores_of(table, run.task.classes), expected, rtol=1e-9)
    shares = np.array(run.info["calibration"]["shares"])
    there = predict(run, images, prevalence="COVID=0.02", **CPU)
    rest = shares[[0, 2]] / shares[[0, 2]].sum() * 0.98
    moved = expected * np.array([rest[0], 0.02, rest[1]]) / shares
    np.testing.assert_allclose(
        scores_of(there, run.task.classes), moved / moved.sum(axis=1, keepdims=True), rtol=1e-9
    )


def test_permuted_test_labels_change_nothing_that_is_fitted(
    phantoms: dict[str, Path], tmp_path: Path
) -> None:
    """Of grades by their steps, which have a temperature, cut points and operating points."""
    task = tiny_task("retinopathy", train__loss="corn", split__test=0.25, train__epochs=1)
    items = read_items(task, phantoms["retinopathy"])
    permuted = items.copy()
    rows = items.index[items["split"] == "test"]
    permuted.loc[rows, "target"] = items.loc[rows[::-1], "target"].to_numpy()
    assert (permuted["target"] != items["target"]).any()
    found = []
    for which, table in (("as-is", items), ("permuted", permuted)):
        table.attrs = items.attrs
        run = train(task, table, runs=tmp_path, name=which, **CPU)
        if which == "permuted":
            evaluate(run, **CPU)
        info = Run.open(run.path).info
        found.append(json.dumps({key: info[key] for key in FITTED}))
    assert found[0] == found[1]
    assert "temperature" in found[0]


def test_balanced_trainings_keep_their_weights(phantoms: dict[str, Path], tmp_path: Path) -> None:
    task = tiny_task("lungs", balance__method="class_weights", train__epochs=1)
    run = train(task, phantoms["lungs"], runs=tmp_path, **CPU)
    found = run.info["calibration"]
    counts = part(run.items, "train")["target"].value_counts()[list(task.classes)].to_numpy()
    np.testing.assert_allclose(found["weights"], counts.sum() / counts / 3)
    np.testing.assert_allclose(found["shares"], counts / counts.sum())
    kept = validation_of(run)
    weights = np.array(found["weights"])
    assert found["temperature"] == pytest.approx(fit_temperature(kept.outputs, kept.true, weights))
    raw = calibration_of(run, calibrate=False)
    np.testing.assert_allclose(raw.shares, 1 / 3)
    np.testing.assert_array_equal(raw.probabilities(kept.outputs), kept.outputs)


def test_a_run_from_before_still_predicts_and_says_so(
    own_run, phantoms: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    run = own_run("lungs")
    images = phantoms["lungs"] / "test_images"
    raw = predict(run, images, calibrate=False, **CPU)
    run.forget("calibration", "operating_points")
    (run.path / "calibration.csv").unlink()
    caplog.clear()
    pd.testing.assert_frame_equal(predict(run, images, **CPU), raw)
    assert "has no calibration" in caplog.text
    with pytest.raises(DataError, match="isn't known what class shares"):
        predict(run, images, prevalence="COVID=0.1", **CPU)
    with pytest.raises(RunError, match=r"no outputs .* `fastmed evaluate .* --split valid` fits"):
        predict(run, images, sets=0.9, **CPU)
    evaluate(run, split="valid", **CPU)
    assert not predict(Run.open(run.path), images, **CPU).equals(raw)


# What is asked for


def test_points_sets_and_abstention_are_columns(
    own_run, phantoms: dict[str, Path], tmp_path: Path
) -> None:
    run, images = own_run("lungs"), phantoms["lungs"] / "test_images"
    wishes = {"operating_point": "class=COVID,youden", "sets": 0.8, "abstain": 0.2}
    table = predict(run, images, **wishes, **CPU)
    kept = next(
        one for one in run.info["operating_points"]
        if (one["class"], one["rule"]) == ("COVID", "youden")
    )  # fmt: skip
    assert (table["threshold"] == kept["threshold"]).all()
    assert (table["flagged"] == (table["score_COVID"] >= kept["threshold"])).all()
    assert (table["flagged"] == (table["predicted"] == "COVID")).all()
    valid, fitted = validation_of(run), fitted_of(run)
    scores = fitted.probabilities(valid.outputs)
    inside = class_sets(scores_of(table, run.task.classes), fit_levels(scores, valid.true, 0.8))
    assert table["set"].tolist() == set_names(inside, run.task.classes)
    assert table["abstained"].dtype == bool
    write_table(table, tmp_path / "out.csv")
    again = read_table(tmp_path / "out.csv")
    for column in ("flagged", "abstained", "threshold", "set"):
        assert again[column].tolist() == table[column].tolist()


def test_a_point_that_is_fitted_later_is_the_one_that_training_would_keep(own_run) -> None:
    run = own_run("cardiomegaly")
    kept = run.info["operating_points"][0]
    wish = Wishes("youden")
    assert fit_decisions(wish, run, fitted_of(run)).point.as_info() == kept
    run.forget("operating_points")
    again = Run.open(run.path)
    assert fit_decisions(wish, again, fitted_of(again)).point.as_info() == kept


def test_wishes_are_refused_before_the_network_is_loaded(own_run, tmp_path: Path) -> None:
    run = own_run("cardiomegaly")
    run.weights.unlink()
    for wishes, sentence in (
        ({"operating_point": "sensitivity=0.99"}, "can't be promised by"),
        ({"sets": 95}, "between 0 and 1, not 95"),
        ({"abstain": "a lot"}, "doesn't say when to abstain"),
        ({"prevalence": "true=2"}, "are none"),
    ):
        with pytest.raises(DataError, match=sentence):
            predict(run, tmp_path / "none", **wishes, **CPU)


def test_at_another_prevalence_the_same_images_are_flagged() -> None:
    task = tiny_task("cardiomegaly")
    rng = np.random.default_rng(0)
    true = rng.integers(0, 2, 300)
    scores = softmax(rng.normal(0, 1, (300, 2)) + 1.5 * np.eye(2)[true], axis=1)
    items = pd.DataFrame(
        {"item": np.arange(300).astype(str), "group": "", "target": np.array(task.classes)[true]}
    )
    valid = Validation.of(task, items, scores)
    here = Calibration(1.3, shares=np.array([0.5, 0.5]))
    flags = []
    for calibration in (here, here.at_prevalence(np.array([0.98, 0.02]))):
        wish = Wishes("sensitivity=0.8")
        point = decisions_on(wish, valid, calibration).point
        flags.append(calibration.probabilities(scores)[:, 1] >= point.threshold)
    assert flags[0].tolist() == flags[1].tolist()
    assert 0 < flags[0].sum() < 300


def test_grades_have_sets_flags_and_no_uncalibrated_scores(
    trained: dict[str, Run], phantoms: dict[str, Path]
) -> None:
    run, images = trained["retinopathy"], phantoms["retinopathy"] / "train_images"
    table = predict(run, images, operating_point="class=Moderate,youden", sets=0.7, **CPU)
    assert (table["flagged"] == (table["grade"] >= 2)).all()
    order = {name: place for place, name in enumerate(run.task.classes)}
    for names in table["set"]:
        places = [order[name] for name in names.split(" | ")]
        assert places == list(range(places[0], places[-1] + 1))
    with pytest.raises(TaskError, match="no probabilities of grades before they are fitted"):
        predict(run, images, calibrate=False, **CPU)
    moved = predict(run, images, prevalence={"No DR": 0.9}, **CPU)
    assert moved["score_No DR"].mean() > table["score_No DR"].mean()
    assert moved["value"].tolist() == table["value"].tolist()


def test_another_set_is_judged_at_the_stored_thresholds(own_run, tmp_path: Path) -> None:
    run = own_run("cardiomegaly")
    table, scores = evaluate(run, **CPU)
    (point, *_), kept = scores["operating_points"], run.info["operating_points"][0]
    assert point["threshold"] == kept["threshold"]
    flagged = table["score_true"] >= kept["threshold"]
    cases = table["target"] == "true"
    assert (point["found"], point["positives"]) == ((flagged & cases).sum(), cases.sum())
    assert (point["cleared"], point["negatives"]) == ((~flagged & ~cases).sum(), (~cases).sum())
    wrong = (table["predicted"] != table["target"]).mean()
    assert scores["abstention"]["augrc"] <= wrong


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"temperature": 0}, "calibration.temperature"),
        ({"temperature": "hot"}, "calibration.temperature"),
        ({"weights": [1, -1, 1]}, "calibration.weights"),
        ({"weights": [1.0, 2.0]}, "calibration.weights has 2 numbers for 3 classes"),
        ({"shares": [0.5, 0.5, 2.0]}, "calibration.shares"),
        ({"rows_sha256": "abc"}, "calibration.rows_sha256"),
        ({"n": -1}, "calibration.n"),
    ],
)
def test_malformed_calibrations_are_refused(changes: dict, sentence: str, own_run) -> None:
    run = own_run("lungs")
    run.update(calibration={**run.info["calibration"], **changes})
    with pytest.raises(RunError, match=sentence):
        fitted_of(Run.open(run.path))


def test_malformed_points_and_other_rows_are_refused(own_run) -> None:
    run = own_run("lungs")
    points = run.info["operating_points"]
    for changes in ({"threshold": 2}, {"threshold": None}, {"found": -1}, {"found": 1.5}):
        run.update(operating_points=[{**points[0], **changes}])
        with pytest.raises(RunError, match=r"operating_points\.0"):
            Run.open(run.path)
    run.update(operating_points=[{**points[0], "class": "none"}])
    with pytest.raises(RunError, match="operating_points, no operating point for the class 'none'"):
        fit_decisions(Wishes("class=COVID,youden"), Run.open(run.path), fitted_of(run))
    table = validation_of(run).table
    write_table(table.iloc[1:], run.path / "calibration.csv")
    with pytest.raises(RunError, match="has other rows than the run was calibrated with"):
        validation_of(run)
    write_table(table.drop(columns="score_COVID"), run.path / "calibration.csv")
    with pytest.raises(RunError, match="is not as fastmed writes it"):
        validation_of(run)


@pytest.mark.slow
def test_points_are_fitted_without_torch(own_run) -> None:
    run = own_run("cardiomegaly")
    code = (
        "import sys; from fastmed.run import Run; "
        "from fastmed.results.calibration.fitted import fitted_of; "
        "from fastmed.results.deciding.decisions import Wishes, fit_decisions; "
        f"run = Run.open({str(run.path)!r}); "
        "fit_decisions(Wishes('cost=3:1', 0.9, 0.1), run, fitted_of(run)); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_command_flags_and_corrects(own_run, phantoms: dict, tmp_path: Path, command) -> None:
    run, out = own_run("cardiomegaly"), tmp_path / "out.csv"
    shutil.copytree(phantoms["cardiomegaly"] / "test" / "true", tmp_path / "new")
    said = command(
        "predict", tmp_path / "new", "--run", run.path, "--out", out, "--device", "cpu",
        "--operating-point", "cost=5:1", "--prevalence", "true=0.1", "--sets", "0.8",
        "--abstain", "error=0.9",
    )  # fmt: skip
    assert said.code == 0, said.err
    assert {"threshold", "flagged", "set", "abstained"} <= set(read_table(out).columns)
    said = command("predict", tmp_path / "new", "--run", run.path, "--operating-point", "all")
    assert said.code == 1
    assert "'all' is no rule of an operating point" in said.err
