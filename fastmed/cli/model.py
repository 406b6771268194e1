"""The command ``fastmed model``."""

from typing import TYPE_CHECKING, Annotated, Optional

import typer

from fastmed.cli.options import TasksFile

if TYPE_CHECKING:
    from fastmed.learn.network.summary import NetworkDescription


def model(
    arch: Annotated[
        Optional[str],  # noqa: UP045
        typer.Argument(
            metavar="ARCH", help="A network, as for train --arch; the task's if left out."
        ),
    ] = None,
    task: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(metavar="TASK", help="Show it with the head, size and channels of a task."),
    ] = None,
    size: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(help="Side of the input, in pixels; 224 or the task's if left out."),
    ] = None,
    channels: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(help="3 or 1; 3 or the task's if left out."),
    ] = None,
    depth: Annotated[
        int, typer.Option(min=1, help="How far parts are taken apart: stages, their blocks, ...")
    ] = 2,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    tasks_file: TasksFile = None,
) -> None:
    """Show a network: layers, shapes, parameters, multiply-adds, groups, pretrained weights.

    Example: fastmed model convnext_tiny --size 380
    """
    from fastmed.learn.network.summary import describe_network
    from fastmed.taskfile import find_task

    of_task = find_task(task, tasks_file) if task else None
    found = describe_network(arch, size=size, channels=channels, task=of_task, depth=depth)
    if json:
        import json as text

        typer.echo(text.dumps(found.to_json(), indent=2))
    else:
        _print(found)


def _print(found: "NetworkDescription") -> None:
    from fastmed.console import print_table

    shape = f"{found.channels}x{found.size}x{found.size}"
    columns = [name.replace("multiply_adds", "multiply-adds") for name in found.layers.columns]
    rows = [
        (layer, kind, output, f"{parameters:,}", f"{multiply_adds:,}", group)
        for layer, kind, output, parameters, multiply_adds, group in found.layers.itertuples(
            index=False
        )
    ]
    print_table(f"{found.arch}, for an image of {shape}", columns, rows)
    totals = [
        ("parameters", f"{found.parameters:,}"),
        ("size in float32", f"{found.parameters * 4 / 1e6:,.1f} MB"),
        ("multiply-adds", f"{found.multiply_adds:,}"),
        *((f"learning at the {name} rate", f"{n:,}") for name, n in found.groups.items()),
        ("pretrained weights", found.pretrained or "none: give --weights FILE or start at random"),
        ("mean of the pixels", ", ".join(f"{value:.3f}" for value in found.mean)),
        ("their deviation", ", ".join(f"{value:.3f}" for value in found.std)),
    ]
    print_table("In all", ["what", "value"], totals)
