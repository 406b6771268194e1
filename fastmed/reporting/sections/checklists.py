"""Checklists: which of their items the run answers, which its makers did, and which are open."""

from collections.abc import Mapping
from typing import Any

from fastmed.page.document import Section, Sheet
from fastmed.reporting.story import Story


def checklists(story: Story) -> Section:
    """Return each checklist, folded."""
    text = (
        "Items answered by the run itself are AUTO, those for its makers USER (open until "
        "card.toml answers them), those that don't apply N/A. A checklist asks what is reported; "
        "it judges nothing."
    )
    return Section("checklists", "Checklists", [text],
                   tables=[_list(one) for one in story.checklists.values()])  # fmt: skip


def _list(found: Mapping[str, Any]) -> Sheet:
    counts = found["counts"]
    told = (
        f"{found['title']}, {found['edition']}: {counts['AUTO']} AUTO, {counts['USER']} USER "
        f"({counts['open']} open), {counts['N/A']} N/A"
    )
    rows = [
        [one["number"], one["asks"], "USER, open" if one["open"] else one["state"], _answer(one)]
        for one in found["items"]
    ]
    caption = f"After {found['source']}, doi:{found['doi']}"
    columns = ["item", "asks for", "state", "answer, or what is to be written"]
    return Sheet(found["name"], columns, rows, (), True, caption, told)


def _answer(one: Mapping[str, Any]) -> str:
    if one["answer"] or one["reason"]:
        return str(one["answer"] or one["reason"])
    known = f" Known: {one['known']}." if one["known"] else ""
    return f"To write: {one['write']}.{known}"
