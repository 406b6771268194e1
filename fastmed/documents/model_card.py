"""The card: all that a model card and a report need, as one table that is ready for JSON."""

from pathlib import Path
from typing import Any

from fastmed.documents.answers import ANSWERS_FILE, Answers, read_answers
from fastmed.documents.blanks import BLANKS, NOTICE
from fastmed.documents.checklists import CHECKLISTS
from fastmed.documents.data_section import data_section
from fastmed.documents.family_section import family_section
from fastmed.documents.limits import limits_of
from fastmed.documents.model_section import (
    network_section,
    preparation_section,
    software_section,
    training_section,
)
from fastmed.documents.results_section import audit_section, decision_section, results_section
from fastmed.documents.subject import HasPath, Subject, subject_of

SCHEMA_VERSION = 1
Card = dict[str, Any]


def card(run: HasPath | str | Path, answers: str | Path | None = None) -> Card:
    """Return what a run, or a family of runs, knows of itself, ready for JSON.

    It names no file, folder or patient. What a run can't know stands under ``blanks``, with the
    user's answers. The keys are described in ``docs/reference/card.md``.

    Args:
        run: a run, a family, or the folder of one.
        answers: a file of the user's; None takes ``card.toml`` in the folder, if it is there.

    Raises:
        RunError: the folder holds neither, or the answers are not as expected.
    """
    subject = subject_of(run)
    return card_of(subject, answers_of(subject, answers))


def answers_of(subject: Subject, file: str | Path | None = None) -> Answers:
    """Return what the user says: by a file, or by the one in the folder; nothing without any."""
    own = subject.path / ANSWERS_FILE
    if file is None and not own.is_file():
        return Answers()
    numbers = {name: one.numbers for name, one in CHECKLISTS.items()}
    return read_answers(own if file is None else Path(file), numbers)


def card_of(subject: Subject, answers: Answers) -> Card:
    """Return the card of a subject, with the answers of its user."""
    task = subject.task
    found: Card = {
        "schema": "fastmed-card",
        "schema_version": SCHEMA_VERSION,
        "kind": subject.kind,
        "name": subject.path.name,
        "notice": NOTICE,
        "blanks": {
            key: {"asks": asks, "answer": answers.blanks.get(key)} for key, asks in BLANKS.items()
        },
        "task": {
            "name": task.name,
            "title": task.title,
            "goal": task.goal,
            "classes": list(task.classes),
        },
        "data": data_section(subject),
        "preparation": preparation_section(subject),
        "network": network_section(subject),
        "training": training_section(subject),
        "decision": decision_section(subject),
        "results": results_section(subject),
        "audit": audit_section(subject),
        "family": family_section(subject),
        "software": software_section(subject),
    }
    return {**found, "limits": limits_of(found)}
