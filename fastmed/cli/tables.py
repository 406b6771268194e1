"""What commands print when they are done."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from fastmed.console import note, print_table
from fastmed.evaluation import saved_scores
from fastmed.interpretation import Interpretation
from fastmed.processes import seat
from fastmed.results.rate_curves import LABELS as RULE_LABELS
from fastmed.results.scores import (
    OVERALL_COLUMNS,
    PER_CLASS_COLUMNS,
    overall_table,
    per_class_table,
)
from fastmed.run import Run

if TYPE_CHECKING:
    from fastmed.training.rate_finding import Rates


def print_scores(title: str, scores: dict[str, Any]) -> None:
    """Print the scores of one part: all classes together, then each."""
    print_table(title, OVERALL_COLUMNS, overall_table(scores))
    print_table("Each class against the rest", PER_CLASS_COLUMNS, per_class_table(scores))


def print_training(run: Run) -> None:
    """Print what a training reached and what to do next; the main process alone has the run."""
    if not seat().main:
        return
    title = "Validation part (the epoch was chosen on it: expect less elsewhere)"
    print_scores(title, saved_scores(run)["valid"])
    note(f"Best epoch {run.info['best_epoch']}, by {run.info['metric']}.")
    note(f"Next: fastmed interpret {run.path}")


def print_rates(rates: "Rates", file: Path) -> None:
    """Print the learning rates that were found, and which to take."""
    table = rates.table()
    names = [RULE_LABELS.get(name, name) for name in table.columns]
    rows = [(phase, *(f"{rate:.2g}" for rate in found)) for phase, *found in table.itertuples()]
    print_table("Suggested learning rates", ["phase", *names], rows)
    several = ", the smaller one, since one rate serves both phases" * (len(rows) > 1)
    note(f"Take --lr {rates.suggestion:.2g} (the valley{several}); now {rates.task.train.lr:g}.")
    note(f"Figure {file}")


def print_interpretation(found: Interpretation, losses: int = 12) -> None:
    """Print scores, confusion matrix and top losses; draw the figures and say where they are."""
    remark = " (the epoch was chosen on it: expect less elsewhere)" * (found.split == "valid")
    print_scores(f"{found.run.path}, {found.split}{remark}", found.scores)
    matrix = found.confusion_matrix()
    rows = [(name, *(int(count) for count in counts)) for name, counts in matrix.iterrows()]
    print_table("Confusion matrix", ["true \\ predicted", *matrix.columns], rows)
    worst = found.top_losses(losses)[["item", "target", "predicted", "loss"]]
    print_table("Largest losses", list(worst.columns), worst.itertuples(index=False))
    for file in found.draw(losses):
        note(f"Figure {file}")


def print_predictions(table: pd.DataFrame, most: int = 20) -> None:
    """Print the first rows of a predictions table, without what is empty."""
    shown = table.drop(columns=[name for name in ("group", "split") if name in table])
    shown = shown.loc[:, [not _empty(shown[name]) for name in shown.columns]]
    title = f"{len(table)} predictions" + (f", the first {most}" if len(table) > most else "")
    print_table(title, list(shown.columns), shown.head(most).itertuples(index=False))


def _empty(column: pd.Series) -> bool:
    return bool((column.isna() | (column.astype(str) == "")).all())
