"""A check of the audit: a small function with a name, in a registry."""

from collections.abc import Callable
from typing import NamedTuple

from fastmed.auditing.finding import MOST_EXAMPLES, Finding, Found
from fastmed.auditing.subject import Subject
from fastmed.settings.audit import CheckId

# A finding; nothing; or why the check says nothing about this data set.
Answer = Found | str | None


class Check(NamedTuple):
    """One check.

    Attributes:
        id: of the check, and of its finding.
        title: what it looks for, in a few words.
        action: what to do about a finding.
        look: looks for it.
        fast: whether training does it, too; it then needs nothing that is measured.
    """

    id: CheckId
    title: str
    action: str
    look: Callable[[Subject], Answer]
    fast: bool = False

    def finding(self, found: Found) -> Finding:
        """Return the finding that a result makes."""
        return Finding(
            self.id,
            found.severity,
            self.title,
            found.sentence,
            self.action,
            found.count,
            tuple(found.rows),
            tuple(found.examples[:MOST_EXAMPLES]),
        )
