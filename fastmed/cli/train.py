"""The command ``fastmed train``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

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

_DATA, _NETWORK, _FIT, _SEVERAL = "Data", "Network", "Fit", "Several trainings"
_WATCH = "Watching"


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
        typer.Option(
            metavar="NAME|FILE.py:NAME",
            help="cross_entropy, focal, bce; for grades smooth_l1, mse, l1, huber, corn, coral; or "
            "a function of your own.",
            rich_help_panel=_FIT,
        ),
    ] = None,
    opt: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="As PyTorch or fastai name it: AdamW, Adamax, SGD, Ranger, Lamb, ...",
            rich_help_panel=_FIT,
        ),
    ] = None,
    schedule: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="Of the learning rate: one_cycle, flat_cosine, cosine, step or constant.",
            rich_help_panel=_FIT,
        ),
    ] = None,
    balance: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="How rare classes are made up for: none, sampler, class_weights or per_class.",
            rich_help_panel=_FIT,
        ),
    ] = None,
    mixup: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(help="How strongly images are mixed, as 0.4.", rich_help_panel=_FIT),
    ] = None,
    ema: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(
            help="Decay of a moving average of the weights, as 0.999.", rich_help_panel=_FIT
        ),
    ] = None,
    patience: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(
            help="Epochs without a better one after which a phase ends.", rich_help_panel=_FIT
        ),
    ] = None,
    precision: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Of computations: auto, fp32, bf16 or fp16.", rich_help_panel=_FIT),
    ] = None,
    save_every: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(
            metavar="N",
            help="Keep every Nth epoch's checkpoint, beside the best and the last.",
            rich_help_panel=_FIT,
        ),
    ] = None,
    select: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="The metric that chooses the epoch to keep.", rich_help_panel=_FIT),
    ] = None,
    seed: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(help="Of weights, batches and augmentation.", rich_help_panel=_FIT),
    ] = None,
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
        "train.batch": batch,
        "train.lr": lr,
        "train.loss": loss,
        "train.opt": opt,
        "train.schedule": schedule,
        "train.mixup": mixup,
        "train.ema": ema,
        "train.patience": patience,
        "train.precision": precision,
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
