"""Two real processes, started by torchrun, that train together on the CPU (gloo)."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from safetensors.torch import load_file
from stopped import marks_of
from torch.testing import assert_close
from two_processes import CPU, exact_task, recorded

from fastmed.data.tables import part
from fastmed.run import Run
from fastmed.training.train import train

HERE = Path(__file__).parent
TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2")
CASES = ("exact", "full", "resumed", "frozen")
MEASURES = ["train_loss", "valid_loss", "accuracy", "balanced_accuracy", "macro_f1", "auroc"]


class Trained(NamedTuple):
    """What two processes left: their reports, and the folder of their runs."""

    processes: list[dict[str, Any]]
    runs: Path

    def run(self, name: str) -> Run:
        return Run.open(self.runs / "lungs" / name)


@pytest.fixture(scope="module")
def together(phantoms: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Trained:
    runs = tmp_path_factory.mktemp("together")
    done = subprocess.run(
        [*TORCHRUN, HERE / "two_processes.py", phantoms["lungs"], runs],
        capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    reports = [json.loads((runs / f"process-{rank}.json").read_text()) for rank in (0, 1)]
    return Trained(reports, runs)


class Alone(NamedTuple):
    """The same training by one process."""

    run: Run
    drawn: list[list[int]]


@pytest.fixture(scope="module")
def alone(phantoms: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Alone:
    with recorded() as found:
        run = train(exact_task(), phantoms["lungs"], runs=tmp_path_factory.mktemp("alone"), **CPU)
    return Alone(run, found.drawn)


@pytest.mark.parametrize("case", CASES)
def test_both_end_with_equal_weights(case: str, together: Trained) -> None:
    one, other = (process[case]["weights"] for process in together.processes)
    assert one == other
    assert len(one) == (2 if case == "frozen" else 1)
    assert len(set(one)) == len(one)


def test_they_train_as_one_does(together: Trained, alone: Alone) -> None:
    """Without randomness of their own, and each image for itself, but for rounding."""
    run = together.run("exact")
    assert_close(load_file(run.weights), load_file(alone.run.weights), rtol=1e-4, atol=1e-5)
    names = [*MEASURES, *(f"test_{name}" for name in MEASURES[2:]), "lr"]
    for name in names:
        assert run.history[name].tolist() == pytest.approx(
            alone.run.history[name].tolist(), rel=1e-4
        )
    scores = [one.predictions("valid")["loss"].tolist() for one in (run, alone.run)]
    assert scores[0] == pytest.approx(scores[1], rel=1e-3)


def test_batches_are_those_of_one_process_and_no_row_comes_twice(
    together: Trained, alone: Alone
) -> None:
    size = exact_task().train.batch
    parts = [process["exact"]["drawn"] for process in together.processes]
    for epoch, *shares in zip(alone.drawn, *parts, strict=True):
        whole = epoch[: len(epoch) // size * size]
        assert len(set(whole)) == len(whole)
        assert sorted(shares[0] + shares[1]) == sorted(whole)
        for start in range(0, len(whole), size):
            half = slice(start // 2, (start + size) // 2)
            assert shares[0][half] + shares[1][half] == whole[start : start + size]


def test_sampled_epochs_are_shared_out(together: Trained) -> None:
    one, other = (process["full"]["drawn"] for process in together.processes)
    assert [len(epoch) for epoch in one] == [len(epoch) for epoch in other]
    assert one != other


def test_every_validation_row_is_predicted_once(together: Trained) -> None:
    for name in ("exact", "full", "frozen"):
        run = together.run(name)
        table = run.predictions("valid")
        assert table["item"].is_unique
        assert table["item"].tolist() == part(run.items, "valid")["item"].tolist()


def test_one_run_is_left_of_each_training(together: Trained) -> None:
    own, others = together.processes
    assert own["runs"] == others["runs"]
    assert sorted(Path(run).name for run in own["runs"]) == sorted(CASES)
    for case in CASES:
        assert own[case]["run"] == others[case]["run"] == str(together.run(case).path)
        assert own[case]["status"] == others[case]["status"] == "done"
        assert together.run(case).info["processes"] == 2


def test_resumed_they_end_as_if_they_had_never_stopped(together: Trained) -> None:
    full, resumed = together.run("full"), together.run("resumed")
    assert resumed.info["resumed"] == [1]
    assert marks_of(full) == marks_of(resumed)


def test_a_failure_of_one_ends_both_and_is_told(together: Trained) -> None:
    own, other = (process["failure"] for process in together.processes)
    assert other == "the second process has had enough"
    assert own == "process 1 failed: the second process has had enough"
    run = together.run("failed")
    assert run.info["status"] == "failed"
    assert run.info["reason"] == own
