"""Leaks: what a test part shares with the training part, and labels that contradict each other."""

import pandas as pd

from fastmed.auditing.check import Answer, Check
from fastmed.auditing.finding import MOST_EXAMPLES, Found
from fastmed.auditing.names import guessed_patients
from fastmed.auditing.subject import Subject
from fastmed.auditing.words import listed_parts, many
from fastmed.data.split import COPY
from fastmed.settings.sources import PARTS

MANY_PAIRS, MANY_SHARE = 3, 0.001  # near-duplicates across parts that are an ERROR


def patients(subject: Subject) -> Answer:
    """L1: patients with images in two or more parts."""
    if not (subject.items["group"] != "").any():
        return _guessed_patients(subject)
    torn, images = _torn(subject.parted, subject.parted["group"])
    if not torn:
        return None
    count = subject.parted.loc[subject.parted["group"] != "", "group"].nunique()
    sentence = (
        f"{many(torn, 'patient')} of {count} have images in several parts "
        f"({listed_parts(images['split'])}); {many(len(images), 'image')} are theirs."
    )
    return Found(
        "ERROR", sentence, torn, images["item"].tolist(), _together(images, images["group"])
    )


def _guessed_patients(subject: Subject) -> Answer:
    guess = guessed_patients(subject.parted)
    if guess is None:
        return "nothing is known about patients (L7)"
    torn, images = _torn(subject.parted, guess)
    if not torn:
        return None
    sentence = (
        f"Names of files look as if they began with or named a patient's number; "
        f"by this guess, {many(torn, 'patient')} have images in several parts."
    )
    examples = _together(images, guess[images.index])
    return Found("WARN", sentence, torn, images["item"].tolist(), examples)


def studies(subject: Subject) -> Answer:
    """L2: studies with images in two or more parts, of other patients than L1 names."""
    known = subject.studies
    if not (known != "").any():
        return "no header names a study, or patients are kept together"
    parted = subject.parted.loc[subject.parted.index.intersection(known.index)]
    one_patient = parted[parted["group"] != ""].groupby("group")["split"].transform("nunique")
    apart = parted.drop(one_patient[one_patient > 1].index)
    torn, images = _torn(apart, known[apart.index])
    if not torn:
        return None
    sentence = (
        f"{many(torn, 'study', 'studies')} have images in several parts "
        f"({listed_parts(images['split'])}), though their patients don't."
    )
    examples = _together(images, known[images.index])
    return Found("ERROR", sentence, torn, images["item"].tolist(), examples)


def identical_across(subject: Subject) -> Answer:
    """L3: identical images in several parts, those that were left out of training included."""
    readable = subject.readable
    sides = readable["split"].where(readable["note"] != COPY, COPY)
    taken = readable[sides.isin([*PARTS, COPY])]
    torn, images = _torn(taken.assign(split=sides[taken.index]), subject.copies[taken.index])
    if not torn:
        return None
    dropped = int((images["split"] == COPY).sum())
    left_out = f"; copies left out of the earlier part: {dropped}" if dropped else ""
    sentence = (
        f"{many(torn, 'image')} stand in several parts, identical in their bytes or pixels"
        f"{left_out}."
    )
    examples = _together(images, subject.copies[images.index])
    return Found("ERROR", sentence, torn, images["item"].tolist(), examples)


def near_across(subject: Subject) -> Answer:
    """L4: images that are nearly the same in several parts; identical ones are L3's."""
    if not subject.measures:
        return "no image was measured"
    split = subject.items["split"]
    pairs = subject.pairs
    sides = [split[pairs[side]].to_numpy(dtype=str) for side in ("left", "right")]
    across = (
        (sides[0] != sides[1]) & pd.Series(sides[0]).isin(PARTS) & pd.Series(sides[1]).isin(PARTS)
    )
    torn = pairs[across.to_numpy()]
    if torn.empty:
        return None
    count = len(torn)
    grave = count >= MANY_PAIRS or count >= MANY_SHARE * len(subject.measures)
    sentence = (
        f"{many(count, 'pair')} of images in different parts are nearly the same "
        f"({count / len(subject.measures):.2%} of {len(subject.measures)} images)."
    )
    return _of_pairs(subject, "ERROR" if grave else "WARN", sentence, torn)


