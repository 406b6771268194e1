"""`study`: a data set looked at from all sides, as tables, figures and a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fastmed.data.items import read_items, summarize
from fastmed.data.metadata import PREFIX
from fastmed.data.pixels.file_facts import file_facts
from fastmed.data.store.cache import Cache
from fastmed.data.tables import ITEM_DEFAULTS, LEFT_OUT, root_of
from fastmed.data_study import remarks
from fastmed.data_study.columns import FILE_COLUMNS, title_of
from fastmed.data_study.groups import association, count_groups, groups_of
from fastmed.data_study.remarks import Remark
from fastmed.data_study.samples import Looked, look_at_samples
from fastmed.errors import DataError, listed, nearest
from fastmed.results.figures import predictions as figures
from fastmed.results.figures import study as study_figures
from fastmed.task import Task

_SIZES = ("meta_rows", "meta_columns")  # of DICOM files: the sizes are shown anyway
_NO_GROUPS = {*ITEM_DEFAULTS, "intensity", "width", "height"} - {
    "origin",
    "split",
    "decoder",
    "scaling",
}


def study(
    task: Task,
    data: str | Path,
    *,
    by: Sequence[str] = (),
    samples: int = 6,
    seed: int = 0,
    skip_bad: bool = False,
    cache: bool = True,
) -> "Study":
    """Return a study of a data set: what there is of each class, how it looks, how it differs.

    Args:
        task: what the data are read as.
        data: the folder of the data.
        by: columns to break down by beside the metadata, such as ``origin`` or ``format``.
        samples: images of each class to show.
        seed: of their draw.
        skip_bad: images that can't be read are left out and counted.
        cache: keep the decoded images on disk.

    Raises:
        DataError: the data are not as the task declares them, or a column is not there.
    """
    items = read_items(task, data, skip_bad, cache)
    images = _with_files(items)
    columns = _checked(by, images)
    looked = look_at_samples(items, task, samples, seed, Cache(task.image) if cache else None)
    images = images.join(looked.intensity, on="item")
    images.attrs.update(items.attrs)
    return Study(task, images, looked, columns)


@dataclass(frozen=True)
class Study:
    """Tables and figures of a data set.

    Attributes:
        task: what the data were read as.
        images: the items, with what their files say: ``width``, ``height``, ``size``, ``format``,
            ``colour``, ``bits``, ``kind`` (these three in words), ``suffix``; and ``intensity`` of
            the training images that were measured.
        looked: the samples.
        by: columns that were asked for.
    """

    task: Task
    images: pd.DataFrame
    looked: Looked
    by: tuple[str, ...] = ()

    @cached_property
    def readable(self) -> pd.DataFrame:
        """The images that can be read, whatever part they are in."""
        return self.images[self.images["content"] != ""]

    def class_counts(self) -> pd.DataFrame:
        """Return how many images each class (rows) has in each part (columns)."""
        return summarize(self.images, self.task.classes)

    def left_out(self) -> pd.Series:
        """Return how many images are left out, by the reason."""
        notes = self.images.loc[self.images["split"] == LEFT_OUT, "note"]
        return notes.where(notes.str.len() > 0, "no reason is noted").value_counts()

    def sizes(self) -> pd.DataFrame:
        """Return the median and the range of sizes of each class (rows), in pixels."""
        known = self.readable.dropna(subset=["width", "height"])
        rows = {name: _sizes_of(known[known["target"] == name]) for name in self.task.classes}
        return pd.DataFrame(rows).T.astype({"n": int, "sizes": int})

    def patients(self) -> pd.DataFrame:
        """Return how many patients (cells) have so many images (rows) of a class (columns).

        Raises:
            DataError: nothing is known about patients.
        """
        known = self.readable[self.readable["group"] != ""]
        if known.empty:
            raise DataError("nothing is known about patients; the task can say how: source.group")
        counts = known.groupby(["group", "target"]).size().rename("images").reset_index()
        groups = groups_of(counts["images"])
        counted = count_groups(groups, counts["target"], self.task.classes)
        return counted.rename(index=lambda n: f"{n} image{'s' * (n != '1')}")

    def breakdown(self, column: str) -> pd.DataFrame:
        """Return how many images (cells) of each class (columns) have each value (rows).

        Raises:
            DataError: there is no such column.
        """
        (name,) = _checked([column], self.images)
        groups = groups_of(self.readable[name])
        return count_groups(groups, self.readable["target"], self.task.classes)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns that are broken down: metadata, the origin, and those asked for."""
        own = [*(name for name in map(str, self.images) if name.startswith(PREFIX)), "origin"]
        own = [name for name in own if name not in _SIZES]
        varied = [name for name in own if self.readable[name].nunique(dropna=False) > 1]
        return tuple(dict.fromkeys([*varied, *self.by]))

    def associations(self) -> pd.DataFrame:
        """Return how strongly each column goes together with the class, the strongest first.

        Returns:
            A row a column: ``v`` (Cramér's V without bias, 0 to 1), ``p`` of the chi-squared
            test, ``groups`` and what tells most. Columns with one value have no row.
        """
        return self._associations.copy()

    @cached_property
    def _associations(self) -> pd.DataFrame:
        names = dict.fromkeys([*FILE_COLUMNS, *self.columns])
        rows = {name: association(self.breakdown(name), title_of(name).lower()) for name in names}
        told = {name: found._asdict() for name, found in rows.items() if found.groups > 1}
        table = pd.DataFrame.from_dict(
            told, orient="index", columns=["v", "p", "groups", "telling"]
        )
        return table.sort_values("v", ascending=False, kind="stable")

    def remarks(self) -> list[Remark]:
        """Return what stands out, in sentences with numbers; warnings come first."""
        found = [remark for rule in remarks.RULES for remark in rule(self)]
        return sorted(found, key=lambda remark: remark.level != "warning")

    def class_figure(self) -> Figure:
        """Return the number of images of each class, by part."""
        return figures.class_count_figure(self.class_counts())

    def samples_figure(self) -> Figure:
        """Return sample images of each class, as the network sees them."""
        counts = {str(name): int(n) for name, n in self.class_counts()["train"].items()}
        return study_figures.samples_figure(self.looked.pictures, counts)

    def size_figure(self) -> Figure:
        """Return width and height of the images of each class."""
        return study_figures.size_figure(self.readable, self.task.classes, self.task.image.size)

    def intensity_figure(self) -> Figure:
        """Return how bright the measured images of each class are."""
        return study_figures.intensity_figure(self.readable, self.task.classes)

    def patients_figure(self) -> Figure:
        """Return how many images of a class the patients have."""
        return study_figures.breakdown_figure(self.patients(), "Images of a patient", "patients")

    def breakdown_figure(self, column: str) -> Figure:
        """Return what each class is made up of, by the values of a column."""
        return study_figures.breakdown_figure(self.breakdown(column), title_of(column))

    def write(self, folder: str | Path) -> Path:
        """Write figures, tables and the page into a folder, as a whole; return the page.

        Raises:
            RunError: the folder holds something else, or can't be written.
        """
        from fastmed.data_study.page import write_study

        return write_study(self, Path(folder))

    def _repr_html_(self) -> str:
        from fastmed.data_study.page import page_of

        page = escape(page_of(self), quote=True)
        style = "width:100%;height:80vh;border:0"
        return f'<iframe sandbox srcdoc="{page}" style="{style}"></iframe>'


