"""The command ``fastmed bench``."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from fastmed.cli.options import (
    Arch,
    Batch,
    DataFolder,
    Device,
    NoCache,
    Settings,
    Size,
    SkipBad,
    TaskName,
    TasksFile,
    Workers,
    changed_task,
)


def bench(
    task: TaskName,
    data: DataFolder = None,
    tasks_file: TasksFile = None,
    arch: Arch = None,
    size: Size = None,
    batch: Batch = None,
    settings: Settings = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="Time of each measurement.")] = 10,
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="FILE.json", help="Write all of it, and what the machine is."),
    ] = None,
    skip_bad: SkipBad = False,
    no_cache: NoCache = False,
    device: Device = None,
    workers: Workers = None,
) -> None:
    """Measure how quickly a task is trained and predicted here, and what limits it.

    Images a second: the loader alone, the network alone, whole epochs, and predictions.

    Example: fastmed bench lungs --data data/lungs --arch resnet18 --size 128 --out bench.json
    """
    named = {"train.arch": arch, "image.size": size, "train.batch": batch}
    chosen = changed_task(task, tasks_file, named, settings or [])

    from fastmed.benching.speeds import check_file
    from fastmed.benching.story import bench as measure
    from fastmed.cli.speed_tables import print_speeds

    file = None if out is None else check_file(out)
    speeds = measure(
        chosen,
        data or Path("data") / task,
        seconds=seconds,
        device=device,
        workers=workers,
        skip_bad=skip_bad,
        cache=not no_cache,
    )
    print_speeds(speeds, None if file is None else speeds.write(file))
