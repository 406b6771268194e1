"""The sections of a study's page, in their order: one function each."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fastmed.data_study.columns import title_of
from fastmed.data_study.samples import MEASURED
from fastmed.data_study.story import Study
from fastmed.errors import DataError
from fastmed.page.document import Sheet
from fastmed.results.words import chance_text


class Section(NamedTuple):
    """One part of the page: text, samples of each class, a figure, tables."""

    name: str
    title: str
    text: str = ""
    samples: Sequence[tuple[str, int, Sequence[np.ndarray]]] = ()
    figure: Figure | None = None
    tables: Sequence[Sheet] = ()


def sections_of(study: Study) -> list[Section]:
    """Return the sections that have something to show."""
    made = [make(study) for make in SECTIONS]
    made += [_breakdown(study, column) for column in study.columns]
    return [section for section in [*made, _left_out(study)] if section is not None]


def _classes(study: Study) -> Section:
    counts = study.class_counts()
    counts = counts.loc[:, counts.sum() > 0]
    order = ", from the lowest grade to the highest" if study.task.goal == "grade" else ""
    return Section(
        "classes",
        "Classes",
        f"How many images each class has in each part{order}.",
        figure=_drawn(study.class_figure),
        tables=[_counts("classes", "class", counts, folded=True)],
    )


def _samples(study: Study) -> Section:
    counts = study.class_counts()["train"]
    rows = [(name, int(counts[name]), some) for name, some in study.looked.pictures.items()]
    return Section(
        "samples",
        "Samples",
        "Training images drawn at random, as the network sees them: decoded, prepared and resized, "
        "before any augmentation. Each is of another patient as far as patients are known.",
        samples=rows,
    )


def _sizes(study: Study) -> Section | None:
    sizes = study.sizes()
    if not sizes["n"].sum():
        return None
    side = study.task.image.size
    return Section(
        "sizes",
        "Sizes",
        f"Width and height of the files in pixels; the network's input has {side} x {side}.",
        figure=_drawn(study.size_figure),
        tables=[_size_sheet(sizes)],
    )


def _size_sheet(sizes: pd.DataFrame) -> Sheet:
    columns = ("class", "images", "sizes", "width", "height", "width / height")
    sides = ("width", "height", "aspect")
    rows = [
        [str(name), str(row["n"]), str(row["sizes"]), *map(_range, [row] * 3, sides, (0, 0, 2))]
        for name, row in zip(sizes.index, sizes.to_dict("records"), strict=True)
    ]
    caption = "Median, and in brackets the range."
    return Sheet("sizes", columns, rows, numeric=range(1, 6), caption=caption)


def _range(row: Mapping[Hashable, Any], side: str, digits: int) -> str:
    if not row["n"]:
        return "-"
    middle, low, high = (f"{row[f'{side}_{what}']:.{digits}f}" for what in ("median", "min", "max"))
    return middle if low == high else f"{middle} ({low} to {high})"


def _files(study: Study) -> Section:
    counts = study.breakdown("kind")
    read = study.readable.groupby(["decoder", "scaling"]).size().reset_index(name="images")
    rows = [[str(cell) for cell in row] for row in read.itertuples(index=False)]
    several = len(counts) > 1
    return Section(
        "files",
        "Files",
        "Format, colours and bits of a channel, as the files' headers say, and how they were read."
        + ("" if several else f" All files: {counts.index[0]}."),
        figure=_drawn(lambda: study.breakdown_figure("kind")) if several else None,
        tables=[
            *([_counts("files", "file", counts, folded=True)] if several else []),
            Sheet("readers", ("decoder", "values scaled by", "images"), rows, numeric=[2]),
        ],
    )


def _patients(study: Study) -> Section | None:
    try:
        counts = study.patients()
    except DataError:
        return None
    if len(counts) == 1:
        return Section("patients", "Patients", f"Each patient has {counts.index[0]} of a class.")
    return Section(
        "patients",
        "Patients",
        "How many images of a class the patients have. A patient with images of several classes "
        "counts in each.",
        figure=_drawn(study.patients_figure),
        tables=[_counts("patients", "images of a patient", counts, folded=True)],
    )


def _intensity(study: Study) -> Section:
    return Section(
        "intensity",
        "Intensity",
        f"Mean of the pixels of up to {MEASURED} training images of each class, as the network "
        "sees them. The line is the median.",
        figure=_drawn(study.intensity_figure),
    )


def _associations(study: Study) -> Section | None:
    found = study.associations()
    if found.empty:
        return None
    rows = [
        [
            title_of(str(name)),
            f"{row['v']:.2f}",
            chance_text(row["p"]),
            str(row["groups"]),
            row["telling"],
        ]
        for name, row in found.iterrows()
    ]
    columns = ("column", "V", "p", "groups", "what tells most")
    return Section(
        "associations",
        "What goes together with the class",
        "Cramér's V (corrected for its bias) is 0 where a column says nothing about the class "
        "and 1 where it tells it. What belongs to the file and not to the finding is a possible "
        "shortcut: a network may learn it instead, and fail elsewhere. p is of a chi-squared "
        "test that takes images as independent, so several images of a patient make it too small.",
        tables=[Sheet("associations", columns, rows, numeric=(1, 2, 3))],
    )


def _breakdown(study: Study, column: str) -> Section:
    counts = study.breakdown(column)
    return Section(
        f"by-{column}",
        title_of(column),
        figure=_drawn(lambda: study.breakdown_figure(column)),
        tables=[_counts(f"by_{column}", title_of(column).lower(), counts, folded=True)],
    )


def _left_out(study: Study) -> Section | None:
    reasons = study.left_out()
    if reasons.empty:
        return None
    rows = [[str(reason), str(count)] for reason, count in reasons.items()]
    table = Sheet("left_out", ("reason", "images"), rows, numeric=[1])
    return Section("left-out", "Left out", "Images that no part has.", tables=[table])


def _counts(name: str, what: str, counts: pd.DataFrame, folded: bool = False) -> Sheet:
    """Return counts with the share in their column, and a row of totals."""
    totals = counts.sum()
    shares = counts / totals.clip(lower=1)
    cells = zip(counts.index, counts.to_numpy(), shares.to_numpy(), strict=True)
    rows = [
        [str(name), *(f"{n} ({share:.0%})" for n, share in zip(numbers, parts, strict=True))]
        for name, numbers, parts in cells
    ]
    rows.append(["all", *(str(total) for total in totals)])
    columns = [what, *(str(column).replace("_", " ") for column in counts.columns)]
    return Sheet(name, columns, rows, numeric=range(1, len(columns)), folded=folded)


def _drawn(make: Callable[[], Figure]) -> Figure | None:
    """Return a figure, or None where there is nothing to draw."""
    try:
        return make()
    except DataError:
        return None


SECTIONS: tuple[Callable[[Study], Section | None], ...] = (
    _classes, _samples, _associations, _sizes, _files, _patients, _intensity,
)  # fmt: skip
