"""What the card of a family says beside that of a run: its members, and their spread."""

from typing import Any

from fastmed.documents.kept import check_summary
from fastmed.documents.model_section import network_name
from fastmed.documents.subject import Subject
from fastmed.errors import RunError
from fastmed.files import read_json
from fastmed.run import Run

Table = dict[str, Any]
_OF_SUMMARY = (
    "network", "part", "score", "runs", "mean", "sd", "least", "greatest", "pooled",
)  # fmt: skip


def family_section(subject: Subject) -> Table | None:
    """Return kind, members and spread of a family; None for a run."""
    if subject.kind == "run":
        return None
    members = subject.info["members"]
    return {
        "kind": subject.info["kind"],
        "planned": len(members),
        "finished": sum(run.info.get("status") == "done" for run in subject.runs.values()),
        "members": [_member(member, subject.runs.get(str(member["name"]))) for member in members],
        "summary": _summary(subject),
        "together": "mean" if subject.scores else None,
    }


def _member(member: Table, run: Run | None) -> Table:
    fold = int(member.get("fold", -1))
    task = None if run is None else run.task
    info: Table = {} if run is None else run.info
    return {
        "fold": fold if fold >= 0 else None,
        "network": None if task is None else network_name(task.train.arch),
        "seed": None if task is None else task.train.seed,
        "status": None if run is None else run.status,
        "root_hash": info.get("data_root"),
        "parameters": info.get("parameters"),
        "best_epoch": info.get("best_epoch"),
        "best_value": info.get("best_value"),
    }


def _summary(subject: Subject) -> list[Table]:
    """Return the spread of each score over the members, as ``summary.json`` has it."""
    file = subject.path / "summary.json"
    if not file.is_file():
        return []
    try:
        rows = read_json(file)
    except (OSError, ValueError) as error:
        raise RunError(f"{file} can't be read ({error})") from None
    check_summary(rows, file)
    return [{name: row.get(name) for name in _OF_SUMMARY} for row in rows]
