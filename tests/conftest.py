"""Phantom data and small trained runs that many tests share."""

from pathlib import Path

import pytest

from fastmed.demo.phantoms import write_phantom
from fastmed.run import Run
from fastmed.task import Task
from fastmed.taskfile import find_task

TASKS = ("cardiomegaly", "lungs", "histology", "pneumonia", "retinopathy")
TINY = {
    "train.arch": "test_resnet",
    "train.pretrained": False,
    "train.epochs": 2,
    "train.batch": 8,
    "image.fit": "letterbox",
    "image.size": 32,
    "balance.method": "none",
    "split.valid": 0.25,
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
    from fastmed.training import train

    runs = tmp_path_factory.mktemp("runs")
    return {
        name: train(tiny_task(name), phantoms[name], runs=runs, device="cpu", workers=0)
        for name in TASKS
    }
