"""What ``fastmed card`` prints."""

from collections.abc import Mapping
from typing import Any

from fastmed.auditing.words import many
from fastmed.console import note, print_table
from fastmed.documents.checklists.result_rules import headline


def print_card(card: Mapping[str, Any], checklists: Mapping[str, Any]) -> None:
    """Print the main facts of a card, its limits, and how far each checklist is filled in."""
    print_table(card["name"], ["", ""], _facts(card))
    limits = [(limit["id"], limit["sentence"]) for limit in card["limits"]]
    print_table("Limits", ["limit", "what it means"], limits)
    rows = [(name, *_counts(found)) for name, found in checklists.items()]
    print_table("Checklists", ["checklist", *_COUNTS, "open"], rows)
    note("Next: fastmed card RUN --checklist claim; write what is open into card.toml")
    note(card["notice"])


def print_checklist(found: Mapping[str, Any]) -> None:
    """Print the items of a checklist with their states, and how many there are of each."""
    counts = _counts(found)
    print_table(f"{found['title']}, {found['edition']}", [*_COUNTS, "open"], [counts])
    rows = [(item["number"], item["asks"], _state(item), _told(item)) for item in found["items"]]
    print_table(
        "Items", ["item", "what is asked", "state", "answer, or what to write by which key"], rows
    )
    note(f"After {found['source']}, doi:{found['doi']}")


_COUNTS = ("AUTO", "USER", "N/A")


def _counts(found: Mapping[str, Any]) -> list[int]:
    return [found["counts"][name] for name in (*_COUNTS, "open")]


def _facts(card: Mapping[str, Any]) -> list[tuple[str, str]]:
    flow, training = card["data"]["flow"], card["training"]
    chosen = training["epochs"]["chosen"]
    epoch = f", epoch {chosen} by {training['selection']['metric']}" if chosen else ""
    return [
        ("task", card["task"]["title"]),
        ("classes", ", ".join(card["task"]["classes"])),
        ("images", f"{flow['found']['images']} found, {flow['left_out']['images']} left out"),
        ("parts", ", ".join(f"{name} {one['images']}" for name, one in flow["parts"].items())),
        ("split", card["data"]["split"]["sentence"]),
        ("network", f"{card['network']['name']}, from {card['network']['start']}"),
        ("training", f"{training['status']}{epoch}"),
        ("audit", _audit(card["audit"])),
        *((f"scores, {name}", headline(one)) for name, one in card["results"]["sets"].items()),
    ]


def _audit(audit: Mapping[str, Any]) -> str:
    if audit["errors"] is None:
        return str(audit["state"])
    errors, warnings = many(audit["errors"], "error"), many(audit["warnings"], "warning")
    return f"{audit['state']}: {errors}, {warnings}"


def _state(item: Mapping[str, Any]) -> str:
    return "USER, open" if item["open"] else str(item["state"])


def _told(item: Mapping[str, Any]) -> str:
    if item["answer"] or item["reason"]:
        return str(item["answer"] or item["reason"])
    known = f" (known: {item['known']})" if item["known"] else ""
    keys = f"{', '.join(item['blanks'])}: " if item["blanks"] else ""
    return f"{keys}{item['write']}{known}"
