"""What ``fastmed ensemble`` prints."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastmed.cli.tables import WIDTH, print_scores
from fastmed.console import note, print_table
from fastmed.ensembles.methods import METHODS
from fastmed.ensembles.story import Ensemble
from fastmed.results.comparison.comparing import Difference, less_is_better
from fastmed.results.scores.names import LABELS, OVERALL
from fastmed.results.scores.tables import interval_text, value_text
from fastmed.results.words import signed_text

# What stands side by side, as much as fits.
_SHOWN = {
    "category": ("accuracy", "macro_f1", "auroc"),
    "grade": ("kappa", "macro_f1", "mae"),
}


def print_ensemble(found: Ensemble) -> None:
    """Print the scores of an ensemble, those of its members beside it, and what it gains."""
    if found.weights is not None:
        shares = ", ".join(f"{name} {weight:.3f}" for name, weight in found.weights.items())
        note(f"Weights: {shares}.")
    if found.judged is None:
        return
    where = f"the {found.part} part" if found.part in ("test", "valid") else found.part
    title = f"{METHODS[found.wishes.method].capitalize()} of {len(found.members)} members"
    print_scores(f"{title}{', ' * bool(where)}{where}", found.judged.scores, most=1)
    names = [name for name in _SHOWN[found.task.goal] if name in found.judged.scores[OVERALL]]
    columns = ["", *(LABELS[name] for name in names)]
    every = {"ensemble": found.judged.scores, **found.judged.members}
    rows = [[name, *_cells(scores, names)] for name, scores in every.items()]
    print_table("Beside its members", columns, rows, width=WIDTH)
    gains = [[name, *_gains(found.judged.gains, name, names)] for name in found.members]
    print_table("Gain over each member, with 95% interval", columns, gains, width=WIDTH)
    fewer = [LABELS[name] for name in names if less_is_better((OVERALL, name))]
    less = f" Less is better of {', '.join(fewer)}." if fewer else ""
    note(f"Intervals of gains: the same patients, resampled, for both.{less}")


def _cells(scores: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    limits = scores.get("intervals", {}).get(OVERALL, {})
    return [value_text(scores[OVERALL].get(name), limits.get(name)) for name in names]


def _gains(gains: Sequence[Difference], member: str, names: Sequence[str]) -> list[str]:
    found = {one.address: one for one in gains if one.against == member}
    return [_gain(found.get((OVERALL, name))) for name in names]


def _gain(one: Difference | None) -> str:
    if one is None or one.difference is None:
        return "-"
    return f"{signed_text(one.difference)} {interval_text(one.interval)}".removesuffix(" -")
