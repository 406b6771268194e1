"""Trackers get what happens in a run, and can neither change, hold up nor end a training."""

import os
import signal
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import tiny_task
from safetensors.torch import load_file

from fastmed.errors import MissingExtraError, TrainingError
from fastmed.run import Run
from fastmed.tracking import trackers
from fastmed.tracking.messenger import Messenger
from fastmed.tracking.tracker import About, Tracker
from fastmed.tracking.trackers import TRACKERS, check_trackers
from fastmed.tracking.worker import follow
from fastmed.training.train import train

CPU = {"device": "cpu", "workers": 0}


def tracked_run(phantoms: dict, tmp_path: Path, name: str, **changes: object) -> Run:
    task = tiny_task("lungs", **changes)
    runs = tmp_path / "runs"
    return train(task, phantoms["lungs"], runs=runs, name="followed", track=[name], **CPU)


def measures_of(run: Run) -> list[str]:
    return [name for name in run.history.columns if name not in ("epoch", "phase")]


# What is kept


@pytest.fixture(scope="module")
def board(phantoms: dict, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, object]:
    """A run followed by TensorBoard, and what its own reader finds."""
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = tracked_run(phantoms, tmp_path_factory.mktemp("board"), "tensorboard")
    found = EventAccumulator(str(run.path / "tensorboard"))
    found.Reload()
    return run, found


def test_tensorboard_has_every_measure_of_every_epoch(board: tuple) -> None:
    run, found = board
    for name in measures_of(run):
        points = found.Scalars(name)
        assert [point.step for point in points] == run.history["epoch"].tolist()
        np.testing.assert_allclose([point.value for point in points], run.history[name], rtol=1e-6)


def test_tensorboard_has_settings_scores_and_figures(board: tuple) -> None:
    run, found = board
    assert set(found.Tags()["images"]) == {"curves", "confusion_matrix"}
    (figure,) = found.Images("curves")
    drawn = run.figures / "valid_curves.png"
    assert figure.encoded_image_string == drawn.read_bytes()
    (text,) = found.Tensors("task/text_summary")
    assert b'"arch": "test_resnet"' in text.tensor_proto.string_val[0]
    (score,) = found.Scalars("final/best_epoch")
    assert score.value == run.info["best_epoch"]


def test_tracking_changes_no_weight(board: tuple, phantoms: dict, tmp_path: Path) -> None:
    followed = board[0]
    plain = train(tiny_task("lungs"), phantoms["lungs"], runs=tmp_path, name="plain", **CPU)
    weights, same = load_file(plain.weights), load_file(followed.weights)
    assert all(torch.equal(weights[name], same[name]) for name in weights)
    columns = [name for name in plain.history.columns if name != "seconds"]
    assert plain.history[columns].equals(followed.history[columns])
    assert followed.info["track"] == ["tensorboard"]
    assert "track" not in plain.info


