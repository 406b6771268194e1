import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import timm
import torch
from conftest import TASKS, tiny_task
from PIL import Image
from safetensors.torch import load_file, save_file
from sklearn.metrics import accuracy_score

from fastmed.data.tables import part
from fastmed.errors import DataError, FastmedError, ModelError, RunError, TrainingError
from fastmed.evaluation import saved_scores
from fastmed.learn.fitting.callbacks import KeepBest, StopWhenNotFinite
from fastmed.prediction.story import predict
from fastmed.results.calibration.fitted import validation_of
from fastmed.run import Run, list_runs
from fastmed.task import Task
from fastmed.training import fitting
from fastmed.training.train import train

CPU = {"device": "cpu", "workers": 0}


@pytest.mark.parametrize("name", TASKS)
def test_a_run_holds_everything(name: str, trained: dict[str, Run]) -> None:
    run = Run.open(trained[name].path)
    info, items = run.info, run.items
    assert info["status"] == "done"
    assert info["device"] == "cpu"
    assert info["seconds"] > 0
    assert info["metric"] == run.task.select
    history = run.history
    assert history["epoch"].tolist() == [1, 2]
    assert info["best_value"] == pytest.approx(history[run.task.select][info["best_epoch"] - 1])
    table = run.predictions("valid")
    assert table["item"].tolist() == part(items, "valid")["item"].tolist()
    assert table["target"].tolist() == part(items, "valid")["target"].tolist()
    assert saved_scores(run)["valid"]["n"] == len(table)
    assert {path.name for path in run.path.iterdir()} - {"figures"} == {
        "run.json", "task.json", "items.csv", "history.csv", "model.safetensors", "predictions",
        "scores.json", "scores.csv", "checkpoints", "data.lock", "calibration.csv",
        "likeness.safetensors",
    }  # fmt: skip


def own_loss(run: Run) -> float:
    """Return the mean loss of the validation part by the network's own probabilities."""
    kept = validation_of(run)
    return -np.log(kept.outputs[np.arange(len(kept.true)), kept.true]).mean()


@pytest.mark.parametrize("name", ["lungs", "pneumonia", "histology"])
def test_scores_are_of_the_epoch_that_was_kept(name: str, trained: dict[str, Run]) -> None:
    """What was shown after the best epoch is what its predictions give."""
    run = trained[name]
    shown = run.history.iloc[run.info["best_epoch"] - 1]
    table = run.predictions("valid")
    views = saved_scores(run)["valid"]["views"]
    if views == ["plain"]:
        assert accuracy_score(table["target"], table["predicted"]) == pytest.approx(
            shown["accuracy"]
        )
        assert own_loss(run) == pytest.approx(shown["valid_loss"], rel=1e-4)
    assert saved_scores(run)["valid"]["overall"]["accuracy"] == accuracy_score(
        table["target"], table["predicted"]
    )


class KeepsTheFirst(KeepBest):
    """Holds the first epoch to be the best."""

    def after_epoch(self) -> None:
        if len(self.history.rows) == 1:
            super().after_epoch()


def test_the_best_epoch_is_evaluated_not_the_last(
    phantoms: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "KeepBest", KeepsTheFirst)
    run = train(tiny_task("lungs", train__epochs=3), phantoms["lungs"], runs=tmp_path, **CPU)
    losses = run.history["valid_loss"]
    assert run.info["best_epoch"] == 1
    assert own_loss(run) == pytest.approx(losses[0], rel=1e-4)
    assert abs(losses[2] - losses[0]) > 1e-3


def weights_of(run: Run) -> dict[str, torch.Tensor]:
    return load_file(run.weights)


def same(one: dict, other: dict) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def test_a_seed_decides_everything(phantoms: dict, tmp_path: Path) -> None:
    task = tiny_task("lungs", augment={"flip_horizontal": 0.5, "rotate": 10, "light": 0.2})

    def run_of(task: Task) -> Run:
        return train(task, phantoms["lungs"], runs=tmp_path, **CPU)

    one, again = run_of(task), run_of(task)
    other = run_of(task.with_changes({"train.seed": 7}))
    assert same(weights_of(one), weights_of(again))
    assert one.history.drop(columns="seconds").equals(again.history.drop(columns="seconds"))
    assert one.predictions("valid").equals(again.predictions("valid"))
    assert not same(weights_of(one), weights_of(other))
    assert one.items.equals(other.items)


def test_the_network_learns(tmp_path: Path) -> None:
    """Dark and bright images are told apart after some epochs."""
    generator = np.random.default_rng(0)
    for number in range(40):
        label = ("false", "true")[number % 2]
        pixels = generator.integers(0, 100, (16, 16), dtype=np.uint8) + 150 * (number % 2)
        folder = tmp_path / "data" / "train" / label
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
    task = tiny_task("cardiomegaly", train__epochs=4, train__lr=0.01, head={"hidden": []})
    run = train(task, tmp_path / "data", runs=tmp_path / "runs", **CPU)
    assert saved_scores(run)["valid"]["overall"]["accuracy"] == 1


