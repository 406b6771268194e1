"""Who belongs to a family: each network, with each seed, on each fold."""

import re
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from fastmed.data.folds import NO_FOLD
from fastmed.errors import TaskError
from fastmed.task import Task


class Member(NamedTuple):
    """One training of a family.

    Attributes:
        name: of its run folder.
        changes: of the family's task, as ``Task.with_changes`` takes them.
        network: what it is compared as; empty where all members are one network.
        trial: the network and seed, which it has in common with the same training on other folds.
        fold: that it is tested on; -1 without folds.
    """

    name: str
    changes: dict[str, Any]
    network: str = ""
    trial: str = ""
    fold: int = NO_FOLD


def plan_members(task: Task, archs: Sequence[str], seeds: int, folds: int) -> list[Member]:
    """Return every combination of backbones, seeds and folds, folds innermost.

    Args:
        archs: backbones; none takes the task's own.
        seeds: how many seeds of weights and batches, from the task's own on. The split stays.
        folds: how many folds; 0 for none.

    Raises:
        TaskError: there is nothing to train side by side, or a backbone stands twice.
    """
    archs = list(archs) or [task.train.arch]
    repeated = sorted({arch for arch in archs if archs.count(arch) > 1})
    if repeated:
        raise TaskError(f"--arch names '{repeated[0]}' twice")
    if seeds < 1:
        raise TaskError(f"--seeds {seeds}: at least one seed is needed")
    networks = {arch: _folder_name(arch, archs) if len(archs) > 1 else "" for arch in archs}
    first = task.train.seed
    numbers = range(first, first + seeds) if seeds > 1 else [None]
    members = [
        _member(arch, networks[arch], seed, fold)
        for arch, seed, fold in product(archs, numbers, range(folds) if folds else [NO_FOLD])
    ]
    if len(members) < 2:
        raise TaskError("one training is no family; leave out --folds and --seeds")
    return members


def _member(arch: str, network: str, seed: int | None, fold: int) -> Member:
    changes: dict[str, Any] = {"train.arch": arch}
    if seed is not None:
        changes["train.seed"] = seed
    trial = "-".join(filter(None, [network, "" if seed is None else f"seed-{seed}"]))
    name = "-".join(filter(None, [trial, "" if fold == NO_FOLD else f"fold-{fold}"]))
    return Member(name, changes, network, trial, fold)


def _folder_name(arch: str, archs: Sequence[str]) -> str:
    """Return a name for a folder; backbones that would share one are numbered."""
    names = [re.sub(r"[^A-Za-z0-9._]+", "-", Path(other).stem).strip("-.") for other in archs]
    place = list(archs).index(arch)
    earlier = names[:place].count(names[place])
    return f"{names[place]}-{earlier + 1}" if earlier else names[place]
