"""What commands print when they are done."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from fastmed.auditing.words import many
from fastmed.console import note, print_table, warn
from fastmed.processes import seat
from fastmed.results.deciding.point_tables import POINT_COLUMNS, points_table
from fastmed.results.figures.rates import LABELS as RULE_LABELS
from fastmed.results.scores.names import HEADLINES, LABELS
from fastmed.results.scores.subgroup_tables import hidden_text, subgroup_tables
from fastmed.results.scores.tables import (
    class_tables,
    few_patients,
    methods_text,
    overall_table,
    referable_table,
)

if TYPE_CHECKING:
    from fastmed.interpretation import Interpretation
    from fastmed.run import Run
    from fastmed.training.rate_finding import Rates


WIDTH = 100  # columns of tables of scores, where there is no terminal that says another one


def print_scores(title: str, scores: dict[str, Any], most: int | None = None) -> None:
    """Print the scores of one part: all classes together, then each, patients and subgroups.

    Args:
        title: of the first table.
        scores: as they are saved.
        most: how many tables of classes; None prints all.
    """
    print_table(f"{title}, {_counted(scores)}", *overall_table(scores), width=WIDTH)
    for name, columns, rows in list(class_tables(scores))[:most]:
        print_table(name, columns, rows, width=WIDTH)
    if (referable := referable_table(scores)) is not None:
        name = scores["referable"]["from"]
        print_table(f"Referable ('{name}' or higher) against the others", *referable)
    if scores.get("operating_points"):
        print_table("At the stored thresholds", POINT_COLUMNS, points_table(scores), width=WIDTH)
    for name, columns, rows in subgroup_tables(scores):
        print_table(name, columns, rows, width=WIDTH)
    for sentence in hidden_text(scores):
        note(sentence)
    if text := methods_text(scores):
        note(f"Intervals: {text}.")
    for sentence in few_patients(scores):
        warn(sentence)
    if "per_patient" in scores:
        own = scores["per_patient"]
        print_scores(f"{title}, {own['how']} of each patient's images", own, most)


def print_cost(what: str, scores: dict[str, tuple[float, float]]) -> None:
    """Print what the scores of a run are, and those of a file that counts with fewer bits."""
    rows = [
        (LABELS[name], before, after, after - before)
        for name, (before, after) in scores.items()
        if name in HEADLINES
    ]
    if rows:
        print_table(f"What {what} costs", ["score", "run", what, "difference"], rows, width=WIDTH)


def _counted(scores: dict[str, Any]) -> str:
    """Return how many images, and how many patients if that is another number."""
    patients = scores.get("patients", scores["n"])
    several = f" of {patients} patients" if patients != scores["n"] else ""
    what = "patients" if "how" in scores else "images"
    return f"{scores['n']} {what}{several}"


def print_training(run: "Run") -> None:
    """Print what a training reached and what to do next; the main process alone has the run."""
    from fastmed.evaluation import saved_scores

    if not seat().main:
        return
    title = "Validation part (the epoch was chosen on it: expect less elsewhere)"
    print_scores(title, saved_scores(run)["valid"], most=1)
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


def print_interpretation(found: "Interpretation", losses: int = 12) -> None:
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


def print_predictions(table: pd.DataFrame, most: int = 20, count: int | None = None) -> None:
    """Print the first rows of a predictions table, without what is empty.

    Args:
        table: the predictions, or the first of them.
        most: rows that are printed.
        count: of all predictions, if the table holds the first of them.
    """
    count = len(table) if count is None else count
    shown = table.drop(columns=[name for name in ("group", "split") if name in table])
    shown = shown.loc[:, [not _empty(shown[name]) for name in shown.columns]]
    title = many(count, "prediction") + (f", the first {most}" if count > most else "")
    print_table(title, list(shown.columns), shown.head(most).itertuples(index=False))


def note_predictions(count: int, whose: object, file: Path) -> None:
    """Say how many predictions are in a file."""
    are = "is" if count == 1 else "are"
    note(f"{many(count, 'prediction')} of {whose} {are} in {file}")


def _empty(column: pd.Series) -> bool:
    return bool((column.isna() | (column.astype(str) == "")).all())
