"""`audit`: a data set looked at for leaks, shortcuts and defects, before anything is learnt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

import fastmed
from fastmed import console
from fastmed.auditing.check import Check
from fastmed.auditing.checks import CHECKS
from fastmed.auditing.checks.labels import spelled_alike
from fastmed.auditing.finding import CLEAN, Finding, Found, exit_code, sorted_findings
from fastmed.auditing.measuring import measure_all
from fastmed.auditing.subject import Subject
from fastmed.auditing.words import many
from fastmed.auditing.written import Written, read_written
from fastmed.data.items import inspected_items, summarize
from fastmed.data.pseudonyms import hide_items, hide_names
from fastmed.data.split import split_items
from fastmed.data.store.inspection import places_of
from fastmed.data.tables import ITEM_DEFAULTS, ROOT, root_of
from fastmed.errors import DataError
from fastmed.files import write_json, write_text
from fastmed.task import Task

SCHEMA_VERSION = 1


class Looked(NamedTuple):
    """What became of one check: ``found``, ``nothing`` or, with the reason, ``not applicable``."""

    id: str
    title: str
    outcome: str
    reason: str = ""


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes:
        task: what the data were read as.
        findings: the gravest first.
        looked: what became of each check.
        items: the images with their parts.
        skipped: why images could not be looked at; empty if they could.
        cache: whether decoded images are kept on disk.
    """

    task: Task
    findings: tuple[Finding, ...]
    looked: tuple[Looked, ...]
    items: pd.DataFrame = field(repr=False)
    skipped: str = ""
    cache: bool = True

    @property
    def accepted(self) -> dict[str, str]:
        """Why findings are accepted, by the id of those that there are."""
        present = {finding.id for finding in self.findings}
        return {key: why for key, why in self.task.audit.accept.items() if key in present}

    @property
    def open(self) -> list[Finding]:
        """The findings that are not accepted."""
        return [finding for finding in self.findings if finding.id not in self.accepted]

    @property
    def exit_code(self) -> int:
        """0 if all is clean or accepted, 3 with warnings, 4 with errors; strict makes 3 to 4."""
        return exit_code((one.severity for one in self.open), self.task.audit.strict)

    @property
    def summary(self) -> str:
        """What was found, in one line."""
        counts = {
            name: sum(one.severity == name for one in self.open)
            for name in ("ERROR", "WARN", "INFO")
        }
        kinds = (("ERROR", "error"), ("WARN", "warning"), ("INFO", "remark"))
        words = ", ".join(many(counts[kind], word) for kind, word in kinds)
        accepted = f"; {len(self.accepted)} accepted" if self.accepted else ""
        clean = "Clean: " if self.exit_code == CLEAN else ""
        return (
            f"{clean}{words}{accepted}, of {len(self.looked)} checks on {len(self.items)} images."
        )

    def table(self) -> pd.DataFrame:
        """Return the findings: id, severity, title, sentence, count, action and why accepted."""
        rows = [
            {**one.told(), "action": one.action, "accepted": self.accepted.get(one.id, "")}
            for one in self.findings
        ]
        columns = ["id", "severity", "title", "sentence", "count", "action", "accepted"]
        return pd.DataFrame(rows, columns=columns)

    def to_json(self) -> dict[str, Any]:
        """Return all that was found, in the schema of `docs/how-to/audit-data.md`."""
        counts = summarize(self.items, self.task.classes)
        return {
            "schema_version": SCHEMA_VERSION,
            "fastmed": fastmed.__version__,
            "task": self.task.name,
            "images": len(self.items),
            "classes": {str(name): row.to_dict() for name, row in counts.iterrows()},
            "exit_code": self.exit_code,
            "skipped": self.skipped,
            "findings": [self._told(one) for one in self.findings],
            "checks": [one._asdict() for one in self.looked],
        }

    def write_json(self, file: str | Path) -> Path:
        """Write `to_json` into a file; return the file."""
        write_json(Path(file), self.to_json())
        return Path(file)

    def write_html(self, file: str | Path) -> Path:
        """Write a page with examples as the network sees them; return the file.

        It is one file with all in it, and nothing of it is run.
        """
        from fastmed.auditing.page import page_of

        write_text(Path(file), page_of(self))
        return Path(file)

    def _repr_html_(self) -> str:
        return str(self.table().to_html(index=False))

    def _told(self, finding: Finding) -> dict[str, Any]:
        return {
            **finding.told(),
            "action": finding.action,
            "accepted": self.accepted.get(finding.id),
            "rows": list(finding.rows),
            "examples": [list(example) for example in finding.examples],
        }


