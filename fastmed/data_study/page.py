"""The page of a study: one HTML file with all in it, and the folder of figures and tables."""

import base64
import datetime
import io
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from jinja2 import Environment, StrictUndefined
from matplotlib.figure import Figure
from PIL import Image

import fastmed
from fastmed.console import visible
from fastmed.data.tables import write_table
from fastmed.data_study.sections import Section, sections_of
from fastmed.data_study.story import Study
from fastmed.files import write_json, write_text
from fastmed.results.style import DPI, save
from fastmed.whole_folder import check_place, whole_folder

PAGE, MARK = "index.html", "study.json"
OWN = {PAGE, MARK, "figures", "tables"}
THUMBNAIL = 224  # pixels
CSS_PIXELS = 96  # in an inch


class Picture(NamedTuple):
    """A figure within the page."""

    data: str
    alt: str
    width: int
    height: int


def write_study(study: Study, folder: Path) -> Path:
    """Write ``index.html``, ``figures/*.png``, ``tables/*.csv`` and ``study.json``, as a whole.

    An older study in the folder is replaced.

    Raises:
        RunError: the folder holds something else, or can't be written.
    """
    check_place(folder, OWN, "a data study")
    sections = sections_of(study)
    figures = {one.name: _png(one.figure) for one in sections if one.figure is not None}
    with whole_folder(folder) as place:
        save(study.samples_figure(), place / "figures" / "samples.png")
        for name, content in figures.items():
            (place / "figures" / f"{name}.png").write_bytes(content)
        for table in (table for section in sections for table in section.tables):
            rows = pd.DataFrame(table.rows, columns=list(table.columns))
            write_table(rows, place / "tables" / f"{table.name}.csv")
        write_text(place / PAGE, _page(study, sections, figures))
        write_json(place / MARK, _summary(study))
    return folder / PAGE


def page_of(study: Study) -> str:
    """Return the page as text."""
    sections = sections_of(study)
    figures = {one.name: _png(one.figure) for one in sections if one.figure is not None}
    return _page(study, sections, figures)


def _page(study: Study, sections: Sequence[Section], figures: Mapping[str, bytes]) -> str:
    text = files("fastmed.data_study").joinpath("page.html.j2").read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    today = datetime.datetime.now(datetime.UTC).date()
    return environment.from_string(text).render(
        title=visible(study.task.title),
        subtitle=_subtitle(study),
        facts=_facts(study),
        remarks=[remark._replace(text=visible(remark.text)) for remark in study.remarks()],
        sections=[_shown(section, figures) for section in sections],
        footer=f"Made by fastmed {fastmed.__version__} on {today.isoformat()}. It describes the "
        "data and is no audit of them. Samples and intensities are of the training part only.",
    )  # fmt: skip


def _shown(section: Section, figures: Mapping[str, bytes]) -> dict[str, object]:
    """Return a section as the template takes it, with its pictures as data URIs."""
    samples = [
        {"name": name, "count": count, "pictures": [_thumbnail(one) for one in some]}
        for name, count, some in section.samples
    ]
    figure = None
    if section.figure is not None:
        sides = (round(float(side) * CSS_PIXELS) for side in section.figure.get_size_inches())
        data = _uri("png", figures[section.name])
        figure = Picture(data, f"Figure: {section.title}", *sides)
    return {**section._asdict(), "samples": samples, "figure": figure}


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DPI)
    return file.getvalue()


def _thumbnail(pixels: np.ndarray) -> str:
    picture, file = Image.fromarray(pixels), io.BytesIO()
    picture.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
    picture.save(file, "JPEG", quality=88)
    return _uri("jpeg", file.getvalue())


def _uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _subtitle(study: Study) -> str:
    image, kind = study.task.image, study.task.goal
    steps = ", ".join(step.name for step in image.operations) or "no further operations"
    goal = "Grades in ascending order" if kind == "grade" else "Categories"
    return (
        f"Task {study.task.name}. {goal}. The network sees {image.size} x {image.size} pixels "
        f"({image.fit}; {steps})."
    )


def _facts(study: Study) -> list[tuple[str, str]]:
    counts = study.class_counts().sum()
    known = study.readable.loc[study.readable["group"] != "", "group"].nunique()
    parts = [(str(name).replace("_", " "), f"{n:,}") for name, n in counts.items() if n]
    return [
        ("images", f"{len(study.images):,}"),
        ("classes", str(len(study.task.classes))),
        ("patients", f"{known:,}" if known else "not known"),
        *parts,
    ]


def _summary(study: Study) -> Mapping[str, object]:
    """Return what a machine may want to read."""
    return {
        "fastmed": fastmed.__version__,
        "task": study.task.name,
        "images": len(study.images),
        "counts": study.class_counts().to_dict(),
        "associations": study.associations().to_dict("index"),
        "remarks": [remark._asdict() for remark in study.remarks()],
    }
