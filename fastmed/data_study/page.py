"""The page of a study: one HTML file with all in it, and the folder of figures and tables."""

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

import fastmed
from fastmed.data.tables import write_table
from fastmed.data_study.sections import Section, sections_of
from fastmed.data_study.story import Study
from fastmed.files import write_json, write_text
from fastmed.page import document
from fastmed.page.document import Gallery, Notice, Page, html_of
from fastmed.page.pictures import chart, png_of, thumbnail
from fastmed.results.figures.style import DPI, save
from fastmed.whole_folder import check_place, whole_folder

PAGE, MARK = "index.html", "study.json"
OWN = {PAGE, MARK, "figures", "tables"}


def write_study(study: Study, folder: Path) -> Path:
    """Write ``index.html``, ``figures/*.png``, ``tables/*.csv`` and ``study.json``, as a whole.

    An older study in the folder is replaced.

    Raises:
        RunError: the folder holds something else, or can't be written.
    """
    check_place(folder, OWN, "a data study")
    sections = sections_of(study)
    figures = {one.name: png_of(one.figure, DPI) for one in sections if one.figure is not None}
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
    figures = {one.name: png_of(one.figure, DPI) for one in sections if one.figure is not None}
    return _page(study, sections, figures)


def _page(study: Study, sections: Sequence[Section], figures: Mapping[str, bytes]) -> str:
    today = datetime.datetime.now(datetime.UTC).date()
    page = Page(
        kicker="Data study",
        title=study.task.title,
        subtitle=_subtitle(study),
        facts=_facts(study),
        notices=[Notice(remark.level, remark.text) for remark in study.remarks()],
        sections=[_shown(section, figures) for section in sections],
        footer=f"Made by fastmed {fastmed.__version__} on {today.isoformat()}. It describes the "
        "data and is no audit of them. Samples and intensities are of the training part only.",
    )
    return html_of(page)


def _shown(section: Section, figures: Mapping[str, bytes]) -> document.Section:
    """Return a section as the page takes it, with its pictures as data URIs."""
    galleries = [
        Gallery(
            name,
            [thumbnail(one, f"{name}, sample {n}") for n, one in enumerate(some, start=1)],
            f"n = {count}",
        )
        for name, count, some in section.samples
    ]
    figure = None
    if section.figure is not None:
        figure = chart(section.figure, figures[section.name], f"Figure: {section.title}")
    paragraphs = [section.text] if section.text else []
    return document.Section(
        section.name, section.title, paragraphs, galleries, figure, section.tables
    )


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
