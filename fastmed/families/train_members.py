"""The members of a family, trained one after the other; what is finished is left as it is."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from fastmed.console import clear_sentence, note, warn
from fastmed.data.folds import NO_FOLD, items_of_fold
from fastmed.evaluation import evaluate
from fastmed.families.family import Family, is_finished
from fastmed.families.members import Member
from fastmed.families.summary import save_summary
from fastmed.run import Run
from fastmed.training.resume import resume
from fastmed.training.train import train

Changes = Callable[[Family, Member], dict[str, Any]]


def train_members(
    family: Family, items: pd.DataFrame, changes_of: Changes, options: dict[str, Any]
) -> Family:
    """Train what is not finished yet, in order, and keep the comparison up to date.

    Args:
        items: of the family.
        changes_of: returns what the task of a member has of its own.
        options: ``cache``, ``device`` and ``workers``, as for `train`.
    """
    plan = family.plan
    family.update(status="training")
    try:
        for number, member in enumerate(plan, start=1):
            run = family.members.get(member.name)
            if run is not None and is_finished(run):
                continue
            note(f"{number} of {len(plan)}: {member.name}")
            _test(_trained(family, member, items, changes_of, options), options)
            save_summary(family)
    except BaseException as error:
        _keep_what_is_there(family, error)
        raise
    family.update(status="done")
    return family


def _trained(
    family: Family,
    member: Member,
    items: pd.DataFrame,
    changes_of: Changes,
    options: dict[str, Any],
) -> Run:
    """Return the run of a member: as it is if it is done, gone on with, or begun."""
    run = family.members.get(member.name)
    if run is not None:
        return run if run.info.get("status") == "done" else resume(run, **options)
    task = family.task.with_changes(changes_of(family, member))
    own = items if member.fold == NO_FOLD else items_of_fold(items, task, member.fold)
    track = family.info.get("track", [])
    return train(task, own, name=member.name, family=family.path, track=track, **options)


def _test(run: Run, options: dict[str, Any]) -> None:
    if (run.items["split"] == "test").any():
        evaluate(run, split="test", **options)


def _keep_what_is_there(family: Family, error: BaseException) -> None:
    """Say what became of a family that was not finished."""
    family.drop_if_empty()
    if not family.path.is_dir():
        return
    if isinstance(error, KeyboardInterrupt):
        family.update(status="interrupted")
        done = ", ".join(family.finished) or "none"
        warn(f"Finished runs: {done}. `fastmed resume {family.path}` goes on.")
    elif isinstance(error, Exception):
        family.update(status="failed", reason=clear_sentence(error))
