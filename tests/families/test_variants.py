"""Networks, seeds and folds side by side: real trainings of a tiny network."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import tiny_task
from sklearn.metrics import accuracy_score, roc_auc_score

from fastmed.data.tables import read_table, scores_of
from fastmed.errors import RunError, TaskError
from fastmed.evaluation import saved_scores
from fastmed.families import (
    Family,
    evaluate_together,
    predict_together,
    resume_family,
    train_family,
    train_members,
)
from fastmed.families.members import plan_members
from fastmed.families.summary import comparison, summary
from fastmed.grades import fit_cut_points, fit_scale, grade_scores
from fastmed.prediction.story import predict
from fastmed.results.calibration.fitted import validation_of
from fastmed.run import Run
from fastmed.training.train import train

CPU = {"device": "cpu", "workers": 0}


def task_of(name: str = "lungs", **changes: object):
    return tiny_task(name, **{"train__epochs": 1, "split__valid": 0.2, **changes})


@pytest.fixture(scope="module")
def folded(phantoms: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Family:
    runs = tmp_path_factory.mktemp("runs")
    task = task_of(split__test=0.25)
    return train_family(task, phantoms["lungs"], folds=2, runs=runs, name="folds", **CPU)


@pytest.fixture(scope="module")
def several(phantoms: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Family:
    runs = tmp_path_factory.mktemp("runs")
    archs, data = ["test_resnet", "test_vit"], phantoms["retinopathy"]
    task = task_of("retinopathy")
    return train_family(task, data, archs=archs, seeds=2, runs=runs, name="grid", **CPU)


def test_the_plan_is_every_combination_with_a_folder_of_its_own():
    plan = plan_members(task_of(train__seed=5), ["resnet18", "nets/own.py", "own.py"], 2, 2)
    assert len({member.name for member in plan}) == len(plan) == 12
    assert plan[0].name == "resnet18-seed-5-fold-0"
    assert plan[-1].name == "own-2-seed-6-fold-1"
    assert plan[-1].changes == {"train.arch": "own.py", "train.seed": 6}
    assert {member.trial for member in plan if member.network == "own"} == {
        "own-seed-5", "own-seed-6"
    }  # fmt: skip


def test_declared_members_differ_in_settings_and_share_the_images(
    phantoms: dict[str, Path], tmp_path: Path
):
    declared = {
        "plain": {},
        "turned": {"train": {"arch": "test_vit"}, "augment": {"rotate": 20}, "image.size": 48},
    }
    task = task_of(members=declared)
    family = train_family(task, phantoms["lungs"], members=["all"], runs=tmp_path, **CPU)
    plain, turned = family.finished.values()
    assert family.info["kind"] == "members"
    assert (plain.task.train.arch, turned.task.train.arch) == ("test_resnet", "test_vit")
    assert (plain.task.augment.rotate, turned.task.augment.rotate) == (0, 20)
    assert (plain.task.image.size, turned.task.image.size) == (32, 48)
    assert plain.items.equals(turned.items)
    assert comparison(family, "valid")["network"].tolist() == ["plain", "turned"]
    together = predict_together(family, family.items, **CPU)
    assert len(together) == len(family.items)


@pytest.mark.parametrize(
    ("archs", "members", "sentence"),
    [
        (["test_vit"], ["all"], "leave out --arch"),
        ([], ["b", "b"], "names 'b' twice"),
        ([], ["second"], "no member 'second'; did you mean 'secnd'"),
        ([], ["secnd"], "one training is no family"),
    ],
)
def test_members_that_can_not_be_are_refused(archs: list, members: list, sentence: str):
    task = task_of(members={"b": {}, "secnd": {}})
    with pytest.raises(TaskError, match=sentence):
        plan_members(task, archs, 1, 0, members)


def test_a_task_without_members_says_how_they_are_declared():
    with pytest.raises(TaskError, match=r"declares no members.*\[histology.members.first\]"):
        plan_members(task_of("histology"), [], 1, 0, ["all"])


@pytest.mark.parametrize(
    ("archs", "seeds", "folds", "sentence"),
    [
        ((), 1, 0, "one training is no family"),
        (("a", "a"), 1, 0, "names 'a' twice"),
        ((), 0, 3, "at least one seed"),
    ],
)
def test_what_is_no_family_is_refused(archs: tuple, seeds: int, folds: int, sentence: str):
    with pytest.raises(TaskError, match=sentence):
        plan_members(task_of(), archs, seeds, folds)


def test_a_network_that_is_unknown_is_refused_before_any_training(
    phantoms: dict[str, Path], tmp_path: Path
):
    with pytest.raises(Exception, match="no backbone 'resnet1888'"):
        train_family(
            task_of(), phantoms["lungs"], archs=["test_resnet", "resnet1888"], runs=tmp_path
        )
    assert list(tmp_path.iterdir()) == []


def test_each_image_is_predicted_once_by_a_network_that_never_saw_it(folded: Family):
    pooled = read_table(folded.path / "predictions" / "out-of-fold.csv")
    items = folded.items
    assert sorted(pooled["item"]) == sorted(items.loc[items["fold"] >= 0, "item"])
    assert (items["split"] == "test").any()
    for run in folded.members.values():
        seen = run.items[run.items["split"].isin(["train", "valid"])]
        own = run.predictions("test")
        assert not set(seen["item"]) & set(own["item"])
        assert not set(seen["group"]) & set(own["group"])
        both = pooled.merge(own, on="item", suffixes=("", "_own"))
        assert len(both) == len(own)
        assert np.allclose(both["score_healthy"], both["score_healthy_own"])


def test_scores_are_those_of_the_pooled_table_and_of_each_fold(folded: Family):
    table = summary(folded).set_index(["part", "score"])
    pooled = read_table(folded.path / "predictions" / "out-of-fold.csv")
    accuracy = table.loc[("test", "accuracy")]
    assert accuracy["pooled"] == accuracy_score(pooled["target"], pooled["predicted"])
    each = [saved_scores(run)["test"]["overall"] for run in folded.members.values()]
    values = [scores["accuracy"] for scores in each]
    assert accuracy["mean"] == pytest.approx(np.mean(values))
    assert accuracy["sd"] == pytest.approx(np.std(values, ddof=1))
    assert (accuracy["least"], accuracy["greatest"]) == (min(values), max(values))
    classes = list(folded.task.classes)
    expected = roc_auc_score(
        pooled["target"].map(classes.index), scores_of(pooled, classes), multi_class="ovr"
    )
    assert table.loc[("test", "auroc"), "pooled"] == pytest.approx(expected)
    assert json.loads((folded.path / "summary.json").read_text())[0]["score"]
    assert table.loc[("valid", "accuracy"), "pooled"] is None or np.isnan(
        table.loc[("valid", "accuracy"), "pooled"]
    )


def test_folds_predict_together_and_score_the_part_that_was_kept(
    folded: Family, phantoms: dict[str, Path]
):
    table, scores = evaluate_together(folded, **CPU)
    kept = folded.items[folded.items["split"] == "test"]
    assert sorted(table["item"]) == sorted(kept["item"])
    classes = folded.task.classes
    alone, own = (
        np.mean(
            [
                scores_of(predict(run, kept, calibrate=calibrate, **CPU), classes)
                for run in folded.members.values()
            ],
            axis=0,
        )
        for calibrate in (True, False)
    )
    assert np.allclose(scores_of(table, classes), alone)
    assert (table["predicted"] == np.array(classes)[own.argmax(1)]).all()
    bare = predict_together(folded, kept, calibrate=False, **CPU)
    assert np.allclose(scores_of(bare, classes), own)
    with pytest.raises(RunError, match="no validation part in common"):
        predict_together(folded, kept, sets=0.9, **CPU)
    assert scores["n"] == len(kept)
    saved = json.loads((folded.path / "scores.json").read_text())["test"]
    assert saved["overall"]["accuracy"] == scores["overall"]["accuracy"]
    new = predict_together(folded.path, phantoms["lungs"] / "test_images", **CPU)
    assert len(new) == 60 or len(new) > 0


def test_networks_and_seeds_share_the_split_and_differ_in_their_weights(several: Family):
    assert list(several.members) == [
        "test_resnet-seed-42", "test_resnet-seed-43", "test_vit-seed-42", "test_vit-seed-43",
    ]  # fmt: skip
    tables = [run.items for run in several.members.values()]
    assert all(table.equals(tables[0]) for table in tables)
    weights = {run.weights.read_bytes() for run in several.members.values()}
    assert len(weights) == 4
    rows = comparison(several, "valid").set_index("run")
    assert (
        rows.loc["test_vit-seed-42", "parameters"] != rows.loc["test_resnet-seed-42", "parameters"]
    )
    assert (rows["megabytes"] > 0.1).all()
    assert (rows["memory_megabytes"] > 100).all()
    spread = summary(several)
    assert set(spread["network"]) == {"test_resnet", "test_vit"}
    assert (spread["runs"] == 2).all()
    assert "pooled" not in spread


@pytest.mark.slow
def test_grades_are_averaged_as_values(several: Family, phantoms: dict[str, Path]):
    images = phantoms["retinopathy"] / "train_images"
    table = predict_together(several, images, **CPU)
    alone = [predict(run, images, **CPU) for run in several.members.values()]
    value = np.mean([one["value"] for one in alone], axis=0)
    assert np.allclose(table["value"], value)
    kept = [validation_of(run) for run in several.members.values()]
    own, rule = np.mean([one.outputs for one in kept], axis=0), several.task.cut_points
    points = fit_cut_points(own, kept[0].true, 5, rule)
    assert (table["grade"] == np.searchsorted(points, value, side="right")).all()
    scale = fit_scale(own, kept[0].true, points)
    expected = grade_scores(value, points, scale)
    assert np.allclose(scores_of(table, several.task.classes), expected)
    flagged = predict_together(several, images, operating_point="class=Mild,youden", **CPU)
    assert (flagged["flagged"] == (flagged["grade"] >= 1)).all()


def test_a_family_goes_on_where_it_was_stopped(
    phantoms: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folded: Family
):
    def stop(task: object, items: pd.DataFrame, *, name: str, **options: object) -> Run:
        if name == "fold-1":
            raise KeyboardInterrupt
        return train(task, items, name=name, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(train_members, "train", stop)
    with pytest.raises(KeyboardInterrupt):
        train_family(
            task_of(split__test=0.25), phantoms["lungs"], folds=2, runs=tmp_path, name="f", **CPU
        )
    monkeypatch.undo()
    family = Family.open(tmp_path / "lungs" / "f")
    with pytest.raises(RunError, match=r"is a family of runs"):
        Run.open(family.path)
    assert list(family.finished) == ["fold-0"]
    family = resume_family(family.path, **CPU)
    assert family.info["status"] == "done"
    for name, run in folded.members.items():
        assert run.weights.read_bytes() == family.members[name].weights.read_bytes()
    pooled = [read_table(one.path / "predictions/out-of-fold.csv") for one in (folded, family)]
    pd.testing.assert_frame_equal(*pooled)


@pytest.mark.slow
def test_the_command_prints_folds_and_their_spread(
    phantoms: dict[str, Path], tmp_path: Path, command: Callable
):
    said = command(
        "train", "lungs", "--folds", 2, "--data", phantoms["lungs"], "--runs", tmp_path,
        "--arch", "test_resnet", "--no-pretrained", "--size", 32, "--epochs", 1, "--batch", 8,
        "--workers", 0, "--device", "cpu", "--name", "f", "--accept", "Y1=a small phantom",
    )  # fmt: skip
    assert said.code == 0, said.err
    assert "Each run on its own fold" in said.out
    assert "Over 2 folds, test part" in said.out
    assert "pooled" in said.out
    family = tmp_path / "lungs" / "f"
    said = command("predict", phantoms["lungs"] / "test_images", "--run", family, "--device", "cpu")
    assert said.code == 0, said.err
    assert "The mean of 2 runs" in said.err
    said = command("evaluate", family, phantoms["lungs"], "--device", "cpu")
    assert said.code == 1
    assert "trained fold-0, chose its epoch" in said.err
    said = command("evaluate", family, phantoms["lungs"], "--device", "cpu", "--drop-seen")
    assert said.code == 1
    assert "shaped fold-0 and are left out" in said.err
    said = command("resume", family)
    assert said.code == 1
    assert "all 2 runs of" in said.err


def test_items_without_folds_are_no_whole_family(folded: Family, tmp_path: Path) -> None:
    copy = Family.open(shutil.copytree(folded.path, tmp_path / "copy"))
    table = pd.read_csv(copy.path / "items.csv", dtype=str)
    table.drop(columns="fold").to_csv(copy.path / "items.csv", index=False)
    with pytest.raises(RunError, match="no column fold: it is not a whole family"):
        _ = copy.items
