"""The data of a card: what was found, left out and shared out, and at which level."""

from collections import Counter
from typing import Any

import pandas as pd

from fastmed.data.tables import LEFT_OUT, group_keys
from fastmed.documents.metadata_section import metadata_section
from fastmed.documents.split_section import in_several, sides_of, split_section
from fastmed.documents.subject import Subject
from fastmed.settings.sources import PARTS
from fastmed.task import Task

Table = dict[str, Any]
UNREADABLE = "can't be read"
WITHOUT_REASON = "left out by the data set itself"
OTHER_REASON = "another reason"
_WAYS = {"column": "a column", "tag": "a DICOM tag", "pattern": "a pattern in the file name"}


def data_section(subject: Subject) -> Table:
    """Return what the card says of the data, without a name of a file or a patient."""
    items, task = subject.items, subject.task
    patients = _patients(items, task)
    known = patients["known"] != "none"
    return {
        "root_hash": _root_hash(subject),
        "declared_source": list(task.fetch.kaggle),
        "layout": task.source.kind,
        "flow": _flow(items, known),
        "classes": {name: _of_class(items, name, known) for name in task.classes},
        "extra": _amount(items[items["origin"] == "extra"], known),
        "patients": patients,
        "split": split_section(items, task, patients),
        "balance": _balance(items, task),
        "reading": _reading(items),
        "metadata": metadata_section(items, task),
    }


def _root_hash(subject: Subject) -> str | None:
    """Return the one hash of images, labels, patients and parts; None if there are several."""
    roots = {run.info.get("data_root") for run in subject.runs.values()}
    return str(roots.pop()) if len(roots) == 1 and None not in roots else None


def _flow(items: pd.DataFrame, known: bool) -> Table:
    """Return how many were found, left out and used; reasons with the most frequent first."""
    out = items["split"] == LEFT_OUT
    reasons = _reasons(items[out]).value_counts()
    side = sides_of(items)
    return {
        "found": _amount(items, known),
        "left_out": {
            **_amount(items[out], known),
            "reasons": [{"reason": str(name), "images": int(n)} for name, n in reasons.items()],
        },
        "used": _amount(items[side != ""], known),
        "parts": {name: _amount(items[side == name], known) for name in _sides(side)},
    }


def _sides(side: pd.Series) -> list[str]:
    every = set(side) - {""}
    return [name for name in PARTS if name in every] + sorted(every - {*PARTS})


def _reasons(rows: pd.DataFrame) -> pd.Series:
    """Return why rows are left out, without what a file or its reader says of itself."""
    note, read = rows["note"], rows.get("content", pd.Series("", index=rows.index)) != ""
    plain = note.mask(note == "", WITHOUT_REASON)
    plain = plain.mask(~read & ~note.isin(["", "no file"]), UNREADABLE)
    return plain.mask(plain.str.contains(r"[/\\]"), OTHER_REASON)


def _amount(rows: pd.DataFrame, known: bool) -> Table:
    """Return how many images and, where patients are known, patients there are."""
    return {"images": len(rows), "patients": len(set(group_keys(rows))) if known else None}


def _of_class(items: pd.DataFrame, name: str, known: bool) -> Table:
    rows = items[items["target"] == name]
    side = sides_of(rows)
    return {
        "found": _amount(rows, known),
        "left_out": _amount(rows[rows["split"] == LEFT_OUT], known),
        "parts": {one: _amount(rows[side == one], known) for one in _sides(sides_of(items))},
    }


def _patients(items: pd.DataFrame, task: Task) -> Table:
    used = items[sides_of(items) != ""]
    have = used["group"] != ""
    known = "none" if not have.any() else "all" if have.all() else "some"
    way = _way(task) if known != "none" else None
    return {
        "known": known,
        "by": way,
        "images_without": int((~have).sum()),
        "in_several_parts": in_several(used, "group") if known != "none" else None,
        "in_several_classes": (
            int((used[have].groupby("group")["target"].nunique() > 1).sum())
            if known != "none"
            else None
        ),
    }


def _way(task: Task) -> str | None:
    group = task.source.group
    ways = [name for name in _WAYS if group is not None and getattr(group, name) is not None]
    return _WAYS[ways[0]] if ways else None


def _balance(items: pd.DataFrame, task: Task) -> Table:
    """Return how rare classes are made up for, and how often each class comes in an epoch."""
    training = items[sides_of(items) == "train"]
    uses = training.groupby("target")["copies"].sum().reindex([*task.classes], fill_value=0)
    return {
        "settings": task.balance.model_dump(mode="json"),
        "images_an_epoch": {str(name): int(count) for name, count in uses.items()}
        if len(training)
        else None,
    }


def _reading(items: pd.DataFrame) -> list[Table]:
    """Return how many images were decoded by what, and how their values became 0 to 255."""
    used = items[(sides_of(items) != "") & (items["decoder"] != "")]
    counts = Counter(zip(used["decoder"], used["scaling"], strict=True))
    return [
        {"decoder": str(decoder), "scaling": str(scaling), "images": count}
        for (decoder, scaling), count in counts.most_common()
    ]
