"""Several networks, members, seeds or folds of one task, side by side."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from fastmed.console import print_table
from fastmed.data.folds import NO_FOLD, fold_items
from fastmed.data.items import inspected_items
from fastmed.data.pseudonyms import hide_items
from fastmed.families.family import Family
from fastmed.families.members import Member, plan_members
from fastmed.families.train_members import train_members
from fastmed.learn.learner import check_weights
from fastmed.task import Task
from fastmed.tracking.trackers import check_trackers
from fastmed.training.train import read_and_show, with_timm_name


def train_family(
    task: Task,
    data: str | Path | pd.DataFrame,
    *,
    archs: Sequence[str] = (),
    members: Sequence[str] = (),
    seeds: int = 1,
    folds: int = 0,
    runs: str | Path = "runs",
    name: str = "",
    skip_bad: bool = False,
    cache: bool = True,
    device: str | None = None,
    workers: int | None = None,
    track: Sequence[str] = (),
) -> Family:
    """Train several networks, seeds or folds of one task, and compare them.

    Each member is a run. Without folds all have the same parts. With folds each image of the
    training and validation part is tested once, by a network that never saw it: a fold is the test
    part of its run, which draws a validation part of its own from the other folds.

    Args:
        task: of all members.
        data: the folder of the data set, or items: of `read_items`, or with folds of
            `inspected_items`.
        archs: backbones to compare; none takes the task's own.
        members: of the ensemble that the task declares, in place of backbones; ``["all"]`` takes
            every one.
        seeds: how many seeds of weights and batches.
        folds: how many folds; 0 trains on the task's own parts.
        runs: as for `train`, and so are all that follow.
        name: of the family's folder; empty means the time and the kind.
        skip_bad: leave out images that can't be read, instead of refusing.
        cache: keep the decoded images on disk.
        device: ``cpu``, ``cuda``, ...; None takes the best.
        workers: loader processes; None chooses.
        track: who is told of each epoch of each run.

    Raises:
        FastmedError: as of `train`; runs that are finished stay.
        KeyboardInterrupt: runs that are finished stay; `resume_family` goes on.
    """
    track = check_trackers(track)
    plan = plan_members(task, archs, seeds, folds, members)
    for member in plan:
        check_weights(with_timm_name(task.with_changes(member.changes)))
    if folds:
        items = fold_items(_inspected(task, data, skip_bad, cache), task, folds)
        _show_folds(items, task)
    else:
        items = _shown(task, data, skip_bad, cache)
    items = hide_items(items, task.pseudonymise)
    kind = (
        "folds" if folds else "members" if members else "backbones" if len(archs) > 1 else "seeds"
    )
    family = Family.create(runs, task, items, kind, plan, name)
    family.update(**({"track": track} if track else {}))
    options = {"cache": cache, "device": device, "workers": workers}
    return train_members(family, items, own_changes, options)


def _inspected(
    task: Task, data: str | Path | pd.DataFrame, skip_bad: bool, cache: bool
) -> pd.DataFrame:
    if isinstance(data, pd.DataFrame):
        return data
    return inspected_items(task, data, skip_bad, cache)


def _shown(
    task: Task, data: str | Path | pd.DataFrame, skip_bad: bool, cache: bool
) -> pd.DataFrame:
    return data if isinstance(data, pd.DataFrame) else read_and_show(task, data, skip_bad, cache)


def _show_folds(items: pd.DataFrame, task: Task) -> None:
    table = items[items["fold"] != NO_FOLD]
    counts = pd.crosstab(table["target"], table["fold"]).reindex([*task.classes], fill_value=0)
    rows = counts.reset_index().itertuples(index=False)
    print_table("Images", ["target", *(f"fold {fold}" for fold in counts.columns)], rows)


def own_changes(family: Family, member: Member) -> dict[str, Any]:
    """Return what the task of a member has of its own."""
    return member.changes
