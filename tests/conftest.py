"""Phantom data, small trained runs and the command line, which many tests share."""

import atexit
import logging
import os
import shutil
import signal
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

# Tiny networks are quickest on one core, and figures need no screen; what outlives a run goes into
# a folder that doesn't. Commands inherit all three.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
if "FASTMED_HOME" not in os.environ:
    os.environ["FASTMED_HOME"] = tempfile.mkdtemp(prefix="fastmed-tests-")
    atexit.register(shutil.rmtree, os.environ["FASTMED_HOME"], ignore_errors=True)

from fastmed.cli import main
from fastmed.demo.phantoms import write_phantom
from fastmed.run import Run
from fastmed.task import Task
from fastmed.taskfile import find_task

# A runner in the background is started with Ctrl-C ignored; tests press it.
signal.signal(signal.SIGINT, signal.default_int_handler)

TASKS = ("cardiomegaly", "lungs", "histology", "pneumonia", "retinopathy")
TINY = {
    "train.arch": "test_resnet",
    "train.pretrained": False,
    "train.epochs": 2,
    "train.batch": 8,
    "image.fit": "letterbox",
    "image.size": 32,
    "balance.method": "none",
    "meta": [],
    "split.valid": 0.25,
    "audit.accept.Y1": "a small phantom has few images of a rare grade",
}


def tiny_task(name: str, **changes: object) -> Task:
    """Return a built-in task that trains in a second; ``train__lr=1`` changes ``train.lr``."""
    dotted = {key.replace("__", "."): value for key, value in changes.items()}
    return find_task(name).with_changes({**TINY, **dotted})


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A small phantom data set of each task."""
    root = tmp_path_factory.mktemp("phantoms")
    return {name: write_phantom(name, root / name, count=48, size=32) for name in TASKS}


@pytest.fixture(scope="session")
def trained(phantoms: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """A tiny run of each task."""
    from fastmed.training.train import train

    runs = tmp_path_factory.mktemp("runs")
    return {
        name: train(tiny_task(name), phantoms[name], runs=runs, device="cpu", workers=0)
        for name in TASKS
    }


class Said(NamedTuple):
    """What a command said, and the exit code it ended with."""

    code: int
    out: str
    err: str


@pytest.fixture
def command(capfd: pytest.CaptureFixture) -> Iterator[Callable[..., Said]]:
    """Run a command in this process: ``command("predict", file, "--run", run)``."""

    def run(*arguments: object) -> Said:
        with pytest.raises(SystemExit) as ended, warnings.catch_warnings():
            main([str(argument) for argument in arguments])
        return Said(ended.value.code or 0, *capfd.readouterr())

    log = logging.getLogger("fastmed")
    before = log.handlers, log.propagate, log.level
    yield run
    log.handlers, log.propagate, log.level = before


@pytest.fixture
def own_run(trained: dict[str, Run], tmp_path: Path) -> Callable[[str], Run]:
    """Give a tiny run of a task that a test may write into."""

    def of(name: str) -> Run:
        source = trained[name]
        run = Run.open(shutil.copytree(source.path, tmp_path / "runs" / name / "first"))
        run.update(data=str(source.data))
        return run

    return of
