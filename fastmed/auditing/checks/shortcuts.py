"""Shortcuts: what tells the class and is not the finding. Measured by how well it does so."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.stats import binom

from fastmed.auditing.check import Answer, Check
from fastmed.auditing.finding import Found, Severity
from fastmed.auditing.headers import TAGS
from fastmed.auditing.lettering import FEWEST
from fastmed.auditing.sources import sources_of
from fastmed.auditing.subject import Subject
from fastmed.auditing.telling import CHANCE, Telling, how_well_told
from fastmed.auditing.words import many, shares
from fastmed.results.association import strength

GRAVE, NOTABLE = 0.90, 0.70  # AUROC
PURE = 0.98  # share of a source's images that are of one class
SMALLEST, RARE = 10, 1e-3  # images of a source; probability of such a source by chance
LETTERED = 0.01  # share of images with lettering that is worth a warning
PADDED, DIFFERENT = 0.02, 0.2  # share of an image that is padding; Cramér's V
_FEW = "there are too few images or patients of each class to say"
_NOTHING = "no image was measured"
_STEPS: dict[Severity, Severity | None] = {"ERROR": "WARN", "WARN": "INFO", "INFO": None}


def headers(subject: Subject) -> Answer:
    """S1: classes told by headers alone."""
    if not subject.measures:
        return _NOTHING
    facts = subject.facts
    pixels = facts["width"] * facts["height"]
    features = pd.DataFrame(
        {
            "width": facts["width"],
            "height": facts["height"],
            "aspect": facts["width"] / facts["height"],
            "bytes": facts["bytes"] / pixels,
            "mode": facts["colour"],
            "suffix": facts["suffix"],
            "coloured": facts["coloured"],
        }
    )
    told = how_well_told(features, facts["target"], subject.blocks[facts.index])
    return _told(told, "Size, shape, bytes per pixel and format of the files alone", facts, 0)


def border(subject: Subject) -> Answer:
    """S2: classes told by the border and the corners alone."""
    if not subject.measures:
        return _NOTHING
    facts = subject.facts
    features = pd.DataFrame([one.border for one in subject.measures.values()], index=facts.index)
    told = how_well_told(features, facts["target"], subject.blocks[facts.index])
    return _told(told, "The outer 6% of the images alone", facts, 1)


def thumbnail(subject: Subject) -> Answer:
    """S3: how well classes are told by 8 x 8 pixels; no defect, but what a network must beat."""
    if not subject.measures:
        return _NOTHING
    facts = subject.facts
    features = pd.DataFrame([one.thumbnail for one in subject.measures.values()], index=facts.index)
    told = how_well_told(features, facts["target"], subject.blocks[facts.index])
    if told is None:
        return _FEW
    sentence = f"8 x 8 pixels tell the class with {told.words}: your model must beat this."
    return Found("INFO", sentence, len(facts))


def tags(subject: Subject) -> Answer:
    """S4: classes told by DICOM fields that describe the device and the view."""
    if not subject.measures or subject.tags.empty:
        return "there are no DICOM headers"
    known = subject.tags[[name for name in TAGS if subject.tags[name].nunique() > 1]]
    if known.empty:
        return "the DICOM fields of device and view are the same in all files"
    facts = subject.facts.loc[known.index]
    told = how_well_told(known, facts["target"], subject.blocks[facts.index])
    found = _told(told, "DICOM fields of device and view alone", facts, 0)
    if not isinstance(found, Found):
        return found
    values = {
        name: strength(pd.crosstab(_grouped(known[name]), facts["target"])).v for name in known
    }
    best = sorted(values.items(), key=lambda pair: -pair[1])[:3]
    named = ", ".join(f"{name} {value:.2f}" for name, value in best)
    return replace(found, sentence=f"{found.sentence} Cramér's V: {named}.")


def sources(subject: Subject) -> Answer:
    """S5: sources that belong to one class."""
    found = list(_pure_sources(subject))
    if not found:
        return None
    rows = dict.fromkeys(item for _, images in found for item in images["item"])
    share = len(rows) / max(1, len(subject.readable))
    told = "; ".join(
        f"{kind}: {len(images)} images, all but {_others(images)} of '{images['target'].mode()[0]}'"
        if _others(images)
        else f"{kind}: {len(images)} images, all of '{images['target'].mode()[0]}'"
        for kind, images in found[:4]
    )
    more = f"; and {len(found) - 4} more" if len(found) > 4 else ""
    sentence = (
        f"{many(len(found), 'source')} belong to one class ({share:.0%} of the images): "
        f"{told}{more}."
    )
    examples = [tuple(images["item"].head(4)) for _, images in found]
    return Found("ERROR", sentence, len(found), [*rows], examples)


def lettering(subject: Subject) -> Answer:
    """S6: letters in the pixels, and what DICOM says of it."""
    if not subject.measures:
        return _NOTHING
    facts = subject.facts
    lettered = facts["letters"] >= FEWEST
    dicom = facts["tags"].map(bool)
    burned, silent = dicom & (facts["burned"] == "YES"), dicom & (facts["burned"] == "")
    parts = []
    if lettered.any():
        parts.append(
            f"{many(int(lettered.sum()), 'image')} seem to have lettering in their pixels "
            f"({lettered.mean():.1%}; {shares(lettered, facts['target'])})"
        )
    if burned.any():
        parts.append(f"{many(int(burned.sum()), 'file')} say BurnedInAnnotation = YES")
    if silent.any():
        parts.append(f"{many(int(silent.sum()), 'DICOM file')} don't say whether there is any")
    if not parts:
        return None
    grave = burned.any() or (lettered.mean() >= LETTERED and lettered.sum() >= 3)
    concerned = facts.loc[lettered | burned, "item"]
    count = len(concerned) or int(silent.sum())
    examples = [(item,) for item in concerned.head(6)]
    severity: Severity = "WARN" if grave else "INFO"
    return Found(severity, f"{'; '.join(parts)}.", count, concerned.tolist(), examples)


def ground(subject: Subject) -> Answer:
    """S7: padding and circular masks that differ between the classes."""
    if not subject.measures:
        return _NOTHING
    facts = subject.facts
    kinds = {
        "black padding": facts["black"] >= PADDED,
        "white padding": facts["white"] >= PADDED,
        "a circular mask": facts["circle"].astype(bool),
    }
    blocks = subject.blocks[facts.index]
    parts, rows = [], dict[str, None]()
    for name, flags in kinds.items():
        one = pd.DataFrame({"flag": flags, "target": facts["target"], "block": blocks})
        single = one.drop_duplicates()
        counts = pd.crosstab(single["flag"], single["target"])
        v, p = strength(counts)
        if v >= DIFFERENT and p < CHANCE:
            parts.append(f"{name} (V = {v:.2f}: {shares(flags, facts['target'])})")
            rows |= dict.fromkeys(facts.loc[flags, "item"])
    if not parts:
        return None
    sentence = f"Classes differ in {'; '.join(parts)}."
    return Found("WARN", sentence, len(rows), [*rows], [(item,) for item in [*rows][:6]])


def _told(told: Telling | None, what: str, facts: pd.DataFrame, milder: int) -> Answer:
    """Return a finding by how well the class is told, some steps milder."""
    if told is None:
        return _FEW
    severity: Severity | None = None
    if told.p < CHANCE and told.best >= NOTABLE:
        severity = "ERROR" if told.best >= GRAVE else "WARN"
    for _ in range(milder):
        severity = _STEPS[severity] if severity else None
    if severity is None:
        return None
    chance = "p < 0.001" if told.p < 0.001 else f"p = {told.p:.3f}"
    sentence = f"{what} tell the class with {told.words} ({chance}, {told.images} images)."
    return Found(severity, sentence, len(facts))


def _grouped(values: pd.Series) -> pd.Series:
    """Return values as a few groups: numbers of many values by tenths."""
    if pd.api.types.is_numeric_dtype(values) and values.nunique() > 10:
        return pd.qcut(values, 10, duplicates="drop").astype(str)
    return values.astype(str)


def _pure_sources(subject: Subject) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield sources whose images are of one class, as chance would hardly have it."""
    images = subject.readable
    base = images["target"].value_counts(normalize=True)
    every = [
        (kind, images.loc[index])
        for kind, values in sources_of(subject).items()
        for index in values.groupby(values).groups.values()
        if SMALLEST <= len(index) < len(images)
    ]
    for kind, some in every:
        counts = some["target"].value_counts(normalize=True)
        if counts.iloc[0] < PURE:
            continue
        blocks = int(subject.blocks[some.index].nunique())
        pure = int(np.floor(counts.iloc[0] * blocks))
        chance = float(binom.sf(pure - 1, blocks, base[counts.index[0]])) * len(every)
        if chance < RARE:
            yield kind, some


def _others(images: pd.DataFrame) -> int:
    return len(images) - int(images["target"].value_counts().iloc[0])


_LOOK = "Look at where the classes come from; take images of all classes from every source."
CHECKS = (
    Check(
        "S1",
        "Headers tell the class",
        "The classes come from different sources. Take all from the same, or expect a network to "
        "learn the source.",
        headers,
    ),
    Check(
        "S2",
        "The border tells the class",
        "Look at borders and corners: markers, rulers, edges of a film. Crop them, or crop to the "
        "organ. Where findings reach to the border, as in tissue, this is no defect.",
        border,
    ),
    Check("S3", "A thumbnail tells the class", "Compare your model's AUROC with this.", thumbnail),
    Check(
        "S4",
        "DICOM fields tell the class",
        "Report scores within each device and view; take all classes from the same ones.",
        tags,
    ),
    Check("S5", "A source belongs to one class", _LOOK, sources, fast=True),
    Check(
        "S6",
        "Lettering in the pixels",
        "Look at the images; letters can name a person, or tell the class. Crop or blacken them.",
        lettering,
    ),
    Check(
        "S7",
        "Padding or masks differ by class",
        "Crop all images alike, as by crop_background.",
        ground,
    ),
)  # fmt: skip
