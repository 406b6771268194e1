"""Trainings that are stopped in the middle, and what tells that two runs are the same."""

import hashlib
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fastai.learner import Learner

from fastmed.run import Run

# Runs fastmed, and kills it before the Nth batch, or when it has written half of the Nth file.
KILLER = """
import os, signal, sys
from fastai.learner import Learner
from fastmed.cli import main

kind, left = sys.argv[1], int(sys.argv[2])
one_batch, fsync = Learner.one_batch, os.fsync

def comes(what):
    global left
    left -= what == kind
    return left < 0

def counted_batch(learn, *batch):
    if comes("batch"):
        os.kill(os.getpid(), signal.SIGKILL)
    return one_batch(learn, *batch)

def counted_fsync(file):
    if comes("write"):
        if os.fstat(file).st_nlink == 1:  # a second name of a whole file has nothing to write
            os.ftruncate(file, os.fstat(file).st_size // 2)
        os.kill(os.getpid(), signal.SIGKILL)
    return fsync(file)

Learner.one_batch, os.fsync = counted_batch, counted_fsync
main(sys.argv[3:])
"""


class Stopped(BaseException):
    """The end of a training that has no time to say anything, as kill -9 is."""


def killed_command(kind: str, moment: int, *arguments: object) -> None:
    """Run fastmed in a process of its own, which is killed before a batch or within a write."""
    command = [sys.executable, "-c", KILLER, kind, str(moment), *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == -9, ended.stderr


@contextmanager
def stopped_before(batch: int, reason: type[BaseException] = Stopped) -> Iterator[None]:
    """Let a training in this process end before a batch, counted from 0."""
    one_batch, left = Learner.one_batch, [batch]

    def counted(learn: Learner, *given: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise reason
        one_batch(learn, *given)

    Learner.one_batch = counted
    try:
        yield
    except reason:
        return
    finally:
        Learner.one_batch = one_batch
    raise AssertionError(f"the training ended before batch {batch}")


def batches_of(work: Callable[[], Run]) -> tuple[Run, int]:
    """Return a run, and how many batches its training went through."""
    one_batch, count = Learner.one_batch, [0]

    def counted(learn: Learner, *given: Any) -> None:
        count[0] += 1
        one_batch(learn, *given)

    Learner.one_batch = counted
    try:
        return work(), count[0]
    finally:
        Learner.one_batch = one_batch


def marks_of(run: Run) -> dict[str, Any]:
    """Return what must be the same in a run that was resumed: weights, history, predictions."""
    run = Run.open(run.path)
    files = [run.weights, *(run.path / "checkpoints").glob("epoch-*.safetensors")]
    return {
        **{file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files},
        "history": run.history.drop(columns="seconds").to_csv(),
        "predictions": run.predictions_file("valid").read_text(encoding="utf-8"),
        "status": run.info["status"],
        "best": (run.info["best_epoch"], run.info["best_value"]),
    }


def moments(total: int, seed: int, count: int = 2) -> list[int]:
    """Return random batches of a training of so many, of which at least one epoch is left."""
    return [random.Random(seed + number).randrange(total // 2) for number in range(count)]