def body_file(tmp_path: Path) -> tuple[str, dict[str, torch.Tensor]]:
    torch.manual_seed(3)
    source = timm.create_model("test_resnet", num_classes=7).state_dict()
    save_file(source, tmp_path / "w.safetensors")
    return str(tmp_path / "w.safetensors"), source


def test_training_starts_from_the_weights_of_a_file(phantoms: dict, tmp_path: Path) -> None:
    file, source = body_file(tmp_path)
    changes = {"train__weights": file, "train__pretrained": True}
    task = tiny_task(
        "lungs", train__opt="sgd", train__lr=1e-12, train__schedule="constant", **changes
    )
    run = train(task, phantoms["lungs"], runs=tmp_path / "runs", **CPU)
    kept = weights_of(run)
    body = {name: value for name, value in source.items() if value.ndim == 4}
    assert body
    for name, value in body.items():
        found = next(kept[key] for key in kept if key.endswith(f".net.{name}"))
        torch.testing.assert_close(found, value, rtol=1e-5, atol=1e-7)


def test_frozen_epochs_come_first_and_only_with_pretrained_weights(
    phantoms: dict, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="fastmed")
    file, _ = body_file(tmp_path)
    task = tiny_task("lungs", train__epochs=1, train__freeze_epochs=2)
    run = train(task, phantoms["lungs"], runs=tmp_path / "runs", **CPU)
    assert run.history["phase"].tolist() == ["whole"]
    assert "the 2 frozen epochs are left out" in caplog.text
    warm = task.with_changes({"train.pretrained": True, "train.weights": file})
    run = train(warm, phantoms["lungs"], runs=tmp_path / "runs", **CPU)
    assert run.history["phase"].tolist() == ["frozen", "frozen", "whole"]
    assert run.history["epoch"].tolist() == [1, 2, 3]


def test_torchvision_names_become_timms(phantoms: dict, tmp_path: Path) -> None:
    task = tiny_task("lungs", train__arch="mobilenet_v3_small", train__epochs=1)
    run = train(task, phantoms["lungs"], runs=tmp_path, **CPU)
    assert run.task.train.arch == "mobilenetv3_small_100"
    assert "mobilenetv3_small_100" in run.path.name