def audit(task: Task, data: str | Path, *, cache: bool = True) -> Audit:
    """Return what is wrong with a data set: leaks, shortcuts, defects, each as a finding.

    Args:
        task: what the data are read as; ``task.audit`` says what is accepted.
        data: the folder of the data.
        cache: keep decoded images and measures on disk, so that the next audit takes seconds.

    Raises:
        DataError: there is no such folder, or nothing in it is as the task declares.
    """
    root = Path(data)
    if not root.is_dir():
        raise DataError(f"there is no data folder {root}; give yours with --data DIR")
    hide_names(root, task.pseudonymise)
    subject = _subject(task, root, cache)
    findings, looked = look(subject, CHECKS)
    return Audit(task, tuple(findings), tuple(looked), subject.items, subject.skipped, cache)


def look(subject: Subject, checks: Sequence[Check]) -> tuple[list[Finding], list[Looked]]:
    """Return what checks find, and what became of each."""
    findings, looked = [], []
    for check in checks:
        answer = check.look(subject)
        if isinstance(answer, Found):
            findings.append(check.finding(answer))
        outcome = {Found: "found", str: "not applicable"}.get(type(answer), "nothing")
        looked.append(
            Looked(check.id, check.title, outcome, answer if isinstance(answer, str) else "")
        )
    return sorted_findings(findings), looked


def _subject(task: Task, root: Path, cache: bool) -> Subject:
    written = read_written(task, root)
    try:
        items = inspected_items(tolerant(task, written), root, skip_bad=True, cache=cache)
    except DataError as error:
        return _without_images(task, root, written, error)
    return measured(task, hide_items(_split(items, task), task.pseudonymise), written, cache)


def measured(task: Task, items: pd.DataFrame, written: Written, cache: bool) -> Subject:
    """Return what all checks look at: items, read, inspected and parted, with their measures."""
    root = root_of(items)
    good = items[items["content"] != ""]
    found = measure_all(places_of(good, root), task.image, keep=cache)
    pairs = list(zip(good.index, found, strict=True))
    return Subject(
        task,
        items,
        {index: one for index, one in pairs if not isinstance(one, str)},
        written,
        {index: one for index, one in pairs if isinstance(one, str)},
    )


def _without_images(task: Task, root: Path, written: Written, error: DataError) -> Subject:
    """Return what can be looked at where reading refuses the tables, if that tells anything."""
    items = pd.DataFrame({name: pd.Series(dtype=str) for name in ITEM_DEFAULTS})
    items.attrs[ROOT] = str(root)
    subject = Subject(task, items, written=written, skipped=str(error))
    if not look(subject, [check for check in CHECKS if check.id in ("Y3", "Y4")])[0]:
        raise error
    console.warn(f"images are not looked at before this is mended: {error}")
    return subject


def tolerant(task: Task, written: Written) -> Task:
    """Return a task that takes every spelling of its classes, so that all else can be looked at."""
    classes = {spelled_alike(name): name for name in task.classes}
    others = {
        label: classes[spelled_alike(label)]
        for label in written.rows["label"].unique()
        if label not in task.classes and spelled_alike(label) in classes
    }
    changes: Mapping[str, Any] = {
        f"{place}.rename": {**others, **source.rename}
        for place, source in (("source", task.source), ("extra", task.extra))
        if source is not None
    }
    return task.with_changes(dict(changes)) if others else task


def _split(items: pd.DataFrame, task: Task) -> pd.DataFrame:
    """Return the items with their parts; as they are given, if the others can't be drawn."""
    try:
        return split_items(items, task.split, task.classes)
    except DataError as error:
        console.warn(f"parts can't be drawn: {error}")
        return items
