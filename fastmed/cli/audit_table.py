"""What ``fastmed audit`` prints."""

from fastmed.auditing.story import Audit
from fastmed.console import note, print_table


def print_audit(found: Audit) -> None:
    """Print the findings, the accepted ones with their reasons, and a line that sums up."""
    accepted = found.accepted
    rows = [
        (one.id, "accepted" if one.id in accepted else one.severity, one.sentence)
        for one in found.findings
    ]
    print_table(f"Audit of {found.task.name}", ["check", "severity", "what was found"], rows)
    todo = [(one.id, one.action) for one in found.open if one.severity != "INFO"]
    if todo:
        print_table("What to do", ["check", "action"], todo)
    for name, reason in accepted.items():
        note(f"{name} is accepted: {reason}")
    idle = [name for name in found.task.audit.accept if name not in accepted]
    if idle:
        note(f"{', '.join(idle)} found nothing, so there is nothing to accept")
    note(found.summary)
