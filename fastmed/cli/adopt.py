"""The command ``fastmed adopt``."""

from pathlib import Path
from typing import Annotated, Literal, Optional

import typer

from fastmed.cli.options import Device, TasksFile, split_names
from fastmed.errors import TaskError


def adopt(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Weights: safetensors, or a plain state dict.")
    ],
    arch: Annotated[str, typer.Option(metavar="NAME", help="The network, as timm names it.")],
    out: Annotated[Path, typer.Option(metavar="RUN", help="The folder of the new run.")],
    classes: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="A,B,...", help="In the order of the outputs; else the task's."),
    ] = None,
    goal: Annotated[
        Optional[Literal["category", "grade"]],  # noqa: UP045
        typer.Option(help="What the outputs mean; the task's, or category, if left out."),
    ] = None,
    loss: Annotated[
        Optional[Literal["cross_entropy", "focal", "bce", "smooth_l1", "mse", "l1", "corn"]],  # noqa: UP045
        typer.Option(help="What it was trained by, if outputs mean something else by it."),
    ] = None,
    task: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="TASK", help="Says how data are laid out, and all the rest."),
    ] = None,
    mean: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="R,G,B", help="Of the pixels, on 0 to 1; timm's if left out."),
    ] = None,
    std: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="R,G,B", help="Their deviation; timm's if left out."),
    ] = None,
    size: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(min=8, help="Side of the input, in pixels; 224 or the task's if left out."),
    ] = None,
    fit: Annotated[
        Optional[Literal["letterbox", "pad", "squish", "crop"]],  # noqa: UP045
        typer.Option(help="How an image becomes a square."),
    ] = None,
    resize: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(min=8, help="For crop: the shorter side before the cut."),
    ] = None,
    interpolation: Annotated[
        Optional[Literal["nearest", "bilinear", "bicubic", "lanczos"]],  # noqa: UP045
        typer.Option(help="How pixels are made when an image is resized."),
    ] = None,
    channels: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(min=1, max=3, help="1 or 3; what the file has if left out."),
    ] = None,
    cut_points: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="X,Y,...", help="For grades: where the next one begins."),
    ] = None,
    valid: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            metavar="INPUT",
            help="Labelled images that it never saw, to fit calibration and thresholds on.",
        ),
    ] = None,
    tasks: TasksFile = None,
    device: Device = None,
) -> None:
    """Make a run of weights that were trained elsewhere, so that every command works on them.

    Example: fastmed adopt model.safetensors --arch resnet50 --classes false,true --out runs/mine
    """
    from fastmed.adopting import Pixels
    from fastmed.adopting import adopt as adopt_file
    from fastmed.console import note
    from fastmed.taskfile import find_task

    pixels = Pixels(
        size, fit, resize, interpolation, _numbers(mean, "--mean"), _numbers(std, "--std"), channels
    )
    run = adopt_file(
        file,
        arch,
        out,
        classes=split_names(classes) or (),
        goal=goal,
        loss=loss,
        pixels=pixels,
        task=find_task(task, tasks) if task else None,
        cut_points=_numbers(cut_points, "--cut-points"),
        valid=valid,
        device=device,
    )
    note(f"{run.path} is a run of {run.task.train.arch}; `fastmed evaluate {run.path} INPUT`")


def _numbers(text: str | None, option: str) -> list[float] | None:
    """Return the numbers of a comma-separated option."""
    names = split_names(text)
    try:
        return None if names is None else [float(name) for name in names]
    except ValueError:
        raise TaskError(f"{option} {text}: expected numbers, as in 0.5,0.4,0.3") from None
