import json
import random
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from conftest import tiny_task
from safetensors.torch import load_file, save_file
from stopped import batches_of, killed_command, marks_of, moments, stopped_before
from test_claim import hold

import fastmed
from fastmed.errors import RunError, TrainingError
from fastmed.learn.fitting.callbacks import KeepBest
from fastmed.run import Run, checkpoints
from fastmed.task import Task
from fastmed.training.resume import newest_stopped, resume
from fastmed.training.train import train

CPU = {"device": "cpu", "workers": 0}
TURNED = {"augment": {"flip_horizontal": 0.5, "rotate": 10, "light": 0.2}}
WARM = {"train__pretrained": True, "train__freeze_epochs": 1}

# task, settings, options of the training
CASES: dict[str, tuple[str, dict, dict]] = {
    "phases": (
        "lungs", {**WARM, **TURNED, "train__ema": 0.9, "augment__first_epoch": 2}, {},
    ),
    "mixup": (
        "lungs",
        {**TURNED, "train__mixup": 0.4, "train__opt": "adamax", "head": {"dropout": 0.4}},
        {"workers": 2, "cache": False},
    ),
    "early": (
        "lungs",
        {**WARM, "train__freeze_epochs": 3, "train__epochs": 5, "train__patience": 1},
        {},
    ),
    "workers": ("lungs", {**TURNED, "train__opt": "sgd"}, {"workers": 2}),
    "items": ("lungs", {"train__schedule": "cosine", "train__cutmix": 0.4}, {"cache": False}),
    "grades": (
        "retinopathy",
        {"train__opt": "ranger", "train__accumulate": 2, "train__clip": 1.0,
         "train__schedule": "step", "train__step_epochs": 1, "augment__last_epoch": 1},
        {},
    ),
    "metadata": (
        "pneumonia",
        {"meta": ["age", "sex"], "balance__method": "sampler", "train__start_size": 16,
         "train__precision": "bf16", "train__channels_last": True},
        {},
    ),
}  # fmt: skip
QUICK = ("phases", "early")


@pytest.fixture
def start(tmp_path: Path) -> str:
    """Weights of a body, so that a training starts from pretrained ones without a network."""
    torch.manual_seed(3)
    save_file(timm.create_model("test_resnet").state_dict(), tmp_path / "w.safetensors")
    return str(tmp_path / "w.safetensors")


def case(name: str, start: str) -> tuple[Task, dict[str, Any]]:
    of, settings, options = CASES[name]
    if settings.get("train__pretrained"):
        settings = {**settings, "train__weights": start}
    return tiny_task(of, **settings), {**CPU, **options}


@pytest.mark.parametrize(
    "name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in CASES]
)
def test_a_training_that_was_stopped_twice_ends_as_if_it_never_was(
    name: str, phantoms: dict, tmp_path: Path, start: str
) -> None:
    task, options = case(name, start)
    data = phantoms[task.name]
    whole, batches = batches_of(lambda: train(task, data, runs=tmp_path, name="whole", **options))
    path = tmp_path / task.name / "stopped"
    first, second = moments(batches, seed=len(name))
    with stopped_before(first):
        train(task, data, runs=tmp_path, name="stopped", **options)
    assert Run.open(path).status == "killed"
    random.seed()
    torch.manual_seed(99)
    with stopped_before(second):
        resume(path)
    run = resume(path)
    assert len(run.info["resumed"]) == 2
    assert marks_of(run) == marks_of(whole)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "moment"), [("batch", 5), ("write", 12)])
def test_kill_9_in_a_batch_or_in_a_write_loses_nothing(
    kind: str, moment: int, phantoms: dict, tmp_path: Path
) -> None:
    """A real process, killed; what it wrote last is half, and what was there before is whole."""
    data = phantoms["lungs"]
    killed_command(
        kind, moment, "train", "lungs", "--data", data, "--runs", tmp_path, "--name", "killed",
        "--arch", "test_resnet", "--no-pretrained", "--batch", 8, "--size", 32, "--epochs", 2,
        "--set", "balance.method=none", "--set", "split.valid=0.25", "--device", "cpu",
        "--workers", 0, "--set", "image.fit=letterbox", "--accept", "Y1=a small phantom",
    )  # fmt: skip
    run = newest_stopped(tmp_path)
    assert run.status == "killed"
    for kept in checkpoints.checkpoints(run.path):
        assert load_file(kept.weights)
        if kept.resumable:
            assert load_file(kept.state)
            assert json.loads(kept.info.read_text())["epoch"] == kept.epoch
    assert any(run.path.rglob(".*.tmp")) == (kind == "write")
    whole = train(run.task, data, runs=tmp_path, name="whole", **CPU)
    assert marks_of(resume(run)) == marks_of(whole)
    assert not any(run.path.rglob(".*"))


