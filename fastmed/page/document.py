"""What a page is made of, and how it becomes HTML.

All text is escaped, and shown in one line as `visible` does. A page has one title, sections under
headings, pictures with descriptions and tables with named rows and columns; it follows the reader's
choice of light or dark, and can be printed.
"""

from collections.abc import Sequence
from importlib.resources import files
from typing import Literal, NamedTuple

from jinja2 import Environment, StrictUndefined

from fastmed.console import visible

Level = Literal["error", "warning", "note"]


class Picture(NamedTuple):
    """An image within the page.

    Attributes:
        data: a data URI.
        alt: what it shows, for those who don't see it.
        width, height: in CSS pixels; 0 lets the page choose.
        caption: stands below; empty for none.
    """

    data: str
    alt: str
    width: int = 0
    height: int = 0
    caption: str = ""


class Gallery(NamedTuple):
    """Pictures in a row, under a heading; ``wide`` ones are figures, and stand two in a row."""

    name: str
    pictures: Sequence[Picture]
    note: str = ""
    wide: bool = False


class Sheet(NamedTuple):
    """A table of text.

    Attributes:
        name: of its CSV file.
        columns, rows: its cells; the first of a row names it.
        numeric: the places of columns that stand right.
        folded: the page shows it only when it is asked for.
        caption: what it is.
        summary: what is pressed to see a folded one.
        links: for each row the address that its name leads to, or an empty one; none at all if
            there are none.
    """

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: Sequence[int] = ()
    folded: bool = False
    caption: str = ""
    summary: str = "Numbers"
    links: Sequence[str] = ()


class Chart(NamedTuple):
    """A figure, what it shows in words, and its numbers.

    Attributes:
        picture: the figure.
        text: stands above it; empty for none.
        sheet: its numbers; None for none.
    """

    picture: Picture
    text: str = ""
    sheet: Sheet | None = None


class Section(NamedTuple):
    """One part of the page, under a heading of its own.

    Attributes:
        name: that links within the page lead to; letters, digits and hyphens.
        charts: stand below the tables.
        badge, level: a word before the heading, and how grave it is.
    """

    name: str
    title: str
    paragraphs: Sequence[str] = ()
    galleries: Sequence[Gallery] = ()
    figure: Picture | None = None
    tables: Sequence[Sheet] = ()
    badge: str = ""
    level: Level = "note"
    charts: Sequence[Chart] = ()


class Notice(NamedTuple):
    """A sentence that stands above all sections.

    Attributes:
        level: how grave it is; ``label`` is the word for it, or the level itself.
        target: name of the section that says more; empty for none.
    """

    level: Level
    text: str
    label: str = ""
    target: str = ""


class Page(NamedTuple):
    """A page, from its title to the line at its end; a compact one is printed on one sheet."""

    kicker: str
    title: str
    subtitle: str
    sections: Sequence[Section]
    footer: str
    facts: Sequence[tuple[str, str]] = ()
    notices: Sequence[Notice] = ()
    compact: bool = False


def html_of(page: Page) -> str:
    """Return a page as one HTML file."""
    text = files("fastmed.page").joinpath("page.html.j2").read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    shown = page._replace(
        title=visible(page.title),
        notices=[notice._replace(text=visible(notice.text)) for notice in page.notices],
    )
    return environment.from_string(text).render(page=shown)
