"""A report for machines: ``report.json``."""

import datetime
from typing import Any

import fastmed
from fastmed.page.document import Section
from fastmed.reporting.heatmaps import MOST
from fastmed.reporting.mistakes import worst
from fastmed.reporting.sections.verdict import sentences
from fastmed.reporting.story import Story
from fastmed.results.scores.confusion import confused_pairs

SCHEMA = "fastmed-report"
SCHEMA_VERSION = 1


def json_of(story: Story, sections: list[Section]) -> dict[str, Any]:
    """Return what a report tells, ready for JSON; see ``docs/reference/report.md``.

    Args:
        story: that the report tells.
        sections: of its page.
    """
    return {
        **head(story.subject.kind, story.card["name"]),
        "notice": story.card["notice"],
        "part": story.label or None,
        "optimistic": story.optimistic,
        "verdict": list(sentences(story)),
        "headlines": _headlines(story),
        "sections": [section.name for section in sections],
        "errors": _errors(story),
        "heatmaps": _heatmaps(story),
        "card": story.card,
        "checklists": story.checklists,
    }


def head(kind: str, name: str) -> dict[str, Any]:
    """Return what each file for machines begins with."""
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "kind": kind,
        "name": name,
        "fastmed": fastmed.__version__,
        "made": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def _headlines(story: Story) -> list[dict[str, Any]]:
    found = []
    for name in story.headlines:
        value, limits = story.score(name)
        low, high = limits or (None, None)
        found.append({"score": name, "value": value, "low": low, "high": high})
    return found


def _errors(story: Story) -> dict[str, Any] | None:
    if not story.scores:
        return None
    pairs = [
        {"true": pair.true, "predicted": pair.predicted, "images": pair.images, "of": pair.of}
        for pair in confused_pairs(story.scores)
    ]
    losses = [
        {"row": one.row, "true": one.target, "predicted": one.predicted, "score": one.score,
         "loss": one.loss}
        for one in worst(story)
    ]  # fmt: skip
    return {"confused": pairs, "largest_losses": losses}


def _heatmaps(story: Story) -> list[dict[str, Any]]:
    return [
        {"row": story.row_of(one.item), "method": one.method, "reason": one.reason,
         "true": one.target, "predicted": one.predicted, "explained": one.explained}
        for one in story.heatmaps.maps[:MOST]
    ]  # fmt: skip
