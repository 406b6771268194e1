"""The command ``fastmed train``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from fastmed.cli.fit_options import (
    Average,
    Balance,
    Batch,
    Epochs,
    FreezeEpochs,
    Loss,
    Mixup,
    Optimizer,
    Patience,
    Precision,
    Rate,
    SaveEvery,
    Schedule,
    Seed,
    Select,
    Speed,
)
from fastmed.cli.options import (
    Accept,
    DataFolder,
    Device,
    FullAudit,
    NoCache,
    Pseudonymise,
    RunsFolder,
    Settings,
    SkipBad,
    Strict,
    TaskName,
    TasksFile,
    Workers,
    accepted,
    changed_task,
    split_names,
)
from fastmed.errors import TaskError
from fastmed.processes import refuse_several

if TYPE_CHECKING:
    from fastmed.task import Task

AUTO = "auto"  # the batch that memory holds
_DATA, _NETWORK, _SEVERAL, _WATCH = "Data", "Network", "Several trainings", "Watching"


def train(
    task: TaskName,
    data: DataFolder = None,
    tasks_file: TasksFile = None,
    skip_bad: SkipBad = False,
    no_cache: NoCache = False,
    accept: Accept = None,
    strict: Strict = False,
    full_audit: FullAudit = False,
    pseudonymise: Pseudonymise = False,
    arch: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="A timm or torchvision name, a lungs_ network, FILE.py[:CLASS] or "
            "hf-hub:OWNER/NAME; several by commas are compared.",
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    weights: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            metavar="FILE|RUN",
            help="Start from these weights: safetensors, a state dict, a run or its checkpoint.",
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
    epochs: Epochs = None,
    freeze_epochs: FreezeEpochs = None,
    batch: Batch = None,
    lr: Rate = None,
    loss: Loss = None,
    opt: Optimizer = None,
    schedule: Schedule = None,
    balance: Balance = None,
    mixup: Mixup = None,
    ema: Average = None,
    patience: Patience = None,
    precision: Precision = None,
    speed: Speed = None,
    save_every: SaveEvery = None,
    select: Select = None,
    seed: Seed = None,
    settings: Settings = None,
    folds: Annotated[
        int,
        typer.Option(
            min=0,
            help="Test every image once: so many trainings, each tested on a fold of its own.",
            show_default=False,
            rich_help_panel=_SEVERAL,
        ),
    ] = 0,
    seeds: Annotated[
        int,
        typer.Option(
            min=1,
            help="So many trainings that differ in the seed of weights and batches.",
            show_default=False,
            rich_help_panel=_SEVERAL,
        ),
    ] = 1,
    members: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            metavar="all|A,B",
            help="The ensemble that the task declares, or some of it.",
            rich_help_panel=_SEVERAL,
        ),
    ] = None,
    compare_meta: Annotated[
        bool,
        typer.Option(
            "--compare-meta",
            help="Train image only, metadata only and both, and compare them.",
            rich_help_panel=_SEVERAL,
        ),
    ] = False,
    runs: RunsFolder = Path("runs"),
    name: Annotated[
        str, typer.Option(help="Of the run folder; the time and backbone if left out.")
    ] = "",
    test_each_epoch: Annotated[
        bool,
        typer.Option(
            "--test-each-epoch",
            help="Measure the test part after each epoch, too.",
            rich_help_panel=_WATCH,
        ),
    ] = False,
    track: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            metavar="A,B", help="Live: wandb, tensorboard, mlflow.", rich_help_panel=_WATCH
        ),
    ] = None,
    device: Device = None,
    workers: Workers = None,
) -> None:
    """Train a task on a data folder.

    Leaves a run folder with weights, history, predictions and scores of the validation part.

    Example: fastmed train retinopathy --data data/retinopathy --arch convnext_tiny --epochs 5
    """
    archs = split_names(arch) or []
    named = {
        "train.arch": archs[0] if archs else None,
        "train.pretrained": True if pretrained is None and weights else pretrained,
        "train.weights": str(weights) if weights else None,
        "train.epochs": epochs,
        "train.freeze_epochs": freeze_epochs,
        "train.batch": None if batch == AUTO else batch,
        "train.lr": lr,
        "train.loss": loss,
        "train.opt": opt,
        "train.schedule": schedule,
        "train.mixup": mixup,
        "train.ema": ema,
        "train.patience": patience,
        "train.precision": precision,
        "train.speed": speed,
        "balance.method": balance,
        "train.save_every": save_every,
        "train.select": select,
        "train.seed": seed,
        "train.test_each_epoch": test_each_epoch or None,
        "image.size": size,
        "image.operations": operations,
        "audit.strict": strict or None,
        "audit.full": full_audit or None,
        "pseudonymise": pseudonymise or None,
        **accepted(accept),
    }
    chosen = changed_task(task, tasks_file, named, settings or [])
    declared = split_names(members) or []
    if batch == AUTO:
        chosen = _with_largest_batch(chosen, device)
    several = bool(len(archs) > 1 or declared or folds or seeds > 1)
    if compare_meta and several:
        raise TaskError("--compare-meta goes with one --arch, and no other trainings beside it")
    if several or compare_meta:
        refuse_several("Training several networks, members, seeds or folds")
    folder = data or Path("data") / task
    options: dict[str, Any] = {
        "runs": runs,
        "name": name,
        "device": device,
        "workers": workers,
        "skip_bad": skip_bad,
        "cache": not no_cache,
    }
    trackers = split_names(track) or []
    if trackers and compare_meta:
        raise TaskError("--track doesn't go with --compare-meta; leave one of them out")
    if compare_meta:
        _compare_meta(chosen, folder, options)
    elif several:
        plan = {"archs": archs, "members": declared, "folds": folds, "seeds": seeds}
        _train_family(chosen, folder, {**plan, "track": trackers, **options})
    else:
        _train(chosen, folder, {**options, "track": trackers})


def _with_largest_batch(task: "Task", device: str | None) -> "Task":
    from fastmed.training.batch_size import largest_batch

    return task.with_changes({"train.batch": largest_batch(task, device)})


def _train(task: "Task", folder: Path, options: dict[str, Any]) -> None:
    from fastmed.cli.tables import print_training
    from fastmed.training.train import train as train_task

    print_training(train_task(task, folder, **options))


def _train_family(task: "Task", folder: Path, options: dict[str, Any]) -> None:
    from fastmed.cli.families import print_family
    from fastmed.families import train_family

    print_family(train_family(task, folder, **options))


def _compare_meta(task: "Task", folder: Path, options: dict[str, Any]) -> None:
    from fastmed.cli.families import print_meta
    from fastmed.families import compare_meta

    print_meta(compare_meta(task, folder, **options))
