"""What must be as it was for a training to go on: settings, images and packages."""

import hashlib
from pathlib import Path
from typing import Any

import pandas as pd

from fastmed.console import warn
from fastmed.data.pseudonyms import located
from fastmed.data.store.cache import Cache
from fastmed.data.store.inspection import inspect_images
from fastmed.data.tables import root_of
from fastmed.errors import DataError, RunError
from fastmed.files import read_info
from fastmed.learn.distributed.team import team
from fastmed.learn.fitting.own_loss import check_kept
from fastmed.network_files import KEPT_CODE, KEPT_CONFIG
from fastmed.processes import seat
from fastmed.run import Run
from fastmed.run.versions import package_versions

_ITEMS = "items.csv"
_NETWORK = (KEPT_CODE, KEPT_CONFIG)
# Tables and scores are made by these, and no weight depends on them.
_NO_MATTER = ("pandas", "scikit-learn")


def what_must_stay(run: Run) -> dict[str, Any]:
    """Return the settings, the table of images and the versions that a run is trained with."""
    return {
        "task": read_info(run.path / "task.json"),
        "items": _digest(run.path / _ITEMS),
        "network": {name: _digest(run.path / name) for name in _NETWORK if _is_there(run, name)},
        "versions": {k: v for k, v in package_versions().items() if k not in _NO_MATTER},
        "threads": _threads(),
        "processes": seat().count,
    }


def check_sameness(run: Run, before: dict[str, Any]) -> None:
    """Refuse to go on with other settings, images or packages than a checkpoint was made with.

    Raises:
        RunError: says what has changed, and the way out.
    """
    now = what_must_stay(run)
    _check_settings(run, before.get("task", {}), now["task"])
    if before.get("items") != now["items"]:
        raise RunError(
            f"{run.path / _ITEMS} was changed after the training began; put the old table back, "
            "or train anew"
        )
    if before.get("network") != now["network"]:
        raise RunError(
            f"what {run.path} keeps of its own network was changed after the training began; put "
            "it back, or train anew"
        )
    _check_versions(run, before.get("versions", {}), now["versions"])
    check_kept(run)
    if before.get("processes", 1) != now["processes"]:
        warn(
            f"processes at the beginning: {before.get('processes', 1)}, now: {now['processes']}; "
            "they draw augmentation and dropout otherwise, so it won't be the same"
        )
    if before.get("threads") != now["threads"]:
        warn(
            f"the training began with {before.get('threads')} threads and goes on with "
            f"{now['threads']}: sums are rounded otherwise, so it won't be the same to the last "
            "bit; OMP_NUM_THREADS decides"
        )


def unchanged_items(run: Run, cache: bool) -> pd.DataFrame:
    """Return the images of a run, each of which has the bytes that it had.

    Raises:
        DataError: the folder or an image is gone, or has changed.
    """
    items = located(run.items)
    if not root_of(items).is_dir():
        raise DataError(f"the data folder {run.data} of {run.path} is gone; put it back")
    kept = Cache(run.task.image) if cache else None
    if team().seat.local_rank == 0:
        inspect_images(items, root_of(items), run.task.image, cache=kept)
    team().wait_for_all()
    return items


def _check_settings(run: Run, before: dict[str, Any], now: dict[str, Any]) -> None:
    for key, (old, new) in differences(before, now).items():
        raise RunError(
            f"{run.path / 'task.json'} was changed after the training began: {key} was {old} and "
            f"is {new}; put it back, or train anew with `--weights {run.path}`"
        )


def differences(before: Any, now: Any, key: str = "") -> dict[str, tuple[Any, Any]]:
    """Return the dotted names of settings that differ, with both values."""
    if isinstance(before, dict) and isinstance(now, dict):
        found: dict[str, tuple[Any, Any]] = {}
        for name in sorted({*before, *now}):
            below = f"{key}.{name}" if key else name
            found |= differences(before.get(name), now.get(name), below)
        return found
    return {} if before == now else {key: (before, now)}


def _check_versions(run: Run, before: dict[str, str], now: dict[str, str]) -> None:
    for name in sorted({*before, *now}):
        old, new = before.get(name, "unknown"), now.get(name, "unknown")
        if old != new:
            raise RunError(
                f"{run.path} was trained with {name} {old}, and {new} is installed, so it can't "
                f"go on the same; install {name} {old}, or train anew with `--weights {run.path}`"
            )


def _is_there(run: Run, name: str) -> bool:
    return (run.path / name).is_file()


def _digest(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        raise RunError(f"{file} is not there: it is not a whole run") from None


def _threads() -> int:
    import torch

    return torch.get_num_threads()
