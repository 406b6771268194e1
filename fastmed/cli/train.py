"""The command ``fastmed train``."""

from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from fastmed.cli.options import (
    Device,
    NoCache,
    RunsFolder,
    SkipBad,
    TaskName,
    TasksFile,
    Workers,
    changed_task,
)

_DATA, _NETWORK, _FIT, _MACHINE = "Data", "Network", "Fit", "Machine"


def train(
    task: TaskName,
    data: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            metavar="DIR", help="The data folder; data/TASK if left out.", rich_help_panel=_DATA
        ),
    ] = None,
    tasks_file: TasksFile = None,
    skip_bad: SkipBad = False,
    no_cache: NoCache = False,
    arch: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Any timm backbone, or its torchvision name.", rich_help_panel=_NETWORK),
    ] = None,
    weights: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            metavar="FILE|RUN",
            help="Start from these weights: safetensors, a plain state dict, or another run.",
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    pretrained: Annotated[
        Optional[bool],  # noqa: UP045
        typer.Option(
            "--pretrained/--no-pretrained",
            help="Start from timm's weights, or from random ones; the task's way if left out.",
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    compare_meta: Annotated[
        bool,
        typer.Option(
            "--compare-meta",
            help="Train image only, metadata only and both, and compare them.",
            rich_help_panel=_NETWORK,
        ),
    ] = False,
    size: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(help="Side of the network's input, in pixels.", rich_help_panel=_NETWORK),
    ] = None,
    operations: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            metavar="A,B=2",
            help="Fixed changes of every image, in this order, as in crop_background,clahe=3.",
            rich_help_panel=_DATA,
        ),
    ] = None,
    epochs: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(help="Epochs with the whole network.", rich_help_panel=_FIT),
    ] = None,
    freeze_epochs: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(help="Epochs before, with a frozen pretrained body.", rich_help_panel=_FIT),
    ] = None,
    batch: Annotated[
        Optional[int], typer.Option(help="Images in a batch.", rich_help_panel=_FIT)  # noqa: UP045
    ] = None,
    lr: Annotated[
        Optional[float], typer.Option(help="Peak learning rate.", rich_help_panel=_FIT)  # noqa: UP045
    ] = None,
    loss: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="cross_entropy; for grades smooth_l1, mse or l1.", rich_help_panel=_FIT),
    ] = None,
    opt: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="adam, adamw, adamax, sgd or rmsprop.", rich_help_panel=_FIT),
    ] = None,
    select: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="The metric that chooses the epoch to keep.", rich_help_panel=_FIT),
    ] = None,
    seed: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(help="Of weights, batches and augmentation.", rich_help_panel=_FIT),
    ] = None,
    settings: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Any setting of the task, as in --set train.lr=0.001; repeatable.",
            rich_help_panel=_FIT,
        ),
    ] = None,
    runs: RunsFolder = Path("runs"),
    name: Annotated[
        str, typer.Option(help="Of the run folder; the time and backbone if left out.")
    ] = "",
    device: Device = None,
    workers: Workers = None,
) -> None:
    """Train a task on a data folder.

    Leaves a run folder with weights, history, predictions and scores of the validation part.

    Example: fastmed train retinopathy --data data/retinopathy --arch convnext_tiny --epochs 5
    """
    named = {
        "train.arch": arch,
        "train.pretrained": True if pretrained is None and weights else pretrained,
        "train.weights": str(weights) if weights else None,
        "train.epochs": epochs,
        "train.freeze_epochs": freeze_epochs,
        "train.batch": batch,
        "train.lr": lr,
        "train.loss": loss,
        "train.opt": opt,
        "train.select": select,
        "train.seed": seed,
        "image.size": size,
        "image.operations": operations,
    }
    chosen = changed_task(task, tasks_file, named, settings or [])

    from fastmed.cli.tables import print_comparison, print_training
    from fastmed.families import compare_meta as train_and_compare
    from fastmed.training import train as train_task

    folder = data or Path("data") / task
    options: dict[str, Any] = {
        "runs": runs,
        "name": name,
        "device": device,
        "workers": workers,
        "skip_bad": skip_bad,
        "cache": not no_cache,
    }
    if compare_meta:
        print_comparison(train_and_compare(chosen, folder, **options))
    else:
        print_training(train_task(chosen, folder, **options))
