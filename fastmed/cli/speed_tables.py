"""What ``fastmed bench`` prints."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastmed.benching.speeds import LABELS
from fastmed.console import note, print_table

if TYPE_CHECKING:
    from fastmed.benching.speeds import Speeds

COLUMNS = ("what", "images/s", "lowest", "highest", "share of the ceiling")


def print_speeds(speeds: "Speeds", file: Path | None) -> None:
    """Print a row for each measurement, and below it what limits."""
    how = speeds.conditions
    title = (
        f"Speed of {speeds.task.name}: {how.arch}, {how.size} pixels, batches of {how.batch}, "
        f"{how.way}, on {speeds.machine['device']}"
    )
    print_table(title, COLUMNS, [_row(*row) for row in speeds.table().itertuples()])
    for sentence in speeds.limits:
        note(sentence)
    if file is not None:
        note(f"All of it: {file}")


def _row(what: str, *found: Any) -> tuple[object, ...]:
    usual, lowest, highest, ceiling, share = found
    reached = f"{share:.0%} of {LABELS[ceiling]}" if ceiling else ""
    return LABELS[what], *map(_figure, (usual, lowest, highest)), reached


def _figure(rate: float) -> float:
    return round(rate) if rate >= 100 else rate
