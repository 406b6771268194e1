"""The command ``fastmed interpret``."""

from pathlib import Path
from typing import Annotated

import typer

from fastmed.cli.heatmaps import Boxes, Count, Faithfulness, Method, Pointing, Sanity, Wanted, draw
from fastmed.cli.options import Device, Epoch, RunFolder, RunsFolder, open_run


def interpret(
    run: RunFolder = None,
    split: Annotated[
        str, typer.Option(help="valid, test, or the name of a set that was evaluated.")
    ] = "valid",
    losses: Annotated[int, typer.Option(min=1, max=100, help="How many top losses to show.")] = 12,
    embedding: Annotated[
        bool,
        typer.Option(
            "--embedding", help="Map the images by what the network sees in them, as a figure."
        ),
    ] = False,
    heatmaps: Count = None,
    method: Method = None,
    sanity: Sanity = False,
    faithfulness: Faithfulness = False,
    pointing: Pointing = False,
    boxes: Boxes = None,
    epoch: Epoch = None,
    runs: RunsFolder = Path("runs"),
    device: Device = None,
) -> None:
    """Show the confusion matrix, scores of each class, top losses and training curves.

    Figures are written into the run's figures folder.

    Example: fastmed interpret runs/lungs/first --split valid
    """
    from fastmed.cli.tables import print_interpretation
    from fastmed.explaining import draw_embedding
    from fastmed.interpretation import interpret as interpret_run

    wanted = Wanted(heatmaps, method, sanity, faithfulness, pointing, boxes)
    wanted.check()
    opened = open_run(run, runs, epoch)
    wanted.check_boxes(opened)
    found = interpret_run(opened, split=split, device=device)
    if embedding:
        draw_embedding(opened, split=split, device=device)
    print_interpretation(found, losses)
    draw(opened, split, device, wanted)
