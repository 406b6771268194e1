"""The demo: for each task its phantom data, and settings that learn it in about a minute."""

from pathlib import Path
from typing import Any

from fastmed.console import note
from fastmed.demo.phantoms import write_phantom
from fastmed.errors import TaskError, listed, nearest
from fastmed.task import Task
from fastmed.taskfile import find_task, packed_file

# A small network from scratch on small images: a minute or two on two cores.
SMALL: dict[str, Any] = {
    "train.arch": "resnet10t",
    "train.pretrained": False,
    "train.epochs": 8,
    "train.batch": 16,
    "train.opt": "adamw",
    "train.lr": 3e-3,
    "train.weight_decay": 0.01,
    "train.schedule": "one_cycle",
    "image.fit": "letterbox",
    "image.interpolation": "bilinear",
    "image.size": 96,
    "head": {"hidden": [], "pool": "concat", "dropout": 0.2},
}
# What a task's demo has of its own; balance: the phantom's classes need no thousand images.
DEMOS: dict[str, dict[str, Any]] = {
    "cardiomegaly": {},
    "lungs": {"split.valid": 0.2},
    "histology": {},
    "pneumonia": {},
    "retinopathy": {"balance": {"method": "per_class", "count": 75}},
}


def demo_task(name: str, seed: int = 0) -> Task:
    """Return a built-in task with settings that learn its phantom quickly.

    Raises:
        TaskError: there is no demo of this name.
    """
    if name not in DEMOS:
        close = nearest(name, DEMOS) or f"; there are {listed(DEMOS)}"
        raise TaskError(f"no demo of '{name}'{close}")
    changes = {**SMALL, **DEMOS[name], "train.seed": seed, "split.seed": seed}
    return find_task(name, packed_file()).with_changes(changes)


def demo_folders(name: str, out: Path, seed: int = 0) -> tuple[Path, Path]:
    """Return two folders of phantom data, to learn from and to predict; they are made once."""
    known, new = out / name / "data", out / name / "new"
    for folder, count, offset in ((known, None, 0), (new, 60, 1)):
        if not folder.exists():
            write_phantom(name, folder, count=count, seed=2 * seed + offset)
            note(f"Phantom data is in {folder}")
    return known, new
