import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fastmed.learn.fitting.callbacks import StopWhenNotFinite
from fastmed.run import Run
from fastmed.training import fitting
from fastmed.training import train as training

TINY = (
    "--arch", "test_resnet", "--no-pretrained", "--batch", "8", "--size", "32", "--device", "cpu",
    "--workers", "0", "--accept", "Y1=a small phantom",
)  # fmt: skip


def check_usable(command: Callable, run: Run, images: Path) -> None:
    said = command("interpret", run.path, "--device", "cpu")
    assert said.code == 0, said.err
    assert (run.figures / "valid_confusion_matrix.png").is_file()
    said = command("predict", images, "--run", run.path, "--device", "cpu")
    assert said.code == 0, said.err


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="Windows has no SIGINT to send")
def test_ctrl_c_keeps_the_best_epoch(phantoms: dict, tmp_path: Path, command: Callable) -> None:
    """A terminal sends it to the loader processes too."""
    data = ("--data", phantoms["retinopathy"], "--runs", tmp_path, "--set", "balance.method=none")
    process = subprocess.Popen(
        [
            sys.executable, "-m", "fastmed", "train", "retinopathy", *TINY, *data,
            "--epochs", "100000", "--workers", "2",
        ],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    for line in process.stdout:
        if line.startswith("Epoch 2/"):
            os.killpg(process.pid, signal.SIGINT)
            break
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert said.splitlines()[-1].startswith("Warning: Interrupted; finished epochs: ")
    run = Run.newest(tmp_path)
    assert run.info["status"] == "interrupted"
    assert run.info["epochs_done"] == len(run.history) >= 2
    assert f"keeps the weights of epoch {run.info['best_epoch']}, the best so far" in said
    assert f"`fastmed resume {run.path}` goes on" in said
    assert not [file for file in run.path.iterdir() if file.name.endswith(".tmp")]
    check_usable(command, run, phantoms["retinopathy"] / "extra_images")


class InterruptedAtOnce(StopWhenNotFinite):
    def after_loss(self) -> None:
        raise KeyboardInterrupt


def test_ctrl_c_within_the_first_epoch(
    phantoms: dict, tmp_path: Path, command: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "StopWhenNotFinite", InterruptedAtOnce)
    said = command("train", "lungs", *TINY, "--data", phantoms["lungs"], "--runs", tmp_path)
    assert said.code == 130
    assert "keeps the weights of the unfinished first epoch" in said.err
    assert "Traceback" not in said.err
    check_usable(command, Run.newest(tmp_path), phantoms["lungs"] / "test_images")


def test_ctrl_c_before_the_training_leaves_nothing(
    phantoms: dict, tmp_path: Path, command: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "read_items", interrupt)
    said = command("train", "lungs", *TINY, "--data", phantoms["lungs"], "--runs", tmp_path / "r")
    assert said.code == 130
    assert not (tmp_path / "r").exists()