@pytest.fixture
def stopped(phantoms: dict, tmp_path: Path) -> Run:
    """A run of three epochs, stopped in the third."""
    task = tiny_task("lungs", train__epochs=3, train__save_every=1)
    with stopped_before(12):
        train(task, phantoms["lungs"], runs=tmp_path, name="stopped", **CPU)
    return Run.open(tmp_path / "lungs" / "stopped")


def test_checkpoints_of_epochs_are_places_to_go_back_to(stopped: Run) -> None:
    assert [one.epoch for one in checkpoints.checkpoints(stopped.path)] == [1, 2]
    with pytest.raises(RunError, match="can't go on from epoch 7, only from '1', '2'"):
        resume(stopped, epoch=7)
    run = resume(stopped, epoch=1)
    marks = marks_of(run)
    assert run.info["resumed"] == [1]
    with pytest.raises(RunError, match=r"is finished.*--weights"):
        resume(run)
    run = resume(run, epoch=2)
    assert run.info["resumed"] == [1, 2]
    assert marks_of(run) == marks


@pytest.mark.slow
def test_what_is_kept_is_the_best_and_the_last_and_no_state_after_the_end(
    phantoms: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KeepBest, "_worse", lambda keeper, *values: len(keeper.history.rows) > 2)
    run = train(tiny_task("lungs", train__epochs=4), phantoms["lungs"], runs=tmp_path, **CPU)
    files = sorted(file.name for file in (run.path / "checkpoints").iterdir())
    assert files == ["epoch-02.safetensors", "epoch-04.safetensors"]
    assert run.weights.read_bytes() == run.at(2).weights.read_bytes()
    assert run.weights.read_bytes() != run.at(4).weights.read_bytes()


def test_ctrl_c_in_a_resumed_training_may_be_resumed(stopped: Run) -> None:
    with stopped_before(1, KeyboardInterrupt):
        resume(stopped)
    again = Run.open(stopped.path)
    assert (again.status, again.info["epochs_done"]) == ("interrupted", 2)
    run = resume(stopped)
    assert (run.status, len(run.history)) == ("done", 3)
    assert "epochs_done" not in run.info


def test_a_failed_training_goes_on_when_the_reason_is_gone(
    stopped: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    class DiskFullError(TrainingError):
        pass

    with stopped_before(1, DiskFullError):
        resume(stopped)
    assert Run.open(stopped.path).info["status"] == "failed"
    assert "reason" not in resume(stopped).info


def test_a_run_that_is_trained_now_is_left_alone(stopped: Run) -> None:
    process = hold(stopped.path)
    try:
        assert Run.open(stopped.path).status == "training"
        with pytest.raises(RunError, match="is being trained by another process"):
            resume(stopped)
        with pytest.raises(RunError, match="no run in .* was interrupted"):
            newest_stopped(stopped.path.parent.parent)
    finally:
        process.kill()
        process.communicate()
    assert newest_stopped(stopped.path.parent.parent).path == stopped.path


@pytest.mark.slow
def test_a_run_that_has_no_checkpoint_begins_again(stopped: Run, phantoms: dict) -> None:
    for kept in checkpoints.checkpoints(stopped.path):
        kept.drop()
    assert resume(stopped).info["status"] == "done"
    whole = train(
        stopped.task, phantoms["lungs"], runs=stopped.path.parent.parent, name="whole", **CPU
    )
    assert marks_of(stopped) == marks_of(whole)


def test_a_better_epoch_whose_checkpoint_was_lost_is_forgotten(stopped: Run) -> None:
    """Between the weights of the best epoch and its checkpoint the process may be killed."""
    resume(stopped)
    marks = marks_of(stopped)
    stopped = Run.open(stopped.path)
    stopped.weights.write_bytes(b"of an epoch that is trained again")
    stopped.update(best_epoch=3, best_value=99.0, status="training")
    run = resume(stopped, epoch=1)
    assert marks_of(run) == marks


def test_damage_is_one_sentence(stopped: Run) -> None:
    last = checkpoints.checkpoints(stopped.path)[-1]
    state = last.state.read_bytes()
    last.state.write_bytes(state[:-100])
    with pytest.raises(RunError, match=r"epoch-02.json is no whole checkpoint"):
        resume(stopped)
    last.state.write_bytes(state)
    info = json.loads(last.info.read_text())
    del info["training"]["optimizer"]["state"][3]
    last.info.write_text(json.dumps(info))
    with pytest.raises(RunError, match="does not fit the training that it should go on with"):
        resume(stopped)
    assert Run.open(stopped.path).info["status"] == "failed"
    last.info.write_text(json.dumps({**info, "format": 99}))
    with pytest.raises(RunError, match="another version of fastmed wrote it"):
        resume(stopped)
    last.info.write_text("{")
    with pytest.raises(RunError, match="epoch-02.json can't be read"):
        resume(stopped)
    assert resume(stopped, epoch=1).info["status"] == "done"


def test_it_is_a_public_name() -> None:
    assert fastmed.resume is resume
