"""The command ``fastmed demo``."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    task: Annotated[str, typer.Argument(metavar="TASK", help="A built-in task.")] = "lungs",
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where everything goes.")] = Path("demo"),
    seed: Annotated[int, typer.Option(min=0, help="Of the pictures and the training.")] = 0,
) -> None:
    """Make phantom data, train on it from scratch, interpret and predict, in minutes.

    Needs no network, no account and no GPU. The predictions are of new phantom patients.

    Example: fastmed demo retinopathy
    """
    from fastmed.demo.story import demo_folders, demo_task

    chosen = demo_task(task, seed)

    from fastmed.cli.tables import print_interpretation, print_predictions, print_scores
    from fastmed.console import note
    from fastmed.evaluation import evaluate
    from fastmed.interpretation import interpret
    from fastmed.training.train import train

    known, new = demo_folders(task, out, seed)
    run = train(chosen, known, runs=out / "runs")
    print_interpretation(interpret(run))
    table, scores = evaluate(run, new)
    print_predictions(table, most=8)
    note(f"All of them are in {run.predictions_file('new')}")
    print_scores("New patients, never seen in training", scores)