def _checked(by: Sequence[str], images: pd.DataFrame) -> tuple[str, ...]:
    """Return the columns that names mean; ``age`` means ``meta_age``."""
    fitting = [name for name in map(str, images) if name not in _NO_GROUPS]
    found = [name if name in fitting else f"{PREFIX}{name}" for name in by]
    for name, column in zip(by, found, strict=True):
        if column not in fitting:
            known = [one.removeprefix(PREFIX) for one in fitting]
            close = nearest(name, known) or f"; known are {listed(known, 20)}"
            raise DataError(f"there is no column '{name}' to break down by{close}")
    return tuple(found)


def _with_files(items: pd.DataFrame) -> pd.DataFrame:
    """Return the items with what the files of those that can be read say, and that in words."""
    facts = file_facts(items[items["content"] != ""], root_of(items))
    sides = facts[["width", "height"]].dropna().astype(int).astype(str)
    facts["size"] = (sides["width"] + " x " + sides["height"]).reindex(facts.index)
    facts["kind"] = _kinds(facts)
    return items.join(facts)


def _kinds(facts: pd.DataFrame) -> pd.Series:
    """Return format, colours and bits of each file in words."""
    bits = facts["bits"].map(lambda bits: "" if np.isnan(bits) else f", {bits:.0f} bits")
    return facts["format"] + ", " + facts["colour"] + bits


def _sizes_of(images: pd.DataFrame) -> dict[str, float]:
    sides = images[["width", "height"]].to_numpy(dtype=float)
    if not len(sides):
        return {"n": 0, "sizes": 0}
    aspect = sides[:, 0] / sides[:, 1]
    return {
        "n": len(sides),
        "sizes": len(np.unique(sides, axis=0)),
        **{
            f"{side}_{what}": float(reckon(values))
            for side, values in (
                ("width", sides[:, 0]),
                ("height", sides[:, 1]),
                ("aspect", aspect),
            )
            for what, reckon in (("median", np.median), ("min", np.min), ("max", np.max))
        },
    }
