"""Who belongs to a family: each network, with each seed, on each fold."""

import re
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from fastmed.data.folds import NO_FOLD
from fastmed.errors import TaskError
from fastmed.task import Task

EVERY = "all"  # the word for all members that a task declares


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


def plan_members(
    task: Task, archs: Sequence[str], seeds: int, folds: int, declared: Sequence[str] = ()
) -> list[Member]:
    """Return every combination of networks, seeds and folds, folds innermost.

    Args:
        archs: backbones; none takes the task's own.
        seeds: how many seeds of weights and batches, from the task's own on. The split stays.
        folds: how many folds; 0 for none.
        declared: members that the task declares, in place of backbones.

    Raises:
        TaskError: there is nothing to train side by side, or something is unknown or stands twice.
    """
    if archs and declared:
        raise TaskError("each of --members has a network of its own; leave out --arch")
    _check_once("--arch", archs)
    _check_once("--members", declared)
    if seeds < 1:
        raise TaskError(f"--seeds {seeds}: at least one seed is needed")
    networks = _declared(task, declared) if declared else _backbones(task, archs)
    first = task.train.seed
    numbers = range(first, first + seeds) if seeds > 1 else [None]
    members = [
        _member(changes, network, seed, fold)
        for (network, changes), seed, fold in product(
            networks.items(), numbers, range(folds) if folds else [NO_FOLD]
        )
    ]
    if len(members) < 2:
        raise TaskError("one training is no family; leave out --members, --folds and --seeds")
    return members


def _check_once(option: str, names: Sequence[str]) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise TaskError(f"{option} names '{repeated[0]}' twice")


def _declared(task: Task, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the changes of members that the task declares, by name."""
    if not task.members:
        raise TaskError(
            f"task '{task.name}' declares no members; tables such as [{task.name}.members.first] "
            "say what each has of its own"
        )
    names = list(task.members) if list(names) == [EVERY] else names
    return {name: task.changes_of_member(name) for name in names}


def _backbones(task: Task, archs: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the change that each backbone is, by the name of its folder."""
    archs = list(archs) or [task.train.arch]
    return {
        _folder_name(arch, archs) if len(archs) > 1 else "": {"train.arch": arch} for arch in archs
    }


def _member(changes: dict[str, Any], network: str, seed: int | None, fold: int) -> Member:
    changes = changes if seed is None else {**changes, "train.seed": seed}
    trial = "-".join(filter(None, [network, "" if seed is None else f"seed-{seed}"]))
    name = "-".join(filter(None, [trial, "" if fold == NO_FOLD else f"fold-{fold}"]))
    return Member(name, changes, network, trial, fold)


def _folder_name(arch: str, archs: Sequence[str]) -> str:
    """Return a name for a folder; backbones that would share one are numbered."""
    names = [re.sub(r"[^A-Za-z0-9._]+", "-", Path(other).stem).strip("-.") for other in archs]
    place = list(archs).index(arch)
    earlier = names[:place].count(names[place])
    return f"{names[place]}-{earlier + 1}" if earlier else names[place]