@pytest.mark.slow
def test_mlflow_keeps_a_run(
    phantoms: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mlflow = pytest.importorskip("mlflow")
    pytest.importorskip("alembic")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/kept.db")
    run = tracked_run(phantoms, tmp_path, "mlflow")
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/kept.db")
    (kept,) = client.search_runs([client.get_experiment_by_name("lungs").experiment_id])
    assert kept.info.run_name == "followed"
    assert kept.info.status == "FINISHED"
    assert kept.data.params["train.arch"] == "test_resnet"
    for name in measures_of(run):
        points = client.get_metric_history(kept.info.run_id, name)
        assert [
            (point.step, point.value) for point in sorted(points, key=lambda one: one.step)
        ] == [*zip(run.history["epoch"], run.history[name], strict=True)]
    files = client.list_artifacts(kept.info.run_id, "figures")
    assert {Path(file.path).name for file in files} == {
        "valid_curves.png", "valid_confusion_matrix.png",
    }  # fmt: skip
    assert kept.data.metrics["final/best_epoch"] == run.info["best_epoch"]


def offline_records(file: Path) -> Iterator[object]:
    """Read the file of an offline run: a log of LevelDB, after seven bytes, of W&B's messages."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, place, whole = file.read_bytes(), 7, b""
    while place + 7 <= len(content):
        left = 32768 - place % 32768
        if left < 7:
            place += left
            continue
        _, length, kind = struct.unpack("<IHB", content[place : place + 7])
        whole += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # a whole record, or the last piece of one
            record = Record()
            record.ParseFromString(whole)
            whole = b""
            yield record


@pytest.mark.slow
def test_wandb_writes_an_offline_run(
    phantoms: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    run = tracked_run(phantoms, tmp_path, "wandb")
    (file,) = run.path.glob("wandb/offline-run-*/*.wandb")
    records = list(offline_records(file))
    begun = next(one.run for one in records if one.WhichOneof("record_type") == "run")
    assert (begun.display_name, begun.run_group) == ("followed", "lungs")
    assert begun.host == ""
    for private in ("worker.py", str(tmp_path), str(phantoms["lungs"])):
        assert private.encode() not in file.read_bytes()
    settings = {one.key: one.value_json for one in begun.config.update}
    assert '"arch":"test_resnet"' in settings["train"].replace(" ", "")
    rows = [
        {(item.key or item.nested_key[0]): item.value_json for item in one.history.item}
        for one in records
        if one.WhichOneof("record_type") == "history"
    ]
    points = [float(row["valid_loss"]) for row in rows if "valid_loss" in row]
    np.testing.assert_allclose(points, run.history["valid_loss"])
    pictures = {path.name.rsplit("_", 2)[0] for path in file.parent.rglob("*.png")}
    assert pictures == {"curves", "confusion_matrix"}
    ended = next(one.exit for one in records if one.WhichOneof("record_type") == "exit")
    assert ended.exit_code == 0


# What is refused, and what fails


def test_names_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TrainingError, match="no tracker 'wanbd'; did you mean 'wandb'"):
        check_trackers(["wanbd"])
    with pytest.raises(TrainingError, match="stands twice"):
        check_trackers(["tensorboard", "tensorboard"])
    monkeypatch.setattr(trackers, "find_spec", lambda name: None)
    for name in TRACKERS:
        with pytest.raises(MissingExtraError, match=rf'pip install "fastmed\[{name}\]"'):
            check_trackers([name])


def test_unknown_tracker_leaves_no_run(phantoms: dict, tmp_path: Path, command: Callable) -> None:
    said = command(
        "train", "lungs", "--data", phantoms["lungs"], "--runs", tmp_path / "runs",
        "--track", "tensorbord",
    )  # fmt: skip
    assert said.code == 1
    assert said.err == "Error: no tracker 'tensorbord'; did you mean 'tensorboard'?\n"
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_a_tracker_that_fails_is_one_warning(
    phantoms: dict,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its files can't be written; the training goes on to its end."""
    pytest.importorskip("tensorboard")
    create = Run.create

    def create_with_a_file_in_the_way(*given: object) -> Run:
        run = create(*given)
        (run.path / "tensorboard").write_text("in the way", encoding="utf-8")
        return run

    monkeypatch.setattr(Run, "create", create_with_a_file_in_the_way)
    with caplog.at_level("WARNING", logger="fastmed"):
        run = tracked_run(phantoms, tmp_path, "tensorboard")
    assert Run.open(run.path).info["status"] == "done"
    warnings = [one.getMessage() for one in caplog.records if "TensorBoard" in one.getMessage()]
    (warning,) = warnings
    assert "FileExistsError" in warning
    assert "the training goes on" in warning


@pytest.fixture
def about(tmp_path: Path) -> About:
    return About(tmp_path, "one", "lungs", "key", {"train": {"lr": 0.1, "opt": None}})


def test_a_tracker_that_hangs_holds_nothing_up(
    about: About, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("tensorboard")
    messenger = Messenger("tensorboard", about, tmp_path / "log", patience=0.3)
    os.kill(messenger.process.pid, signal.SIGSTOP)
    began = time.monotonic()
    for epoch in range(1, 3000):
        messenger.epoch(epoch, {f"measure_{n}": 0.5 for n in range(10)})
    with caplog.at_level("WARNING", logger="fastmed"):
        messenger.end("done", {})
        messenger.wait()
    assert time.monotonic() - began < 5
    assert "did not end in 0.3 seconds" in caplog.text
    os.kill(messenger.process.pid, signal.SIGCONT)
    assert messenger.process.wait(30) == 0


def test_a_killed_training_ends_its_tracker(about: About, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    messenger = Messenger("tensorboard", about, tmp_path / "log")
    messenger.epoch(1, {"valid_loss": 1.0, "auroc": float("nan")})
    messenger.lines.put(None)  # the pipe is closed, as it is when the process is gone
    assert messenger.process.wait(30) == 0
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(tmp_path / "tensorboard"))
    found.Reload()
    assert found.Tags()["scalars"] == ["valid_loss"]
    assert found.Tensors("status/text_summary")[0].tensor_proto.string_val[0] == b"killed"


class Notes(Tracker):
    """Keeps what it is told."""

    label, package = "Notes", "json"
    told: list

    def __init__(self, about: About) -> None:
        Notes.told = [about]

    def epoch(self, number: int, values: dict) -> None:
        self.told.append((number, values))

    def figure(self, name: str, file: Path, number: int) -> None:
        self.told.append((name, file, number))

    def end(self, status: str, scores: dict) -> None:
        self.told.append((status, scores))


def test_messages_reach_a_tracker_in_order(about: About) -> None:
    lines = [
        '["about", {"folder": "/runs/one", "name": "one", "task": "lungs", "key": "k", '
        '"settings": {"train": {"lr": 0.1, "opt": null}, "name": "lungs"}}]',
        '["epoch", 1, {"valid_loss": 0.5}]',
        '["figure", "curves", "/runs/one/curves.png", 1]',
        '["end", "done", {"final/auroc": 0.9}]',
    ]
    follow(Notes, lines)
    begun, *rest = Notes.told
    assert begun.folder == Path("/runs/one")
    assert begun.flat_settings() == {"train.lr": "0.1", "name": "lungs"}
    assert rest == [
        (1, {"valid_loss": 0.5}),
        ("curves", Path("/runs/one/curves.png"), 1),
        ("done", {"final/auroc": 0.9}),
    ]
    follow(Notes, lines[:2])
    assert Notes.told[-1] == ("killed", {})
