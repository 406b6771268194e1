"""The page of an audit: each finding with its numbers, what to do, and images to look at."""

import datetime
from collections.abc import Mapping, Sequence

import pandas as pd

import fastmed
from fastmed.auditing.finding import Finding, Severity
from fastmed.auditing.story import Audit, Looked
from fastmed.data.store.cache import Cache
from fastmed.data.store.inspection import places_of
from fastmed.data.store.prepared import prepared_images
from fastmed.data.tables import LEFT_OUT, root_of
from fastmed.page.document import Gallery, Level, Notice, Page, Picture, Section, Sheet, html_of
from fastmed.page.pictures import thumbnail

MOST_ROWS = 200
_LEVELS: Mapping[Severity, Level] = {"ERROR": "error", "WARN": "warning", "INFO": "note"}
_WORDS: Mapping[Severity, str] = {"ERROR": "error", "WARN": "warning", "INFO": "remark"}


def page_of(audit: Audit) -> str:
    """Return the page as text."""
    pictures = _pictures(audit)
    today = datetime.datetime.now(datetime.UTC).date()
    return html_of(
        Page(
            kicker="Audit",
            title=audit.task.title,
            subtitle=f"Task {audit.task.name}. {audit.summary}",
            facts=_facts(audit),
            notices=[_notice(audit, one) for one in audit.findings if one.severity != "INFO"],
            sections=[
                *(_section(audit, one, pictures) for one in audit.findings),
                _checks(audit.looked),
            ],
            footer=f"Made by fastmed {fastmed.__version__} on {today.isoformat()}. No check proves "
            "that data are sound; each looks for one thing. Names of files stand on this page.",
        )
    )


def _notice(audit: Audit, finding: Finding) -> Notice:
    reason = audit.accepted.get(finding.id)
    if reason is not None:
        text = f"{finding.title}: accepted. {reason}"
        return Notice("note", text, f"{finding.id} accepted", finding.id)
    level, word = _LEVELS[finding.severity], _WORDS[finding.severity]
    return Notice(level, finding.sentence, f"{finding.id} {word}", finding.id)


def _section(audit: Audit, finding: Finding, pictures: Mapping[str, Picture]) -> Section:
    reason = audit.accepted.get(finding.id)
    accepted = [f"Accepted: {reason}"] if reason else []
    return Section(
        finding.id,
        f"{finding.id} {finding.title}",
        [finding.sentence, f"What to do: {finding.action}", *accepted],
        list(_galleries(finding, pictures)),
        tables=_rows(audit.items, finding),
        badge="accepted" if reason else _WORDS[finding.severity],
        level="note" if reason else _LEVELS[finding.severity],
    )


def _galleries(finding: Finding, pictures: Mapping[str, Picture]) -> Sequence[Gallery]:
    """Return examples in rows: those that belong together in one each, single ones in one."""
    shown = [[pictures[item] for item in one if item in pictures] for one in finding.examples]
    shown = [some for some in shown if some]
    if all(len(some) == 1 for some in shown):
        shown = [[one for some in shown for one in some]] if shown else []
    return [
        Gallery("Examples" if len(shown) == 1 else f"Example {number}", some)
        for number, some in enumerate(shown, start=1)
    ]


def _rows(items: pd.DataFrame, finding: Finding) -> list[Sheet]:
    if not finding.rows:
        return []
    known = items.set_index("item")[["target", "split", "group"]]
    first = finding.rows[:MOST_ROWS]
    told = known.reindex(first).fillna("")
    rows = [[str(item), *map(str, row)] for item, row in zip(first, told.to_numpy(), strict=True)]
    more = (
        f" The first {MOST_ROWS} of {len(finding.rows)}." if len(finding.rows) > MOST_ROWS else ""
    )
    columns = ("item", "class", "part", "patient")
    return [
        Sheet(
            f"{finding.id}_rows", columns, rows, folded=True,
            caption=f"Images concerned.{more}", summary=f"Images concerned ({len(finding.rows)})",
        )
    ]  # fmt: skip


def _checks(looked: Sequence[Looked]) -> Section:
    rows = [[one.id, one.title, one.outcome, one.reason] for one in looked]
    columns = ("check", "looks for", "outcome", "why it doesn't apply")
    text = "What became of each check. Thresholds and sources are in fastmed's documentation."
    return Section("checks", "All checks", [text], tables=[Sheet("checks", columns, rows)])


def _facts(audit: Audit) -> list[tuple[str, str]]:
    items, open_ones = audit.items, audit.open
    patients = items.loc[items["group"] != "", "group"].nunique()
    parts = [
        (str(name).replace("_", " "), f"{count:,}")
        for name, count in items["split"].value_counts().items()
        if name
    ]
    errors = sum(one.severity == "ERROR" for one in open_ones)
    warnings = sum(one.severity == "WARN" for one in open_ones)
    return [
        ("errors", str(errors)),
        ("warnings", str(warnings)),
        ("images", f"{len(items):,}"),
        ("patients", f"{patients:,}" if patients else "not known"),
        *parts,
    ]


def _pictures(audit: Audit) -> dict[str, Picture]:
    """Return the images of all examples, as the network sees them, by item."""
    wanted = {name for one in audit.findings for example in one.examples for name in example}
    items = audit.items
    chosen = items[items["item"].isin(wanted) & (items["content"] != "")]
    if chosen.empty:
        return {}
    cache = Cache(audit.task.image) if audit.cache else None
    found = prepared_images(places_of(chosen, root_of(items)), audit.task.image, cache)
    rows = zip(chosen["item"], chosen["target"], chosen["split"], found, strict=True)
    return {
        item: thumbnail(one.pixels, f"Image of class {target}", _caption(item, target, split))
        for item, target, split, one in rows
        if not one.reason
    }


def _caption(item: str, target: str, split: str) -> str:
    part = "left out" if split == LEFT_OUT else split
    return f"{target}, {part}: {item}" if part else f"{target}: {item}"
