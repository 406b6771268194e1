"""The audit: what the checks of the data found, and what was accepted."""

from fastmed.documents.results_section import FAST_CHECKS, NOT_AUDITED
from fastmed.page.document import Section
from fastmed.reporting.drawing import sheet
from fastmed.reporting.story import Story
from fastmed.reporting.words import count


def audit(story: Story) -> Section:
    """Return the findings of the audit; names of images are on the audit's own page only."""
    found = story.card["audit"]
    if found["state"] == NOT_AUDITED:
        told = "The data were not audited for leaks and shortcuts; fastmed audit does it."
        return Section("audit", "Audit of the data", [told], badge="not done", level="warning")
    if not found["findings"]:
        told = f"The {found['state']} of the audit found nothing. No check proves data sound."
        return Section("audit", "Audit of the data", [told])
    rows = [
        [one["id"], one["severity"], one["sentence"], _state(one["accepted"])]
        for one in found["findings"]
    ]
    text = (
        f"{count(found['errors'], 'error')} and {count(found['warnings'], 'warning')}, by the "
        f"{found['state']} of the audit before training."
    )
    if found["state"] == FAST_CHECKS:
        text += " They open no image; the command fastmed audit looks at the images, too."
    columns = ["check", "severity", "what was found", "state"]
    table = sheet("audit", columns, rows, words=(1, 2, 3))
    return Section("audit", "Audit of the data", [text], tables=[table])


def _state(accepted: str | None) -> str:
    return f"accepted: {accepted}" if accepted else "open"
