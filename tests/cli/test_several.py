"""Commands in several processes; those that train are started by torchrun."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from test_processes import put

from fastmed.cli.several import check_command
from fastmed.errors import TrainingError
from fastmed.run import Run

TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2")
TINY = (
    "--arch", "test_resnet", "--no-pretrained", "--batch", "8", "--size", "32", "--device", "cpu",
    "--workers", "0", "--accept", "Y1=a small phantom",
)  # fmt: skip

# Runs fastmed; the second process ends before its eighth batch in the way that is asked for.
BREAKS = """
import os, sys
from fastai.learner import Learner
from fastmed.cli import main
from fastmed.errors import TrainingError

one_batch, how, left = Learner.one_batch, sys.argv[1], 8

def counted(learn, *given):
    global left
    left -= 1
    if os.environ["RANK"] == "1" and left == 0:
        if how == "kill":
            os.kill(os.getpid(), 9)
        raise {"error": TrainingError, "bug": ZeroDivisionError}[how]("it broke")
    return one_batch(learn, *given)

Learner.one_batch = counted
main(sys.argv[2:])
"""


@pytest.mark.parametrize("name", ["predict", "evaluate", "interpret", "lr-find", "study"])
def test_what_one_process_does_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch)
    with pytest.raises(TrainingError, match=f"`fastmed {name}` is done by one process"):
        check_command(name)


@pytest.mark.parametrize("name", ["train", "resume", None])
def test_trainings_are_not(name: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch)
    check_command(name)


def trained(data: Path, runs: Path, *more: str) -> list[str]:
    return ["train", "lungs", *TINY, "--data", str(data), "--runs", str(runs), *more]


@pytest.mark.slow
@pytest.mark.parametrize(
    "how, sentence, reason",
    [
        ("error", "Error: it broke", "process 1 failed: it broke"),
        ("bug", "ZeroDivisionError: it broke", "process 1 failed: it broke"),
        ("kill", "Error: another process of the training is out of reach", "another process"),
    ],
)
def test_one_that_ends_ends_all_and_only_it_speaks(
    how: str, sentence: str, reason: str, phantoms: dict, tmp_path: Path
) -> None:
    script = tmp_path / "breaks.py"
    script.write_text(BREAKS, encoding="utf-8")
    command = [*TORCHRUN, script, how, *trained(phantoms["lungs"], tmp_path / "runs")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    assert done.stderr.count(sentence) == 1
    run = Run.newest(tmp_path / "runs")
    assert run.info["status"] == "failed"
    assert run.info["reason"].startswith(reason)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="Windows has no SIGINT to send")
def test_ctrl_c_ends_all_and_resume_goes_on(
    phantoms: dict, tmp_path: Path, command: Callable
) -> None:
    """A terminal sends it to every process, and torchrun passes it on once more."""
    process = subprocess.Popen(
        [*TORCHRUN, "-m", "fastmed", *trained(phantoms["lungs"], tmp_path), "--epochs", "20"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    for line in process.stdout:
        if line.startswith("Epoch 2/"):
            os.killpg(process.pid, signal.SIGINT)
            break
    pressed = time.monotonic()
    _, said = process.communicate(timeout=60)
    assert process.returncode
    assert time.monotonic() - pressed < 25
    assert said.count("Warning: Interrupted; finished epochs: ") == 1
    run = Run.newest(tmp_path)
    assert run.info["status"] == "interrupted"
    assert 2 <= run.info["epochs_done"] == len(run.history) < 20
    going_on = [*TORCHRUN, "-m", "fastmed", "resume", str(run.path)]
    done = subprocess.run(going_on, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    run = Run.open(run.path)
    assert (run.info["status"], len(run.history)) == ("done", 20)
    assert command("interpret", run.path, "--device", "cpu").code == 0


@pytest.mark.slow
def test_a_wrong_command_is_one_sentence(phantoms: dict, tmp_path: Path) -> None:
    command = [*TORCHRUN, "-m", "fastmed", "predict", str(phantoms["lungs"])]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr.count("`fastmed predict` is done by one process, and 2 were") == 1
