"""The results of a card: scores of each evaluated set, calibration, thresholds, the audit."""

from collections.abc import Iterator, Mapping
from typing import Any

from fastmed.documents.subject import Subject
from fastmed.run import Run

Table = dict[str, Any]
NOT_AUDITED = "not audited"
FAST_CHECKS = "fast checks"  # what a training does by itself, with no image opened
ALL_CHECKS = "all checks"  # what it does with ``audit.full``, as `fastmed audit` does
_OF_SET = (
    "n", "patients", "views", "calibrated", "test_uses", "runs", "overall", "per_class",
    "referable", "confusion", "intervals", "methods", "options", "operating_points", "abstention",
    "per_patient", "subgroups",
)  # fmt: skip
_OF_FINDING = ("id", "severity", "title", "sentence", "count")
_OF_CALIBRATION = ("n", "temperature", "weights", "shares")
_OF_POINT = (
    "class", "rule", "threshold", "sensitivity", "sensitivity_bound", "specificity",
    "specificity_bound", "found", "positives", "cleared", "negatives",
)  # fmt: skip
ROLES = {
    "valid": "chose the epoch, and thresholds and calibration were fitted on it: optimistic",
    "test": "took no part in training or in any choice",
}
OTHER_SET = "another labelled set, evaluated as the run is"


def results_section(subject: Subject) -> Table:
    """Return the scores of each evaluated set; those of other places are numbered, not named."""
    return {"sets": {name: _set(scores) for name, scores in _named(subject.scores)}}


def _named(scores: Mapping[str, Any]) -> Iterator[tuple[str, Table]]:
    """Yield scores with names that are no file's: valid, test, external-1, ..."""
    number = 0
    for name, found in scores.items():
        if name not in ROLES:
            number += 1
        label = name if name in ROLES else f"external-{number}"
        yield label, {"role": ROLES.get(name, OTHER_SET), "optimistic": name == "valid", **found}


def _set(scores: Table) -> Table:
    return {name: scores.get(name) for name in ("role", "optimistic", *_OF_SET)}


def decision_section(subject: Subject) -> Table:
    """Return how outputs become probabilities and decisions."""
    task, alone = subject.task, subject.kind == "run"
    info: Mapping[str, Any] = subject.info if alone else {}
    points = info.get("operating_points")
    return {
        "views": list(task.predict.views),
        "rule": _rule(subject),
        "calibration": _chosen(info.get("calibration"), _OF_CALIBRATION),
        "cut_points": info.get("cut_points"),
        "scale": info.get("scale"),
        "operating_points": [
            _chosen(point, _OF_POINT)
            for point in _tables(points)
            if point.get("threshold") is not None
        ],
        "fitted_on": "valid",
        "by": "the run" if alone else "each run of the family for itself",
    }


def _tables(content: object) -> Iterator[Table]:
    """Yield the tables of a list, or of the values of a table."""
    every = list(content.values()) if isinstance(content, dict) else content
    yield from (one for one in every if isinstance(one, dict)) if isinstance(every, list) else ()


def _chosen(content: object, names: tuple[str, ...]) -> Table | None:
    return {name: content.get(name) for name in names} if isinstance(content, dict) else None


def _rule(subject: Subject) -> str:
    if subject.task.goal == "category":
        return "the class with the highest output"
    return "the grade between whose cut points the value lies"


def audit_section(subject: Subject) -> Table:
    """Return what the audit found, without the rows concerned, and what was accepted and why."""
    run = subject.first
    told = subject.info.get("audit") or ({} if run is None else run.info).get("audit")
    if not isinstance(told, dict | list):
        return {"state": NOT_AUDITED, "findings": [], "errors": None, "warnings": None}
    findings = told.get("findings") if isinstance(told, dict) else told
    accepted = _accepted(told, run)
    full = isinstance(told, dict) and told.get("checks") == "all"
    found = [
        {**(_chosen(one, _OF_FINDING) or {}), "accepted": accepted.get(str(one.get("id")))}
        for one in _tables(findings)
    ]
    return {
        "state": ALL_CHECKS if full else FAST_CHECKS,
        "findings": found,
        "errors": sum(one["severity"] == "ERROR" for one in found),
        "warnings": sum(one["severity"] == "WARN" for one in found),
    }


def _accepted(told: object, run: Run | None) -> dict[str, str]:
    """Return the reasons that findings were accepted with, by the id of their check."""
    kept = told.get("accepted") if isinstance(told, dict) else None
    settings = getattr(run.task, "audit", None) if run is not None else None
    reasons = dict(getattr(settings, "accept", {}))
    reasons |= kept if isinstance(kept, dict) else {}
    return {str(name): str(reason) for name, reason in reasons.items()}
