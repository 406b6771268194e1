"""Image only, metadata only and both, trained and compared in one go."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from conftest import tiny_task

from fastmed.errors import RunError, TaskError, TrainingError
from fastmed.evaluation import saved_scores
from fastmed.families import Family, compare_meta, resume_family, train_members
from fastmed.families.summary import comparison
from fastmed.run import Run, list_runs
from fastmed.task import Task
from fastmed.training.train import train

CPU = {"device": "cpu", "workers": 0}
MEMBERS = ["image", "metadata", "image-and-metadata"]


def task_of(**changes: object) -> Task:
    return tiny_task("pneumonia", train__epochs=1, meta=("age", "sex"), **changes)


@pytest.fixture(scope="module")
def family(phantoms: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Family:
    runs = tmp_path_factory.mktemp("runs")
    task = task_of(split__test=0.2, train__freeze_epochs=1)
    return compare_meta(task, phantoms["pneumonia"], runs=runs, name="first", **CPU)


def test_members_are_runs_of_the_same_split(family: Family) -> None:
    members = family.members
    assert list(members) == MEMBERS
    tables = [run.items for run in members.values()]
    assert all(table.equals(tables[0]) for table in tables)
    tasks = [run.task for run in members.values()]
    assert [task.meta for task in tasks] == [(), ("age", "sex"), ("age", "sex")]
    assert [task.train.arch for task in tasks] == ["test_resnet", "metadata", "test_resnet"]
    assert {run.info["status"] for run in members.values()} == {family.info["status"]} == {"done"}


def test_the_third_goes_on_from_the_first(family: Family) -> None:
    first, _, third = family.members.values()
    assert Path(third.task.train.weights) == first.path
    assert first.history["phase"].tolist() == ["whole"]
    assert third.history["phase"].tolist() == ["frozen", "whole"]


def test_the_comparison_holds_the_scores_of_each(family: Family) -> None:
    for part in ("valid", "test"):
        table = comparison(family, part)
        assert table["run"].tolist() == MEMBERS
        for row, run in zip(table.to_dict("records"), family.members.values(), strict=True):
            scores = saved_scores(run)[part]
            assert row["n"] == scores["n"] == (run.items["split"] == part).sum()
            assert row["auroc"] == scores["overall"]["auroc"]
    saved = pd.read_csv(family.path / "comparison.csv")
    assert saved["run"].tolist() == [name for name in MEMBERS for _ in range(2)]
    assert json.loads((family.path / "comparison.json").read_text())[0]["run"] == "image"


def test_runs_are_found_and_the_family_is_told(
    family: Family, command: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = family.path.parent.parent
    assert {run.path.name for run in list_runs(runs)} == set(MEMBERS)
    assert {run.task_name for run in list_runs(runs)} == {"pneumonia"}
    assert Run.newest(runs, "pneumonia").path.name == "image-and-metadata"
    monkeypatch.chdir(runs)
    said = command("runs", "pneumonia", "--runs", ".")
    assert all(f"pneumonia/first/{name} " in said.out for name in MEMBERS)
    with pytest.raises(RunError, match=r"is a family of runs; take one of them: 'image', "):
        Run.open(family.path)
    assert list(Family.open(family.path).members) == MEMBERS
    with pytest.raises(RunError, match="is not a family of runs"):
        Family.open(family.members["image"].path)


@pytest.mark.slow
def test_the_command_prints_one_table_a_part(
    phantoms: dict[str, Path], tmp_path: Path, command: Callable
) -> None:
    said = command(
        "train", "pneumonia", "--compare-meta", "--data", phantoms["pneumonia"], "--runs", tmp_path,
        "--arch", "test_resnet", "--no-pretrained", "--size", 32, "--epochs", 1, "--batch", 8,
        "--set", "train.freeze_epochs=0", "--workers", 0, "--device", "cpu",
    )  # fmt: skip
    assert said.code == 0, said.err
    assert said.out.count("Validation part (each epoch was chosen on it") == 1
    assert "Test part" not in said.out
    assert all(re.search(rf"┃ *{name} *┃", said.out) for name in MEMBERS)
    assert "trained longer than image" in said.err
    assert said.err.count("rows that repeat an image are merged") == 1
    assert "Warning" not in said.err.replace("Warning: Fewer than 30 patients", "")


def test_what_it_needs_is_said_at_once(phantoms: dict[str, Path], tmp_path: Path) -> None:
    data, runs = phantoms["pneumonia"], tmp_path / "runs"
    with pytest.raises(TaskError, match=r"needs metadata, and task 'pneumonia' names none"):
        compare_meta(task_of().with_changes({"meta": []}), data, runs=runs)
    with pytest.raises(TaskError, match="needs a network for the image"):
        compare_meta(task_of(train__arch="metadata"), data, runs=runs)
    assert not runs.exists()


def stopping(monkeypatch: pytest.MonkeyPatch, member: str, error: BaseException) -> None:
    """Let a member's training end with an error, before it has a folder."""

    def stop(task: Task, items: pd.DataFrame, *, name: str, **options: object) -> Run:
        if name == member:
            raise error
        return train(task, items, name=name, **options)

    monkeypatch.setattr(train_members, "train", stop)


def test_finished_members_stay_when_it_is_interrupted(
    phantoms: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    stopping(monkeypatch, "metadata", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        compare_meta(task_of(), phantoms["pneumonia"], runs=tmp_path, name="a", **CPU)
    family = Family.open(tmp_path / "pneumonia" / "a")
    assert family.info["status"] == "interrupted"
    assert list(family.members) == ["image"]
    assert comparison(family, "valid")["run"].tolist() == ["image"]
    assert f"Finished runs: image. `fastmed resume {family.path}` goes on" in caplog.text
    monkeypatch.undo()
    before = (family.path / "image" / "run.json").read_bytes()
    resumed = resume_family(family.path, **CPU)
    assert resumed.info["status"] == "done"
    assert list(resumed.finished) == MEMBERS
    assert (family.path / "image" / "run.json").read_bytes() == before
    with pytest.raises(RunError, match="all 3 runs of .* are finished"):
        resume_family(family.path)


def test_a_family_that_never_began_leaves_nothing(
    phantoms: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopping(monkeypatch, "image", TrainingError("no"))
    with pytest.raises(TrainingError):
        compare_meta(task_of(), phantoms["pneumonia"], runs=tmp_path, name="a", **CPU)
    assert list((tmp_path / "pneumonia").iterdir()) == []


def test_a_failure_is_kept_with_its_reason(
    phantoms: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopping(monkeypatch, "metadata", TrainingError("the loss became nan"))
    with pytest.raises(TrainingError):
        compare_meta(task_of(), phantoms["pneumonia"], runs=tmp_path, name="a", **CPU)
    info = Family.open(tmp_path / "pneumonia" / "a").info
    assert (info["status"], info["reason"]) == ("failed", "the loss became nan")
