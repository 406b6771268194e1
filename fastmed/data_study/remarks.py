"""What stands out in a data set, in sentences with numbers: one rule a function, in ``RULES``."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from fastmed.data.metadata import PREFIX, SHORTCUTS
from fastmed.data.tables import part
from fastmed.data_study.columns import OF_FILES, title_of

if TYPE_CHECKING:
    from fastmed.data_study.story import Study

STRONG = 0.2  # Cramér's V from which groups and classes are said to go together,
CHANCE = 0.01  # if chance would do so more rarely
IMBALANCE = 2.0  # ratio of the largest to the smallest class that is said
OLDEST = 120  # years


# Column -> why a network may learn it instead of what is on the image.
_SAID = {
    **{f"{PREFIX}{name}": reason for name, reason in SHORTCUTS.items()},
    "origin": "tells the source, which a network may learn instead",
}


class Remark(NamedTuple):
    """One thing that stands out.

    Attributes:
        level: ``warning`` for what may spoil the training or its scores, else ``note``.
        text: one or two sentences.
    """

    level: Literal["warning", "note"]
    text: str


def imbalance(study: "Study") -> Iterator[Remark]:
    """Say how uneven the classes of the training part are, and what the task does about it."""
    counts = study.class_counts()["train"]
    ratio = counts.max() / max(counts.min(), 1)
    if ratio < IMBALANCE:
        return
    made_up = {
        "class_weights": "the loss weights the classes",
        "per_class": "balance.count asks for more images than there are",
        "none": "nothing makes up for it (balance.method = 'none')",
    }[study.task.balance.method]
    yield Remark(
        "note",
        f"The classes are uneven: the training part has {ratio:.1f} times as many images of "
        f"'{counts.idxmax()}' ({counts.max()}) as of '{counts.idxmin()}' ({counts.min()}); "
        f"{made_up}.",
    )


def patients(study: "Study") -> Iterator[Remark]:
    """Say what is known about patients, and which of them stand in several classes."""
    images = study.readable
    known = images[images["group"] != ""]
    if known.empty:
        yield Remark(
            "warning",
            "Nothing is known about patients: images of one may stand on both sides of a split, "
            "and scores would be too good. The setting source.group says how they are told.",
        )
        return
    counts, kinds = known["group"].value_counts(), known.groupby("group")["target"].nunique()
    several, unknown = int((counts > 1).sum()), len(images) - len(known)
    told = f"{len(counts)} patients are known, "
    told += (
        f"{several} with several images (at most {counts.max()})"
        if several
        else "each with one image"
    )
    told += f"; of {unknown} images the patient is not known" if unknown else ""
    yield Remark("note", f"{told}.")
    if (kinds > 1).any():
        yield Remark("note", f"{(kinds > 1).sum()} patients have images of several classes.")


def files(study: "Study") -> Iterator[Remark]:
    """Warn of what tells the class without a look at the image: format, size, reading."""
    found = study.associations()
    strong = found[(found["v"] >= STRONG) & (found["p"] < CHANCE) & found.index.isin(OF_FILES)]
    if len(strong):
        names = ", ".join(
            f"{title_of(str(name)).lower()} (V = {v:.2f})" for name, v in strong["v"].items()
        )
        told = strong["telling"].iloc[0]
        yield Remark(
            "warning",
            f"Possible shortcut: the files tell the class, by {names}. "
            f"{told + '. ' if told else ''}A network may learn where an image comes from.",
        )


def breakdowns(study: "Study") -> Iterator[Remark]:
    """Warn of metadata and origins that differ between the classes."""
    found = study.associations()
    for name, row in found[~found.index.isin(OF_FILES)].iterrows():
        if row["v"] < STRONG or row["p"] >= CHANCE:
            continue
        said = _SAID.get(str(name), "")
        shortcut = bool(said)
        start = "Possible shortcut: " if shortcut else ""
        reason = f"; {'it ' if said[0].islower() else ''}{said}" if shortcut else ""
        strength = f"differs between the classes (V = {row['v']:.2f})"
        text = f"{start}{title_of(str(name))} {strength}{reason}."
        told = f" {row['telling']}." if row["telling"] else ""
        yield Remark("warning" if shortcut else "note", text + told)


def enlarged(study: "Study") -> Iterator[Remark]:
    """Say how many images are smaller than the network's input."""
    known = study.readable.dropna(subset=["width", "height"])
    side = study.task.image.size
    small = known[known[["width", "height"]].max(axis=1) < side]
    if len(small) * 2 > len(known):
        usual = small["size"].mode().iloc[0]
        yield Remark(
            "note",
            f"{len(small)} of {len(known)} images are smaller than the network's input of "
            f"{side} x {side} pixels, most often {usual}: enlarging adds no detail.",
        )


def ages(study: "Study") -> Iterator[Remark]:
    """Say how many ages can't be right."""
    if "meta_age" not in study.images:
        return
    years = np.asarray(study.readable["meta_age"], dtype=float)
    wrong = years[(years > OLDEST) | (years < 0)]
    if len(wrong):
        yield Remark("warning", f"{len(wrong)} ages can't be right, such as {wrong.max():g} years.")


def left_out(study: "Study") -> Iterator[Remark]:
    """Say how many images are left out."""
    reasons = study.left_out()
    if len(reasons):
        yield Remark(
            "note",
            f"{reasons.sum()} of {len(study.images)} images are left out, most of them for: "
            f"{reasons.index[0]} ({reasons.iloc[0]}).",
        )


def few(study: "Study") -> Iterator[Remark]:
    """Warn of parts with so few images of a class that their scores vary a lot."""
    for name in ("valid", "test"):
        counts = part(study.images, name)["target"].value_counts()
        counts = counts.reindex(study.task.classes, fill_value=0)
        if counts.sum() and counts.min() < 30:
            yield Remark(
                "note",
                f"The {name} part has only {counts.min()} images of '{counts.idxmin()}': scores "
                "of this class vary a lot by chance.",
            )


RULES: tuple[Callable[["Study"], Iterator[Remark]], ...] = (
    files, breakdowns, patients, imbalance, few, enlarged, ages, left_out,
)  # fmt: skip
