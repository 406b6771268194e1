"""Privacy: names of persons where they don't belong. What is found is counted, never shown."""

import re

from fastmed.auditing.check import Answer, Check
from fastmed.auditing.finding import Found
from fastmed.auditing.names import persons_in
from fastmed.auditing.subject import Subject
from fastmed.auditing.words import joined, many

_COLUMN = re.compile(
    r"(patient|person|first|last|sur|given|family|full|middle|maiden)[ _-]?names?|^(names?|vorname|"
    r"nachname)$|^(patient|person|physician|doctor)$",
    re.IGNORECASE,
)
_WORDS = re.compile(r"[^\W\d_]{2,}")


def persons(subject: Subject) -> Answer:
    """P1: names of persons in names of files, columns, texts of PNG files and EXIF."""
    items = subject.items
    places = persons_in(items["image"].where(items["array"] == "", ""))
    told = [f"{many(len(places), 'file name')} seem to name a person"] if places else []
    columns = [name for name in subject.written.columns if _names_persons(subject, name)]
    if columns:
        told.append(f"{many(len(columns), 'column')} of the tables seem to name persons")
    concerned = dict.fromkeys(items["item"].iloc[places])
    if subject.measures:
        texts = subject.facts["persons"]
        kinds = sorted({kind for some in texts for kind in some})
        if kinds:
            flags = texts.map(bool)
            told.append(
                f"{many(int(flags.sum()), 'file')} have {joined(kinds)}, which may name a person"
            )
            concerned |= dict.fromkeys(subject.facts.loc[flags, "item"])
    if not told:
        return None
    return Found("WARN", f"{'; '.join(told)}.", len(concerned) + len(columns), [*concerned])


def _names_persons(subject: Subject, column: str) -> bool:
    """True if a column is called as one of names, and most of its cells are words."""
    source = subject.task.source
    if not _COLUMN.search(column) or column == getattr(source, "label", ""):
        return False
    values = [value for value in subject.written.columns[column] if value]
    words = [value for value in values if _WORDS.match(value) and not any(map(str.isdigit, value))]
    return bool(values) and len(words) > len(values) / 2


CHECKS = (
    Check(
        "P1",
        "Names of persons",
        "Rename the files, drop the columns, and write the images anew without texts: "
        "`fastmed convert`.",
        persons,
    ),
)
