"""The network of a card and its training: what it is made of, and how it came to be."""

import hashlib
from pathlib import Path
from typing import Any

from fastmed.documents.subject import Subject
from fastmed.errors import RunError
from fastmed.files import read_info
from fastmed.network_files import is_code, is_hub, place_of
from fastmed.run import SEARCH_FILE, Run
from fastmed.settings.objective import is_own
from fastmed.task import Task

Table = dict[str, Any]
OWN_NETWORK = "a network of the user's own"
OWN_LOSS = "a loss of the user's own"
_SEARCHED = ("trials", "sampler", "pruner", "metric")
_ELSEWHERE = ("arch", "weights", "pretrained", "loss", "select", "seed")
_BLOCK = 2**20
TRAINED_ELSEWHERE = "weights that were trained elsewhere"


def preparation_section(subject: Subject) -> Table:
    """Return every step from a file to the network's input."""
    task, info = subject.task, _info(subject)
    return {
        "settings": task.image.model_dump(mode="json"),
        "mean": info.get("mean"),
        "std": info.get("std"),
        "augmentation": task.augment.model_dump(mode="json") if task.augment.active else None,
    }


def network_section(subject: Subject) -> Table:
    """Return what the network is made of; files of the user's are not named."""
    task, run = subject.task, subject.first if subject.kind == "run" else None
    return {
        "name": ", ".join(_names(subject)),
        "inputs": [*([] if task.metadata_only else ["image"]), *task.meta],
        "outputs": task.outputs,
        "output_meaning": _meaning(task),
        "head": None if task.metadata_only else task.head.model_dump(mode="json"),
        "parameters": _info(subject).get("parameters") if subject.kind == "run" else None,
        "start": _start(task, _info(subject)),
        "weights_sha256": None if run is None else _digest(run.weights),
    }


def training_section(subject: Subject) -> Table:
    """Return how the network was trained, on what machine, and how its epoch was chosen."""
    task, info, alone = subject.task, _info(subject), subject.kind == "run"
    settings = task.train.model_dump(mode="json", exclude=set(_ELSEWHERE))
    return {
        "status": subject.status,
        "created": subject.info.get("created"),
        "loss": OWN_LOSS if is_own(task.loss) else task.loss,
        "settings": settings,
        "epochs": {
            "planned": task.train.all_epochs,
            "done": _epochs_done(subject.first) if alone else None,
            "chosen": (subject.epoch or info.get("best_epoch")) if alone else None,
        },
        "selection": {
            "metric": info.get("metric") or task.select,
            "part": "valid",
            "value": info.get("best_value") if alone else None,
            "optimistic": True,
            "search": _search(subject),
        },
        "seeds": {"split": task.split.seed, "training": task.train.seed},
        "machine": {
            "device": info.get("device"),
            "processes": info.get("processes"),
            "memory_megabytes": info.get("memory_megabytes") if alone else None,
            "seconds": info.get("seconds") if alone else None,
        },
    }


def software_section(subject: Subject) -> dict[str, str]:
    """Return the versions of the packages that the result depends on."""
    versions = _info(subject).get("versions", {})
    return {str(name): str(number) for name, number in versions.items()}


def network_name(arch: str) -> str:
    """Return a network's name as it may stand in a card: no file, no folder."""
    if is_code(arch):
        return OWN_NETWORK
    if is_hub(arch) and place_of(arch)[1]:
        return "a network from a folder"
    return arch


def _names(subject: Subject) -> list[str]:
    """Return the networks of a family, each once; of a run, its own."""
    archs = [run.task.train.arch for run in subject.runs.values()] or [subject.task.train.arch]
    return list(dict.fromkeys(map(network_name, archs)))


def _info(subject: Subject) -> dict[str, Any]:
    return {} if subject.first is None else subject.first.info


def _meaning(task: Task) -> str:
    if task.goal == "category":
        return "a probability of each class"
    if task.ordinal:
        return "a probability of each step to the next grade, and so of each grade"
    return "one number, which cut points turn into a grade and a probability of each grade"


def _start(task: Task, info: dict[str, Any]) -> str:
    train = task.train
    if "adopted" in info:
        return TRAINED_ELSEWHERE
    if not train.pretrained:
        return "random weights"
    if train.weights is None:
        return "pretrained weights of this network, and a new head"
    return "weights of another run or of a file of the user's"


def _digest(file: Path) -> str | None:
    """Return the SHA-256 of a file; None if it is not there."""
    if not file.is_file():
        return None
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while block := content.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _epochs_done(run: Run | None) -> int:
    try:
        return 0 if run is None else len(run.history)
    except RunError:
        return 0


def _search(subject: Subject) -> Table | None:
    """Return how the settings were searched for, if the run is a trial of a search."""
    run = subject.first
    file = None if run is None else run.path.parent / SEARCH_FILE
    if file is None or not file.is_file():
        return None
    info = read_info(file)
    return {name: info.get(name) for name in _SEARCHED}
