"""Image only, metadata only, and both: three trainings on the same split."""

from pathlib import Path
from typing import Any

import pandas as pd

from fastmed.data.pseudonyms import hide_items
from fastmed.errors import TaskError
from fastmed.families.family import Family
from fastmed.families.members import Member
from fastmed.families.train_members import train_members
from fastmed.settings.effects import WITHOUT_IMAGES
from fastmed.settings.train import METADATA
from fastmed.task import Task
from fastmed.training.train import read_and_show

KIND = "compare-meta"
IMAGE, ALONE, BOTH = "image", "metadata", "image-and-metadata"


def compare_meta(
    task: Task,
    data: str | Path | pd.DataFrame,
    *,
    runs: str | Path = "runs",
    name: str = "",
    skip_bad: bool = False,
    cache: bool = True,
    device: str | None = None,
    workers: int | None = None,
) -> Family:
    """Train image only, metadata only and both, on the same split, and compare them.

    The third goes on from the weights of the first. The test part, if there is one, is scored, too.

    Args:
        task: with ``meta``. The other arguments are those of `train`.

    Raises:
        TaskError: the task has no metadata, or no image network.
        FastmedError: as of `train`; runs that are finished stay.
        KeyboardInterrupt: runs that are finished stay.
    """
    _check(task)
    if not isinstance(data, pd.DataFrame):
        data = read_and_show(task, data, skip_bad, cache)
    data = hide_items(data, task.pseudonymise)
    members = [Member(member, {}, member, member) for member in (IMAGE, ALONE, BOTH)]
    family = Family.create(runs, task, data, KIND, members, name)
    options = {"cache": cache, "device": device, "workers": workers}
    return train_members(family, data, changes_of, options)


def changes_of(family: Family, member: Member) -> dict[str, Any]:
    """Return what the task of a member has of its own; the third needs the first to be trained."""
    if member.name == IMAGE:
        return {"meta": []}
    if member.name == ALONE:
        return {**WITHOUT_IMAGES, "train.weights": None, "train.arch": METADATA}
    first = family.members[IMAGE]
    start = {"train.pretrained": True, "train.weights": str(first.path)}
    return {**start, "train.arch": first.task.train.arch}


def _check(task: Task) -> None:
    if not task.meta:
        raise TaskError(
            f"--compare-meta needs metadata, and task '{task.name}' names none; name it as in "
            '`--set \'meta=["age", "sex"]\'`'
        )
    if task.metadata_only:
        raise TaskError("--compare-meta needs a network for the image; name one with --arch")
