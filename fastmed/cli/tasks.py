"""The command ``fastmed tasks``."""

from typing import Annotated, Optional

import typer

from fastmed.cli.options import TasksFile


def tasks(
    task: Annotated[
        Optional[str],  # noqa: UP045
        typer.Argument(metavar="TASK", help="Show this one, with every default, as TOML."),
    ] = None,
    tasks_file: TasksFile = None,
) -> None:
    """List the tasks, or show one.

    Example: fastmed tasks retinopathy > tasks.toml
    """
    from fastmed.console import print_table
    from fastmed.taskfile import find_task, load_tasks, to_toml

    if task is not None:
        typer.echo(to_toml(find_task(task, tasks_file)), nl=False)
        return
    rows = [
        (name, one.goal, len(one.classes), one.train.arch, one.image.size, one.title)
        for name, one in load_tasks(tasks_file).items()
    ]
    print_table("Tasks", ["task", "goal", "classes", "backbone", "size", "what is learnt"], rows)
