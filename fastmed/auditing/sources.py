"""Where images seem to come from: kinds of files, folders, columns that name a place."""

import re
from pathlib import PurePosixPath

import pandas as pd

from fastmed.auditing.subject import Subject
from fastmed.data.metadata import PREFIX
from fastmed.settings.sources import FoldersSource

_PLACE = re.compile(r"(^|_)(site|hospital|institution|institute|center|centre|clinic|source|ward)")


def sources_of(subject: Subject) -> dict[str, pd.Series]:
    """Return by the kind of a source, in words, the source of each readable item.

    Names of files and folders are no part of the words: these may stand in a run.
    """
    images = subject.readable
    files = images[images["array"] == ""]
    suffix = files["image"].map(lambda image: PurePosixPath(image).suffix.lower())
    found = {f"suffix '{value}'": _only(suffix, value) for value in suffix.unique() if value}
    found["a folder"] = files["image"].map(lambda image: _folder(subject, image))
    found["the extra source"] = _only(images["origin"], "extra")
    for column in map(str, images.columns):
        if column.startswith(PREFIX) and _PLACE.search(column.removeprefix(PREFIX)):
            known = images[column].dropna().astype(str)
            found[f"a value of {column.removeprefix(PREFIX)}"] = known[known != ""]
    return {**found, **_patterns(subject)}


def _patterns(subject: Subject) -> dict[str, pd.Series]:
    """Return the kinds of files by mode and size, and by all three together."""
    if not subject.measures:
        return {}
    facts = subject.facts
    size = facts["width"].map("{:.0f}".format) + " x " + facts["height"].map("{:.0f}".format)
    columns = {
        "mode": facts["colour"],
        "size": size,
        "format, mode and size": facts["suffix"] + " " + facts["colour"] + " " + size,
    }
    return {
        f"{what} {value}": _only(values, value)
        for what, values in columns.items()
        for value, count in values.value_counts().items()
        if count >= 10
    }


def _only(values: pd.Series, value: object) -> pd.Series:
    """Return the one source for what has a value, and none for others."""
    return pd.Series(str(value), index=values.index[values == value], dtype=str)


def _folder(subject: Subject, image: str) -> str:
    """Return an image's folder; of class folders, what lies below them."""
    parts = PurePosixPath(image).parts[:-1]
    if isinstance(subject.task.source, FoldersSource):
        classes = {*subject.task.classes, *subject.task.source.rename}
        last = max((n for n, part in enumerate(parts) if part in classes), default=-1)
        parts = parts[last + 1 :]
    return "/".join(parts) or "."
