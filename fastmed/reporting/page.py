"""The page of a report: one HTML file with all in it, in the order in which a reader asks."""

import datetime
from collections.abc import Iterator, Sequence

import fastmed
from fastmed.console import visible
from fastmed.page.document import Chart, Gallery, Notice, Page, Picture, Section, Sheet, html_of
from fastmed.reporting.sections.verdict import optimism, without_scores
from fastmed.reporting.story import Story
from fastmed.reporting.words import count, told
from fastmed.results.scores.names import LABELS


def page_of(story: Story, sections: Sequence[Section]) -> str:
    """Return the report of a run, or of a family of runs, as HTML."""
    card = story.card
    kind = "Report" if card["kind"] == "run" else "Report of a family of runs"
    task, network = card["task"], card["network"]["name"]
    return html(
        kind,
        task["title"],
        f"Task {task['name']}, {card['kind']} {card['name']}, network {network}.",
        sections,
        facts=facts(story),
        notices=list(_notices(story)),
    )


def html(
    kicker: str,
    title: str,
    subtitle: str,
    sections: Sequence[Section],
    *,
    facts: Sequence[tuple[str, str]],
    notices: Sequence[Notice],
    images: str = "Images are told by their row of the predictions table, not by their name.",
    compact: bool = False,
) -> str:
    """Return a page as HTML, of which every text is shown as `visible` does.

    The line at its end says how ``images`` are told.
    """
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return html_of(
        Page(
            kicker=kicker,
            title=title,
            subtitle=visible(subtitle),
            sections=[_shown(section) for section in sections],
            footer=f"Made by fastmed {fastmed.__version__} on {today}. Research use, not a medical "
            f"device. {images}",
            facts=[(visible(name), visible(value)) for name, value in facts],
            notices=notices,
            compact=compact,
        )
    )


def facts(story: Story) -> list[tuple[str, str]]:
    """Return the few numbers at the top; each score with its interval."""
    if not story.scores:
        return [("scores of all together", "none")]
    shown = [(LABELS[name], told(name, *story.score(name))) for name in story.headlines]
    patients = story.amounts["patients"]
    return [
        (f"images, {story.label}", f"{story.scores['n']:,}"),
        ("patients", f"{patients:,}" if patients is not None else "not known"),
        *shown,
    ]


def _notices(story: Story) -> Iterator[Notice]:
    warning = optimism(story)
    if warning:
        yield Notice("error", warning, "optimistic", "verdict")
    if not story.scores:
        yield Notice("error", without_scores(story), "no scores", "verdict")
    grave = [one for one in story.card["audit"]["findings"] if one["severity"] == "ERROR"]
    unsolved = [one for one in grave if not one["accepted"]]
    if unsolved:
        names = ", ".join(f"{one['id']} ({one['title']})" for one in unsolved)
        text = f"The audit of the data found {count(len(unsolved), 'error')}: {names}."
        yield Notice("error", text, "audit", "audit")
    for name in ("patients-shared", "patients-unknown", "few-test-patients", "test-reused"):
        if name in story.limits:
            yield Notice("warning", story.limits[name], "limit", "limits")
    yield Notice("note", story.card["notice"], "use", "verdict")


def _shown(section: Section) -> Section:
    """Return a section of which every text is in one line and hides nothing."""
    return section._replace(
        title=visible(section.title),
        paragraphs=[visible(text) for text in section.paragraphs],
        galleries=[_shown_gallery(one) for one in section.galleries],
        figure=None if section.figure is None else _shown_picture(section.figure),
        tables=[_shown_sheet(one) for one in section.tables],
        charts=[
            Chart(_shown_picture(one.picture), visible(one.text),
                  None if one.sheet is None else _shown_sheet(one.sheet))
            for one in section.charts
        ],
    )  # fmt: skip


def _shown_gallery(gallery: Gallery) -> Gallery:
    pictures = [_shown_picture(one) for one in gallery.pictures]
    return gallery._replace(
        name=visible(gallery.name), note=visible(gallery.note), pictures=pictures
    )


def _shown_picture(picture: Picture) -> Picture:
    return picture._replace(alt=visible(picture.alt), caption=visible(picture.caption))


def _shown_sheet(sheet: Sheet) -> Sheet:
    return sheet._replace(
        columns=[visible(name) for name in sheet.columns],
        rows=[[visible(cell) for cell in row] for row in sheet.rows],
        caption=visible(sheet.caption),
        summary=visible(sheet.summary),
    )
