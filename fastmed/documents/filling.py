"""A checklist filled in: what the card answers, what the user did, and what is open."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastmed.documents.answers import Answers, ItemAnswer
from fastmed.documents.blanks import BLANKS
from fastmed.documents.checklists import CHECKLISTS
from fastmed.documents.checklists.item import (
    STATES,
    Card,
    Checklist,
    Item,
    Known,
    NotApplicable,
    Partly,
    State,
)
from fastmed.documents.model_card import answers_of, card_of
from fastmed.documents.subject import HasPath, subject_of
from fastmed.errors import RunError, nearest

SCHEMA_VERSION = 1
Filled = dict[str, Any]


def checklist(run: HasPath | str | Path, name: str, answers: str | Path | None = None) -> Filled:
    """Return a checklist filled in by what a run, or a family of runs, knows, ready for JSON.

    Each item is AUTO (the card answers it, at ``pointer``), USER (the user writes it; ``open``
    until then), or N/A with a reason. The keys are described in ``docs/reference/card.md``.

    Args:
        run: a run, a family, or the folder of one.
        name: ``claim``, ``tripod-ai`` or ``stard-ai``.
        answers: a file of the user's; None takes ``card.toml`` in the folder, if it is there.

    Raises:
        RunError: there is no such checklist, no such run, or the answers are not as expected.
    """
    return dict(documents_of(run, name, answers)["checklists"][name])


def documents_of(
    run: HasPath | str | Path, name: str | None = None, answers: str | Path | None = None
) -> dict[str, Any]:
    """Return the card and one checklist, or all of them, as ``fastmed card --json`` writes them.

    Args and errors are those of `checklist`.
    """
    if name is not None and name not in CHECKLISTS:
        close = nearest(name, CHECKLISTS) or f"; there are {', '.join(CHECKLISTS)}"
        raise RunError(f"there is no checklist '{name}'{close}")
    subject = subject_of(run)
    said = answers_of(subject, answers)
    card = card_of(subject, said)
    names = list(CHECKLISTS) if name is None else [name]
    return {
        "card": card,
        "checklists": {one: filled(CHECKLISTS[one], card, said) for one in names},
    }


def filled(listed: Checklist, card: Card, answers: Answers) -> Filled:
    """Return a checklist with the state of each item, ready for JSON; none is left out."""
    own = answers.items.get(listed.name, {})
    items = [_filled(item, card, own.get(item.number)) for item in listed.items]
    return {
        "schema": "fastmed-checklist",
        "schema_version": SCHEMA_VERSION,
        "name": listed.name,
        "title": listed.title,
        "edition": listed.edition,
        "source": listed.source,
        "doi": listed.doi,
        "counting": listed.counting,
        "counts": {
            **{state: sum(item["state"] == state for item in items) for state in STATES},
            "open": sum(item["open"] for item in items),
        },
        "items": items,
    }


def _filled(item: Item, card: Card, own: ItemAnswer | None) -> Filled:
    said = item.rule(card) if item.rule else None
    pointer = said.pointer if isinstance(said, Known | Partly) else None
    written = own.text if own and own.applies else _from_blanks(item, card["blanks"])
    state: State = "USER"
    answer, known, reason = written, None, None
    if own and not own.applies:
        state, answer, reason = "N/A", None, own.text
    elif isinstance(said, Known):
        state, answer = "AUTO", said.line
    elif isinstance(said, NotApplicable) and written is None:
        state, reason = "N/A", said.reason
    elif isinstance(said, Partly):
        known = said.line
    return {
        "number": item.number,
        "section": item.section,
        "asks": item.asks,
        "state": state,
        "open": state == "USER" and answer is None,
        "answer": answer,
        "pointer": pointer,
        "known": known,
        "blanks": list(item.blanks),
        "write": _to_write(item) if state == "USER" else None,
        "note": written if state == "AUTO" else None,
        "reason": reason,
    }


def _from_blanks(item: Item, blanks: Mapping[str, Mapping[str, str | None]]) -> str | None:
    """Return the user's answers to an item's blanks; None unless each is answered."""
    answers = [blanks[key]["answer"] for key in item.blanks]
    known = [answer for answer in answers if answer]
    return " ".join(known) if known and len(known) == len(answers) else None


def _to_write(item: Item) -> str:
    return "; ".join(BLANKS[key] for key in item.blanks) or item.asks
