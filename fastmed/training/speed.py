"""The way to compute a training's steps: measured once for a network and a machine, and kept."""

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from fastai.learner import Learner

from fastmed.console import note
from fastmed.files import read_info, write_json
from fastmed.learn.distributed.team import team
from fastmed.learn.fitting.ways import Found, Way, asked_way, is_open, quickest_way
from fastmed.run import Run
from fastmed.run.versions import package_versions, processor_name
from fastmed.state import state_folder
from fastmed.task import Task

_DIGITS = 16


def choose_speed(task: Task, learn: Learner, steps: int) -> dict[str, Any]:
    """Return what a run is to know of the quickest way of its steps; nothing if it is short.

    What was measured for the same network, batch and machine holds for later trainings, so that
    the same training is computed in the same way.

    Args:
        task: may fix the way, or parts of it.
        learn: at its start; nothing of it changes.
        steps: of the whole training.
    """
    if not is_open(task):
        return {}
    found = _known_or_measured(task, learn, steps) if team().main else None
    info = team().share(found.to_json() if found else None)
    if info is None:
        return {}
    _tell(Found.of_json(info))
    return {"speed": info}


def way_of(run: Run, device: torch.device) -> Way:
    """Return the way in which a run's steps are computed; what was measured holds for a device."""
    info = run.info.get("speed")
    if info is None or device.type != torch.device(run.info.get("device", device)).type:
        return asked_way(run.task, device)
    return Found.of_json(info).way


def _known_or_measured(task: Task, learn: Learner, steps: int) -> Found | None:
    about = _about(task, learn)
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:_DIGITS]
    file = state_folder() / "speed" / f"{digest}.json"
    if file.is_file():
        with suppress(OSError, ValueError, KeyError, TypeError):
            return Found.of_json(read_info(file)["found"])
    found = quickest_way(learn, task, steps)
    if found is not None:
        _keep(file, {"about": about, "found": found.to_json()})
    return found


def _keep(file: Path, content: dict[str, Any]) -> None:
    """Write what was found, where that is possible: it is only a shortcut."""
    with suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_json(file, content)


def _about(task: Task, learn: Learner) -> dict[str, Any]:
    """Return all that the time of a step depends on."""
    device, train = torch.device(learn.dls.device), task.train
    cuda = device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name(device) if cuda else processor_name(),
        "threads": torch.get_num_threads(),
        "processes": team().count,
        "versions": {name: package_versions()[name] for name in ("fastmed", "torch", "timm")},
        "arch": train.arch,
        "outputs": task.outputs,
        "metadata": bool(task.meta),
        "image": [task.image.channels, task.image.size],
        "batch": learn.dls.train.bs,
        "asked": [train.precision, train.channels_last, train.compile],
    }


def _tell(found: Found) -> None:
    took = ", ".join(f"{way}: {1000 * s:.0f} ms" for way, s in found.seconds.items())
    note(f"Steps are computed in {found.way} ({took} for {found.images} images).")
