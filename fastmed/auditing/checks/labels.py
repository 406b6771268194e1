"""Labels: how many there are, how they are spelled, and whether rows and files fit together."""

import unicodedata
from collections.abc import Iterator

import pandas as pd

from fastmed.auditing.check import Answer, Check
from fastmed.auditing.finding import Found, Severity
from fastmed.auditing.subject import NO_FILE, Subject
from fastmed.auditing.words import joined, many
from fastmed.data.tables import group_keys
from fastmed.files import leads_out
from fastmed.settings.sources import PARTS
from fastmed.task import Task

FEW, FEWEST = 10, 2  # patients of a class in a part


def few_patients(subject: Subject) -> Answer:
    """Y1: classes with too few patients in a part."""
    parted = subject.parted
    keys = pd.Series(group_keys(parted), index=parted.index)
    counts = keys.groupby([parted["split"], parted["target"]]).nunique()
    few = counts[counts < FEW].sort_values()
    if few.empty:
        return None
    unit = "patient" if (parted["group"] != "").all() else "patient or image"
    several = "patients" if unit == "patient" else "patients or images"
    told = "; ".join(
        f"{many(int(count), unit, several)} of '{name}' in {part}"
        for (part, name), count in zip(few.index[:4].tolist(), few.tolist(), strict=False)
    )
    more = f"; and {len(few) - 4} more" if len(few) > 4 else ""
    rows = [
        item
        for part, name in few.index.tolist()
        for item in parted.loc[(parted["split"] == part) & (parted["target"] == name), "item"]
    ]
    severity: Severity = "ERROR" if few.iloc[0] < FEWEST else "WARN"
    sentence = f"Classes with fewer than {FEW} patients in a part: {told}{more}."
    return Found(severity, sentence, len(few), rows)


def missing_classes(subject: Subject) -> Answer:
    """Y2: classes that a part has no image of."""
    present = subject.parted.groupby("split")["target"].agg(set)
    missing = [
        f"{part} has no image of '{name}'"
        for part in PARTS
        if part in present
        for name in subject.task.classes
        if name not in present[part]
    ]
    if not missing:
        return None
    return Found("ERROR", f"Classes are missing: {'; '.join(missing[:6])}.", len(missing))


def spelling(subject: Subject) -> Answer:
    """Y3: labels that differ only by case, space or Unicode."""
    labels = subject.written.rows["label"]
    several = dict(_spellings(labels, subject.task))
    if not several:
        return None
    refused = any(_refused(name, subject.task) for some in several.values() for name in some)
    told = "; ".join(joined(f"{name!r}" for name in some) for some in list(several.values())[:4])
    concerned = labels.isin({name for some in several.values() for name in some})
    sentence = f"Labels differ only by case, space or Unicode: {told}."
    return Found("ERROR" if refused else "WARN", sentence, int(concerned.sum()))


def rows_and_files(subject: Subject) -> Answer:
    """Y4: rows without files, files without rows, rows that repeat or contradict, paths outside."""
    grave, mild = dict[str, int](), dict[str, int]()
    rows = subject.written.rows
    named = rows[rows["name"] != ""]
    labels = named.groupby("name")["label"].nunique()
    outside = named["name"].map(leads_out).astype(bool)
    lost = subject.items.loc[subject.items["note"] == NO_FILE, "item"]
    repeated = named[named["source"] == "table"].duplicated(["name", "label"])
    loose = _files_without_rows(subject)
    grave["path leads out of the data folder"] = int(outside.sum())
    grave["image has several labels"] = int((labels > 1).sum())
    grave["row has no file"] = len(lost)
    mild["row repeats another"] = int(repeated.sum())
    mild["file has no row"] = len(loose)
    told = [many(count, what, _plural(what)) for what, count in (grave | mild).items() if count]
    if not told:
        return None
    severity: Severity = "ERROR" if any(grave.values()) else "WARN"
    count = sum((grave | mild).values())
    return Found(severity, f"{'; '.join(told)}.", count, [*lost, *loose])


def _plural(what: str) -> str:
    noun, _, rest = what.partition(" ")
    verbs = {"leads": "lead", "has": "have", "repeats": "repeat"}
    verb, _, end = rest.partition(" ")
    return f"{noun}s {verbs[verb]} {end}"


def _files_without_rows(subject: Subject) -> list[str]:
    if subject.skipped:
        return []
    known = set(subject.items["image"])
    return [file for file in subject.written.files if file not in known]


def _spellings(labels: pd.Series, task: Task) -> Iterator[tuple[str, list[str]]]:
    """Yield what several spellings have in common, and the spellings, one of them wrong."""
    classes = {spelled_alike(name): name for name in task.classes}
    known = {*task.source.rename, *(task.extra.rename if task.extra else ())}
    distinct = [name for name in labels.unique() if name and name not in known]
    by_key: dict[str, list[str]] = {}
    for name in distinct:
        by_key.setdefault(spelled_alike(name), []).append(name)
    for key, names in by_key.items():
        meant = classes.get(key)
        every = sorted({*names, *([meant] if meant else [])})
        if len(every) > 1:
            yield key, every


def spelled_alike(name: str) -> str:
    """Return what spellings of one label have in common."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().replace("_", " ").split())


def _refused(name: str, task: Task) -> bool:
    """True if reading refuses a label, rather than taking it as the class."""
    return unicodedata.normalize("NFC", name).strip() not in task.classes


CHECKS = (
    Check(
        "Y1",
        "Few patients of a class in a part",
        "Add images, join classes, or draw larger parts; with so few, scores of the class say "
        "little.",
        few_patients,
        fast=True,
    ),
    Check(
        "Y2",
        "Class missing from a part",
        "Correct the parts, or let fastmed draw them: its draw has every class in each.",
        missing_classes,
        fast=True,
    ),
    Check(
        "Y3",
        "Labels spelled in several ways",
        "Correct them, or say what is meant: source.rename.",
        spelling,
    ),
    Check("Y4", "Rows and files don't fit", "Correct the table or the folder.", rows_and_files),
)  # fmt: skip
