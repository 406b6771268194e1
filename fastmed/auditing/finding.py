"""What a check of the audit finds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fastmed.settings.audit import CheckId

Severity = Literal["ERROR", "WARN", "INFO"]
SEVERITIES: tuple[Severity, ...] = ("ERROR", "WARN", "INFO")
CLEAN, WARNINGS, ERRORS = 0, 3, 4  # exit codes
MOST_EXAMPLES = 6
Example = tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """One result of the audit.

    Attributes:
        id: of the check.
        severity: how much it puts the results in doubt.
        title: what was looked for, in a few words.
        sentence: what was found, with numbers and without names of files or patients, so that it
            may stand in a run and in its report.
        action: what to do about it.
        count: how many images, or what the sentence counts, it concerns.
        rows: keys of the items concerned.
        examples: keys of a few items to look at; those that belong together in one.
    """

    id: CheckId
    severity: Severity
    title: str
    sentence: str
    action: str
    count: int
    rows: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()

    def told(self) -> dict[str, Any]:
        """Return what a run may keep: no keys of items."""
        return {
            "id": self.id,
            "severity": self.severity,
            "title": self.title,
            "sentence": self.sentence,
            "count": self.count,
        }


@dataclass(frozen=True)
class Found:
    """What a check function returns, from which its finding is made; see `Finding`."""

    severity: Severity
    sentence: str
    count: int
    rows: Sequence[str] = ()
    examples: Sequence[Example] = ()


def sorted_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings with the gravest first, and those of one severity by their ids' families."""
    return sorted(findings, key=lambda found: SEVERITIES.index(found.severity))


def exit_code(severities: Iterable[Severity], strict: bool = False) -> int:
    """Return 4 if there is an ERROR, 3 if there is a WARN, else 0; strict makes 3 to 4."""
    present = set(severities)
    if "ERROR" in present or (strict and "WARN" in present):
        return ERRORS
    return WARNINGS if "WARN" in present else CLEAN
