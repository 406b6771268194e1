"""The audit that training does by itself: what the items tell, and if wished what images show."""

from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError

from fastmed import console
from fastmed.auditing.checks import CHECKS
from fastmed.auditing.finding import Finding
from fastmed.auditing.story import look, measured
from fastmed.auditing.subject import Subject
from fastmed.auditing.words import many
from fastmed.auditing.written import read_written
from fastmed.data.pseudonyms import located
from fastmed.data.tables import root_of
from fastmed.errors import DataError, RunError
from fastmed.task import Task

REFUSED = ("L1", "L2", "Y1")  # errors with which nothing is trained; the reading refuses Q1


def quick_audit(task: Task, items: pd.DataFrame) -> list[Finding]:
    """Return what the fast checks find.

    Args:
        items: read, inspected and parted.
    """
    return look(Subject(task, items), [check for check in CHECKS if check.fast])[0]


def full_audit(task: Task, items: pd.DataFrame, cache: bool = True) -> list[Finding]:
    """Return what all checks find; the images are measured, or were before.

    Args:
        items: read, inspected and parted.
        cache: keep the measures on disk.
    """
    written = read_written(task, root_of(items))
    return look(measured(task, located(items), written, cache), CHECKS)[0]


def audit_before_training(
    task: Task,
    items: pd.DataFrame,
    skip_bad: bool = False,
    quiet: bool = False,
    cache: bool = True,
) -> dict[str, Any]:
    """Return what a run keeps of the audit, and print what should be known.

    Args:
        items: read, inspected and parted.
        skip_bad: it was asked for that unreadable images are left out.
        quiet: it was printed before.
        cache: keep the measures of images on disk, if ``audit.full`` takes any.

    Raises:
        DataError: a finding with which nothing is trained is not accepted.
    """
    full, accept = task.audit.full, task.audit.accept
    findings = full_audit(task, items, cache) if full else quick_audit(task, items)
    left = [one for one in findings if one.id not in accept]
    errors = [one for one in left if one.severity == "ERROR"]
    for one in errors:
        passed = one.id == "Q1" and skip_bad
        if one.id in REFUSED or (task.audit.strict and not passed):
            raise DataError(_refusal(one, task))
    kept = {
        "checks": "all" if full else "fast",
        "findings": [one.told() for one in findings],
        "accepted": {one.id: accept[one.id] for one in findings if one.id in accept},
    }
    if not quiet:
        print_banner(kept)
        _note_others(kept, task)
    return kept


def print_banner(kept: dict[str, Any]) -> None:
    """Print the errors that a run was trained in spite of, and why some were accepted.

    Raises:
        RunError: that is not what a run keeps of its audit.
    """
    try:
        known = _Kept.model_validate(kept)
    except ValidationError:
        raise RunError("run.json: 'audit' is not as fastmed writes it") from None
    for one in known.findings:
        if one.severity == "ERROR":
            reason = known.accepted.get(one.id)
            why = f" Accepted: {reason}" if reason else ""
            console.warn(f"audit {one.id}: {one.sentence}{why}")


class _Told(BaseModel):
    model_config = ConfigDict(strict=True)

    id: str
    severity: str
    sentence: str


class _Kept(BaseModel):
    """What a run keeps of its audit."""

    model_config = ConfigDict(strict=True)

    checks: str = "fast"
    findings: list[_Told] = []
    accepted: dict[str, str] = {}


def _note_others(kept: dict[str, Any], task: Task) -> None:
    """Note how many warnings there are, and which accepted ids found nothing to accept."""
    milder = [one["id"] for one in kept["findings"] if one["severity"] == "WARN"]
    if milder:
        console.note(
            f"audit: {many(len(milder), 'warning')} ({', '.join(milder)}); "
            f"`fastmed audit {task.name}` says more"
        )
    done = {check.id for check in CHECKS if check.fast or task.audit.full}
    idle = [name for name in task.audit.accept if name not in kept["accepted"] and name in done]
    if idle:
        console.note(f"audit: {', '.join(idle)} found nothing, so there is nothing to accept")


def _refusal(finding: Finding, task: Task) -> str:
    strict = "" if finding.id in REFUSED else " (audit.strict)"
    return (
        f"audit {finding.id}{strict}: {finding.sentence} {finding.action} To train all the same, "
        f'say why: --accept {finding.id}="..."; `fastmed audit {task.name}` shows the images'
    )