WRONG = {
    "arch": ({"train__arch": "resnet5000"}, ModelError, "no backbone 'resnet5000'"),
    "weights": (
        {"train__pretrained": True, "train__weights": "w.pth"}, ModelError, "no weights file",
    ),
    "size": (
        {"train__arch": "inception_v3"}, ModelError, "'inception_v3' does not work at 32 pixels",
    ),
    "classes": ({"classes": ["healthy", "COVID"]}, DataError, "'2' is none of the classes"),
    "split": ({"split__valid": 0}, DataError, "validation part is empty"),
    "batch": ({"train__batch": 1}, FastmedError, "train.batch = 1 does not work"),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_from_the_start_leaves_no_run(
    wrong: str, phantoms: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    changes, error, sentence = WRONG[wrong]
    with pytest.raises(error, match=re.escape(sentence)):
        train(tiny_task("lungs", **changes), phantoms["lungs"], runs="runs", **CPU)
    assert list(tmp_path.iterdir()) == []


def test_weights_of_another_network_leave_no_run(phantoms: dict, tmp_path: Path) -> None:
    file, _ = body_file(tmp_path)
    task = tiny_task("lungs", train__arch="test_vit", train__pretrained=True, train__weights=file)
    with pytest.raises(ModelError, match="was it made for another --arch"):
        train(task, phantoms["lungs"], runs=tmp_path / "runs", **CPU)
    assert not (tmp_path / "runs").exists()


def test_a_missing_device_or_folder_is_told_at_once(phantoms: dict, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no device 'cuda:77' here"):
        train(tiny_task("lungs"), tmp_path / "none", runs=tmp_path / "runs", device="cuda:77")
    with pytest.raises(DataError, match=r"there is no data folder .*none"):
        train(tiny_task("lungs"), tmp_path / "none", runs=tmp_path / "runs", **CPU)
    train(tiny_task("lungs", train__epochs=1), phantoms["lungs"], runs=tmp_path, name="a", **CPU)
    with pytest.raises(RunError, match="exists already"):
        train(tiny_task("lungs"), phantoms["lungs"], runs=tmp_path, name="a", **CPU)
    assert len(list_runs(tmp_path)) == 1


class InSecondEpoch(StopWhenNotFinite):
    """Does something in the middle of the second epoch."""

    def after_loss(self) -> None:
        if self.training and (self.epoch, self.iter) == (1, 1):
            self.happens()
        super().after_loss()


class LossExplodes(InSecondEpoch):
    def happens(self) -> None:
        self.learn.loss_grad = self.loss_grad * float("nan")


class UserInterrupts(InSecondEpoch):
    def happens(self) -> None:
        raise KeyboardInterrupt


class MemoryIsFull(InSecondEpoch):
    def happens(self) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate 20 MiB")


class WorkerIsKilled(InSecondEpoch):
    def happens(self) -> None:
        raise RuntimeError("DataLoader worker (pid 7) is killed by signal: Bus error.")


class ProgramBreaks(InSecondEpoch):
    def happens(self) -> None:
        raise ZeroDivisionError("a mistake of the program's")


class InterruptedAtOnce(StopWhenNotFinite):
    def after_loss(self) -> None:
        raise KeyboardInterrupt


def stopped_run(
    happening: type, error: type, phantoms: dict, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Run, str]:
    monkeypatch.setattr(fitting, "StopWhenNotFinite", happening)
    with pytest.raises(error) as caught:
        train(tiny_task("lungs", train__epochs=5), phantoms["lungs"], runs=runs, **CPU)
    return Run.newest(runs), str(caught.value)


def assert_usable(run: Run) -> None:
    table = predict(run, part(run.items, "valid"), device="cpu", workers=0)
    assert len(table) == (run.items["split"] == "valid").sum()


def test_a_loss_that_is_no_number_fails_and_keeps_the_best_before(
    phantoms: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, said = stopped_run(LossExplodes, TrainingError, phantoms, tmp_path, monkeypatch)
    assert said.startswith("the loss became nan in batch 2 of 3; try a smaller --lr")
    assert (run.info["status"], run.info["reason"]) == ("failed", said)
    assert run.info["best_epoch"] == 1
    assert len(run.history) == 1
    assert_usable(run)


def test_a_learning_rate_that_is_far_too_high_is_one_sentence(
    phantoms: dict, tmp_path: Path
) -> None:
    task = tiny_task("lungs", train__opt="sgd", train__lr=1e30, train__schedule="constant")
    with pytest.raises(TrainingError, match=r"the loss became (nan|inf).*smaller --lr \(now 1e\+"):
        train(task, phantoms["lungs"], runs=tmp_path, **CPU)
    assert Run.newest(tmp_path).info["status"] == "failed"


def test_an_interrupted_run_keeps_its_best_epoch(
    phantoms: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    run, _ = stopped_run(UserInterrupts, KeyboardInterrupt, phantoms, tmp_path, monkeypatch)
    assert (run.info["status"], run.info["epochs_done"]) == ("interrupted", 1)
    assert "keeps the weights of epoch 1, the best so far" in caplog.text
    assert f"fastmed interpret {run.path}" in caplog.text
    assert_usable(run)


def test_a_run_that_is_interrupted_at_once_keeps_what_there_is(
    phantoms: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    run, _ = stopped_run(InterruptedAtOnce, KeyboardInterrupt, phantoms, tmp_path, monkeypatch)
    assert run.info["epochs_done"] == 0
    assert "keeps the weights of the unfinished first epoch" in caplog.text
    assert_usable(run)


def test_full_memory_is_one_sentence(
    phantoms: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, said = stopped_run(MemoryIsFull, TrainingError, phantoms, tmp_path, monkeypatch)
    assert said == (
        "8 images of 32 pixels don't fit into the memory of cpu; "
        "use a smaller --batch, --size or --arch"
    )
    assert run.info["status"] == "failed"
    assert_usable(run)


def test_a_loader_process_that_is_killed_is_one_sentence(
    phantoms: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, said = stopped_run(WorkerIsKilled, TrainingError, phantoms, tmp_path, monkeypatch)
    assert said.startswith("a process that reads images was killed")
    assert "--workers 0" in said
    assert_usable(run)


def test_a_mistake_of_the_programs_is_not_hidden_and_the_run_says_failed(
    phantoms: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _ = stopped_run(ProgramBreaks, ZeroDivisionError, phantoms, tmp_path, monkeypatch)
    assert run.info["status"] == "failed"


@pytest.mark.slow
def test_bad_images_are_left_out_if_asked_for(tmp_path: Path, phantoms: dict) -> None:
    root = tmp_path / "data"
    shutil.copytree(phantoms["lungs"], root)
    names = pd.read_csv(root / "train_labels.csv")["image"]
    (root / "train_images" / names[0]).write_bytes(b"no image")
    with pytest.raises(DataError, match=rf"{names[0]}.*`--skip-bad` leaves them out"):
        train(tiny_task("lungs"), root, runs=tmp_path / "runs", **CPU)
    run = train(tiny_task("lungs"), root, runs=tmp_path / "runs", skip_bad=True, **CPU)
    items = run.items.set_index("image")
    assert items.loc[f"train_images/{names[0]}", "split"] == "left_out"
