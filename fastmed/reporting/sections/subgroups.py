"""Subgroups: whether the model does as well for all."""

from fastmed.page.document import Section
from fastmed.reporting.drawing import sheet
from fastmed.reporting.story import Story
from fastmed.results.scores.subgroup_tables import hidden_text, subgroup_tables
from fastmed.results.scores.tables import value_text


def subgroups(story: Story) -> Section | None:
    """Return the scores of groups of patients; a sentence where none was looked at."""
    if not story.scores:
        return None
    if not story.scores.get("subgroups"):
        told = (
            "No subgroup of patients was looked at on its own, so nobody knows whether the model "
            "does as well for women as for men, for the old as for the young, or on each device. "
            "fastmed evaluate RUN --by sex does it, where the data say it."
        )
        return Section("subgroups", "Subgroups", [told], badge="not done", level="warning")
    text = (
        "A gap whose interval leaves out 0 is unlikely to be chance alone; of many gaps some are. "
        "Small groups have wide intervals, and no gap found is no proof that there is none."
    )
    tables = [
        sheet(title, columns, [[value_text(cell, None) for cell in row] for row in rows], title)
        for title, columns, rows in subgroup_tables(story.scores)
    ]
    hidden = [f"{one}." for one in hidden_text(story.scores)]
    return Section("subgroups", "Subgroups", [text, *hidden], tables=tables)
