"""What commands print when they are done."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from fastmed.console import note, print_table
from fastmed.evaluation import saved_scores
from fastmed.interpretation import Interpretation
from fastmed.results.scores import (
    LABELS,
    OVERALL_COLUMNS,
    PER_CLASS_COLUMNS,
    overall_table,
    per_class_table,
)
from fastmed.run import Run

if TYPE_CHECKING:
    from fastmed.families import Family


def print_scores(title: str, scores: dict[str, Any]) -> None:
    """Print the scores of one part: all classes together, then each."""
    print_table(title, OVERALL_COLUMNS, overall_table(scores))
    print_table("Each class against the rest", PER_CLASS_COLUMNS, per_class_table(scores))


def print_training(run: Run) -> None:
    """Print what a training reached and what to do next."""
    title = "Validation part (the epoch was chosen on it: expect less elsewhere)"
    print_scores(title, saved_scores(run)["valid"])
    note(f"Best epoch {run.info['best_epoch']}, by {run.info['metric']}.")
    note(f"Next: fastmed interpret {run.path}")


def print_comparison(family: "Family") -> None:
    """Print the scores of a family's runs side by side, and what they can't tell."""
    from fastmed.families import BOTH, IMAGE

    remarks = {
        "valid": "Validation part (each epoch was chosen on it: expect less elsewhere)",
        "test": "Test part",
    }
    for part, title in remarks.items():
        rows = family.comparison(part)
        if len(rows):
            table = rows.drop(columns="part")
            names = [LABELS.get(column, column.replace("_", " ")) for column in table.columns]
            print_table(title, names, table.itertuples(index=False))
    note(f"The table is in {family.path / 'comparison.csv'}")
    both, image = family.members[BOTH], family.members[IMAGE]
    note(
        f"{both.path.name} was trained longer than image, from whose weights it went on. How much "
        f"of a lead comes from that, tells: fastmed train {image.task_name} --set meta=[] "
        f"--arch {image.task.train.arch} --weights {image.path}"
    )


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
