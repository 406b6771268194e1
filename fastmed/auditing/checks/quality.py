"""Quality of single images, and of how they were written."""

import numpy as np
import pandas as pd

from fastmed.auditing.check import Answer, Check
from fastmed.auditing.finding import Found, Severity
from fastmed.auditing.subject import Subject
from fastmed.auditing.words import joined, many, shares

BLANK = 4  # grey values between the first and the last hundredth
FAR = 6.0  # robust deviations from the median
# Column -> the least robust deviation, so that what hardly varies has no outliers.
_LEAST = {"sharpness": 0.1, "mean": 8.0, "log_size": 0.1}
_CALLED = {"sharpness": "blurred", "mean": "under- or overexposed", "log_size": "of another size"}
_NOTHING = "no image was measured"


def unreadable(subject: Subject) -> Answer:
    """Q1: images that can't be read."""
    reasons = subject.unreadable
    if reasons.empty:
        return None
    first = reasons.value_counts()
    told = ", ".join(f"{_short(reason)} ({count})" for reason, count in first.head(3).items())
    more = f" and {len(first) - 3} other reasons" if len(first) > 3 else ""
    sentence = (
        f"{many(len(reasons), 'image')} of {len(subject.items)} can't be read and are left out: "
        f"{told}{more}."
    )
    return Found("ERROR", sentence, len(reasons), subject.keys(reasons.index))


def blank(subject: Subject) -> Answer:
    """Q2: images without content."""
    if not subject.measures:
        return _NOTHING
    facts = subject.facts
    empty = facts["spread"] < BLANK
    if not empty.any():
        return None
    sentence = (
        f"{many(int(empty.sum()), 'image')} show nothing: 98% of their grey values are within "
        f"{BLANK} of 255 ({shares(empty, facts['target'])})."
    )
    return _concerned(facts, empty, "WARN", sentence)


def outliers(subject: Subject) -> Answer:
    """Q3: images that are much less sharp, darker or lighter, larger or smaller than others."""
    if not subject.measures:
        return _NOTHING
    facts = subject.facts[subject.facts["spread"] >= BLANK]
    columns = facts.assign(log_size=np.log10(facts["width"] * facts["height"]))
    far = {name: _far(columns[name].astype(float), least) for name, least in _LEAST.items()}
    far["sharpness"] &= columns["sharpness"] < columns["sharpness"].median()
    told = [f"{int(far[name].sum())} {_CALLED[name]}" for name in far if far[name].any()]
    if not told:
        return None
    flags = pd.concat(far.values(), axis=1).any(axis=1)
    sentence = f"{many(int(flags.sum()), 'image')} stand out: {joined(told)}."
    return _concerned(facts, flags, "INFO", sentence)


def polarity(subject: Subject) -> Answer:
    """Q4: MONOCHROME1 and MONOCHROME2 in one data set."""
    if not subject.measures or subject.tags.empty:
        return "there are no DICOM headers"
    kinds = subject.tags["photometric"]
    counts = kinds[kinds.isin(["MONOCHROME1", "MONOCHROME2"])].value_counts()
    if len(counts) < 2:
        return None
    facts = subject.facts.loc[kinds.index]
    first = kinds == "MONOCHROME1"
    sentence = (
        f"{many(int(first.sum()), 'image')} are MONOCHROME1, where low values are white, and "
        f"{int(counts['MONOCHROME2'])} are MONOCHROME2 ({shares(first, facts['target'])} are "
        "MONOCHROME1). fastmed inverts the first; a wrong field would show a negative."
    )
    return _concerned(facts, first, "WARN", sentence)


def depth(subject: Subject) -> Answer:
    """Q5: several bit depths in one data set."""
    if not subject.measures:
        return _NOTHING
    facts = subject.facts
    bits = facts["bits"].dropna()
    counts = bits.value_counts()
    if len(counts) < 2:
        return None
    told = joined(f"{count} with {value:g} bits" for value, count in counts.items())
    rare = facts["bits"].notna() & (facts["bits"] != counts.index[0])
    sentence = f"Files differ in their bits a channel: {told}; they are scaled differently."
    return _concerned(facts, rare, "WARN", sentence)


def writing(subject: Subject) -> Answer:
    """Q6: EXIF orientation, transparency, inks and several pages."""
    if not subject.measures:
        return _NOTHING
    facts = subject.facts
    kinds = {
        "turned by EXIF": facts["orientation"] > 1,
        "with an alpha channel": facts["alpha"].astype(bool),
        "CMYK": facts["colour"] == "CMYK",
        "of several pages or frames": facts["frames"] > 1,
    }
    told = [f"{int(flags.sum())} {name}" for name, flags in kinds.items() if flags.any()]
    if not told:
        return None
    flags = pd.concat(kinds.values(), axis=1).any(axis=1)
    sentence = f"{many(int(flags.sum()), 'image')} are written in a way that programs read "
    sentence += f"differently: {joined(told)}."
    pages = kinds["of several pages or frames"].any() and subject.task.image.frame == "first"
    return _concerned(facts, flags, "WARN" if pages else "INFO", sentence)


def _far(values: pd.Series, least: float) -> pd.Series:
    """Return which values are far from the median, by the median absolute deviation."""
    distance = (values - values.median()).abs()
    usual = max(1.4826 * float(distance.median()), least)
    return distance > FAR * usual


def _concerned(facts: pd.DataFrame, flags: pd.Series, severity: Severity, sentence: str) -> Found:
    items = facts.loc[flags, "item"]
    examples = [(item,) for item in items.head(6)]
    return Found(
        "WARN" if severity == "WARN" else "INFO", sentence, len(items), items.tolist(), examples
    )


def _short(reason: object) -> str:
    """Return a reason without what stands in brackets, which may come from the file."""
    return str(reason).partition(" (")[0]


CHECKS = (
    Check(
        "Q1",
        "Unreadable images",
        "Put whole files in their place. `--skip-bad` leaves them out and counts them.",
        unreadable,
        fast=True,
    ),
    Check("Q2", "Blank images", "Look at them and leave them out.", blank),
    Check("Q3", "Blur, exposure and size outliers", "Look at them.", outliers),
    Check(
        "Q4",
        "MONOCHROME1 and MONOCHROME2 mixed",
        "Look at some of each kind with `fastmed study`: both must show bones white.",
        polarity,
    ),
    Check("Q5", "Bit depths mixed", "Export all images alike; see image.scale.", depth),
    Check(
        "Q6",
        "Orientation, alpha, inks, pages",
        "Look at some; see image.frame and image.transparency.",
        writing,
    ),
)  # fmt: skip