def identical_labels(subject: Subject) -> Answer:
    """L5: identical images with different labels."""
    readable = subject.readable
    torn, images = _torn(readable, subject.copies, "target")
    if not torn:
        return None
    share = len(images) / len(readable)
    sentence = (
        f"{many(torn, 'image')} stand there several times with different labels "
        f"({len(images)} files, {share:.1%} of all): at least one label of each is wrong."
    )
    examples = _together(images, subject.copies[images.index])
    return Found("ERROR", sentence, torn, images["item"].tolist(), examples)


def near_labels(subject: Subject) -> Answer:
    """L6: nearly the same image, or another of the same patient, with a different label."""
    readable, target = subject.readable, subject.items["target"]
    pairs = subject.pairs if subject.measures else pd.DataFrame({"left": [], "right": []})
    differ = target[pairs["left"]].to_numpy() != target[pairs["right"]].to_numpy()
    torn_pairs = pairs[differ]
    single = readable[~subject.copies.duplicated(keep=False)]
    patients, images = _torn(single, single["group"], "target")
    if not patients and torn_pairs.empty:
        return None
    parts = []
    if patients:
        parts.append(f"{many(patients, 'patient')} have images with different labels")
    if len(torn_pairs):
        parts.append(
            f"{many(len(torn_pairs), 'pair')} of images that are nearly the same have different "
            "labels"
        )
    near = _of_pairs(subject, "WARN", "", torn_pairs)
    rows = dict.fromkeys([*images["item"], *near.rows])
    examples = [*near.examples[:3], *_together(images, images["group"])]
    return Found("WARN", f"{'; '.join(parts)}.", patients + len(torn_pairs), [*rows], examples)


def unknown_patients(subject: Subject) -> Answer:
    """L7: nothing is known about patients."""
    known = subject.parted["group"] != ""
    if known.any():
        return None
    sentence = (
        "Nothing is known about patients: images of one may stand in several parts, and scores "
        "would then be too good by an unknown amount."
    )
    return Found("WARN", sentence, len(subject.parted))


def _torn(table: pd.DataFrame, keys: pd.Series, by: str = "split") -> tuple[int, pd.DataFrame]:
    """Return how many keys have several values in a column, and their rows."""
    known = keys[table.index]
    known = known[known.astype(str) != ""]
    kinds = table.loc[known.index, by].groupby(known).transform("nunique")
    rows = table.loc[kinds.index[kinds > 1]]
    return int(known[rows.index].nunique()), rows


def _together(images: pd.DataFrame, keys: pd.Series) -> list[tuple[str, ...]]:
    """Return the items of the first few keys, up to four of each."""
    groups = images["item"].groupby(keys[images.index], sort=False)
    return [tuple(some.head(4)) for _, some in list(groups)[:MOST_EXAMPLES]]


def _of_pairs(subject: Subject, severity: str, sentence: str, pairs: pd.DataFrame) -> Found:
    item = subject.items["item"]
    couples = list(zip(item[pairs["left"]], item[pairs["right"]], strict=True))
    rows = dict.fromkeys(name for couple in couples for name in couple)
    return Found("ERROR" if severity == "ERROR" else "WARN", sentence, len(pairs), [*rows], couples)


_REGROUP = (
    "Say how patients are known (source.group) and let fastmed draw the parts, or correct them."
)
CHECKS = (
    Check("L1", "Patient in several parts", _REGROUP, patients, fast=True),
    Check("L2", "Study in several parts", _REGROUP, studies, fast=True),
    Check(
        "L3",
        "Identical images across parts",
        "Take the copies out of one part; until then the training copy is left out.",
        identical_across,
        fast=True,
    ),
    Check(
        "L4",
        "Near-duplicates across parts",
        "Look at the pairs. Keep copies of one image in one part: give them one group.",
        near_across,
    ),
    Check(
        "L5",
        "Identical image, different label",
        "Find out which label is right, or leave the images out.",
        identical_labels,
        fast=True,
    ),
    Check(
        "L6",
        "Same patient or nearly same image, different label",
        "Look at them: the label may be wrong, or change from visit to visit.",
        near_labels,
        fast=True,
    ),
    Check(
        "L7",
        "Patients unknown",
        "Say how patients are known: source.group, by a column, a DICOM field or the file name.",
        unknown_patients,
        fast=True,
    ),
)  # fmt: skip
