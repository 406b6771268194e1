"""Limits: what the card finds by itself, and what its makers say."""

from fastmed.page.document import Section
from fastmed.reporting.drawing import sheet
from fastmed.reporting.story import Story


def limits(story: Story) -> Section:
    """Return the limits that follow from the run, and those that its makers name."""
    said = story.card["blanks"]["limitations"]["answer"]
    own = (
        f"Its makers say: {said}"
        if said
        else ("Limits that only people can know of (limitations in card.toml) were not told.")
    )
    rows = [[one["id"], one["sentence"]] for one in story.card["limits"]]
    tables = [sheet("limits", ["limit", "what it means"], rows, words=(1,))] if rows else []
    return Section("limits", "Limits", [own], tables=tables)
