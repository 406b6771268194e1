"""What Structured Reports and Secondary Captures have in common: who made them, and their UIDs."""

from pydicom.uid import UID, generate_uid

import fastmed
from fastmed.clients.model import Model
from fastmed.reporting.sections.verdict import RESEARCH
from fastmed.reporting.words import told
from fastmed.results.scores.names import LABELS

MANUFACTURER = "fastmed"
_LONGEST = 64  # letters of a field (LO)


def new_uid() -> UID:
    """Return a UID of its own, made of random numbers (PS3.5, B.2)."""
    return generate_uid(prefix=None)


def device_uid(model: Model) -> UID:
    """Return the UID that stands for a network with its weights, always the same."""
    name = f"{model.weights_sha256}/{model.run.path.name}"
    return generate_uid(entropy_srcs=[name])


def short(text: str) -> str:
    """Return a text as a field of 64 letters takes it."""
    plain = "".join(sign if sign.isprintable() and sign != "\\" else "_" for sign in text)
    return plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 3]}..."


def versions(model: Model) -> list[str]:
    """Return the versions of software, run and weights."""
    return [
        f"fastmed {fastmed.__version__}",
        f"run {model.run.path.name}",
        f"weights SHA-256 {(model.weights_sha256 or 'unknown')[:32]}",
    ]


def algorithm(model: Model) -> tuple[str, str, list[str]]:
    """Return name, version and parameters of what predicted."""
    parameters = [
        f"views: {', '.join(model.views)}",
        f"probabilities calibrated: {'yes' if model.calibrated else 'no'}",
    ]
    if model.point is not None:
        rule = model.point.rule
        parameters.append(
            f"operating point: {rule.positive}, {rule.text}, from {model.point.threshold:.4f} on"
        )
    name = f"{model.task.title} ({model.network})"
    return name, "; ".join(versions(model)), [*parameters, _tested(model), RESEARCH]


def _tested(model: Model) -> str:
    story = model.story
    if not story.scores:
        return "never tested on labelled images"
    scores = [f"{LABELS[name]} {told(name, *story.score(name))}" for name in story.headlines]
    kind = ", which chose the model" if story.optimistic else ""
    return f"on {story.scores['n']} images ({story.label} part{kind}): {', '.join(scores)}"
