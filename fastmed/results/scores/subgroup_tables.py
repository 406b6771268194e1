"""What the terminal shows of subgroups."""

from collections.abc import Iterator, Mapping
from typing import Any

from fastmed.results.scores.names import LABELS
from fastmed.results.scores.subgroups import LEAST
from fastmed.results.scores.tables import Cell, value_text

Table = tuple[str, list[str], list[tuple[Cell, ...]]]

_HEADLINES = {
    "category": ("overall/auroc", "overall/balanced_accuracy"),
    "grade": ("overall/kappa", "referable/auroc", "overall/mae"),
}


def subgroup_tables(scores: Mapping[str, Any]) -> Iterator[Table]:
    """Yield title, columns and rows of the headline scores of subgroups; none without any.

    All other scores of the subgroups are in the files.
    """
    for name, found in scores.get("subgroups", {}).items():
        groups = found["groups"]
        for address in _HEADLINES[scores["goal"]]:
            if groups and address in groups[0]["scores"]:
                label = LABELS[address.rpartition("/")[2]]
                referable = "referable or not, " * address.startswith("referable")
                yield (
                    f"{referable}{label} by {name}",
                    [name, "images", "patients", f"{label} and 95% interval", "gap to the largest"],
                    [_row(group, address) for group in groups],
                )


def _row(group: Mapping[str, Any], address: str) -> tuple[Cell, ...]:
    own = group["scores"][address]
    gap = value_text(own["gap"], own["gap_interval"]) if "gap" in own else ""
    shown = value_text(own["value"], own["interval"])
    return group["name"], group["n"], group["patients"], shown, gap


def hidden_text(scores: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each column some subgroups of which are too small to be shown."""
    return [
        f"By {name}: {hidden['groups']} subgroups with {hidden['patients']} patients in all are "
        f"not shown, since each has fewer than {LEAST}"
        for name, found in scores.get("subgroups", {}).items()
        if (hidden := found["hidden"])["groups"]
    ]
