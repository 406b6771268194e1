"""The command ``fastmed interpret``."""

from pathlib import Path
from typing import Annotated

import typer

from fastmed.cli.options import Device, RunFolder, RunsFolder, open_run


def interpret(
    run: RunFolder = None,
    split: Annotated[
        str, typer.Option(help="valid, test, or the name of a set that was evaluated.")
    ] = "valid",
    losses: Annotated[int, typer.Option(min=1, max=100, help="How many top losses to show.")] = 12,
    runs: RunsFolder = Path("runs"),
    device: Device = None,
) -> None:
    """Show the confusion matrix, scores of each class, top losses and training curves.

    Figures are written into the run's figures folder.

    Example: fastmed interpret runs/lungs/first --split valid
    """
    from fastmed.cli.tables import print_scores
    from fastmed.console import note, print_table
    from fastmed.interpretation import interpret as interpret_run

    opened = open_run(run, runs)
    found = interpret_run(opened, split=split, device=device)
    print_scores(f"{opened.path}, {split}", found.scores)
    matrix = found.confusion_matrix()
    rows = [(name, *(int(count) for count in counts)) for name, counts in matrix.iterrows()]
    print_table("Confusion matrix", ["true \\ predicted", *matrix.columns], rows)
    worst = found.top_losses(losses)[["item", "target", "predicted", "loss"]]
    print_table("Largest losses", list(worst.columns), worst.itertuples(index=False))
    for file in found.draw(losses):
        note(f"Figure {file}")
