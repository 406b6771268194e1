"""Options that several commands share, with one wording."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional

import typer

from fastmed.errors import RunError, TaskError

if TYPE_CHECKING:
    from fastmed.run import Run
    from fastmed.task import Task

TaskName = Annotated[str, typer.Argument(metavar="TASK", help="A task; see `fastmed tasks`.")]
RunFolder = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Argument(metavar="RUN", help="A run folder; the newest run if left out."),
]
TasksFile = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--tasks", metavar="FILE", help="A task file; ./tasks.toml if it exists."),
]
RunsFolder = Annotated[Path, typer.Option("--runs", metavar="DIR", help="Where runs are.")]
Device = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(help="cpu, cuda, cuda:1, mps; the best one if left out."),
]
Workers = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(min=0, help="Processes that read images; chosen if left out."),
]
SkipBad = Annotated[
    bool, typer.Option("--skip-bad", help="Leave out and count images that can't be read.")
]
NoCache = Annotated[
    bool,
    typer.Option("--no-cache", help="Keep no decoded images on disk; see `fastmed cache`."),
]
DataFolder = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        "--data",
        metavar="DIR",
        help="The data folder; data/TASK if left out.",
    ),
]
Arch = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(help="Any backbone that `fastmed train` takes."),
]
Size = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(help="Side of the network's input, in pixels."),
]
Batch = Annotated[Optional[int], typer.Option(help="Images in a batch.")]  # noqa: UP045
Settings = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Any setting of the task, as in --set train.lr=0.001; repeatable.",
    ),
]
Accept = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(
        metavar='ID="REASON"',
        help="Accept a finding of the audit, and say why; repeatable.",
        rich_help_panel="Data",
    ),
]
Strict = Annotated[
    bool,
    typer.Option("--strict", help="Refuse any error of the audit.", rich_help_panel="Data"),
]
FullAudit = Annotated[
    bool,
    typer.Option(
        "--full-audit",
        help="Let the audit look at the images, too, before training.",
        rich_help_panel="Data",
    ),
]
Pseudonymise = Annotated[
    bool,
    typer.Option(
        "--pseudonymise", help="Write and say pseudonyms in the place of the names of files."
    ),
]
Uncalibrated = Annotated[
    bool, typer.Option("--uncalibrated", help="Leave probabilities as the network gives them.")
]
Epoch = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(
        metavar="N", help="Use the weights of this epoch, from 1; of the best one if left out."
    ),
]
Views = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        metavar="A,B,...",
        help="Views that are averaged: plain, hflip, rot90, rotate=5, scale=1.1, brightness=0.9, "
        "...; the task's if left out.",
    ),
]
Average = Annotated[
    Optional[Literal["probabilities", "logits"]],  # noqa: UP045
    typer.Option(help="What is averaged over views; the task's if left out."),
]
Competition = Annotated[
    Optional[Literal["number", "name"]],  # noqa: UP045
    typer.Option(help="Write two columns only: image, and class as number or name."),
]
HEATMAP_METHODS = "How heat maps are made: gradcam, hirescam, occlusion, integrated_gradients."


def split_names(text: str | None) -> list[str] | None:
    """Return the names of a comma-separated option."""
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def accepted(texts: list[str] | None) -> dict[str, str]:
    """Return ``ID=REASON`` texts as changes of a task.

    Raises:
        TaskError: a text has no reason.
    """
    changes = {}
    for text in texts or ():
        name, equals, reason = text.partition("=")
        if not equals or not reason.strip():
            raise TaskError(
                f"--accept {name} needs a reason, which stands in the report: "
                f'--accept {name.strip() or "L1"}="why"'
            )
        changes[f"audit.accept.{name.strip()}"] = reason.strip()
    return changes


def open_run(folder: Path | None, runs: Path, epoch: int | None = None) -> "Run":
    """Return the run of a folder, or the newest one, with the weights of an epoch or the best."""
    from fastmed.run import Run

    run = Run.open(folder) if folder else Run.newest(runs)
    return run if epoch is None else run.at(epoch)


def is_family(folder: Path | None, epoch: int | None = None) -> bool:
    """True if a folder is that of a family of runs; an epoch belongs to one run of it."""
    from fastmed.run import FAMILY_FILE

    if folder is None or not (folder / FAMILY_FILE).is_file():
        return False
    if epoch is not None:
        raise RunError(f"{folder} is a family of runs, and --epoch goes with one run; name it")
    return True


def is_search(folder: Path | None, epoch: int | None = None) -> bool:
    """True if a folder is that of a search; an epoch belongs to one run of it."""
    from fastmed.run import SEARCH_FILE

    if folder is None or not (folder / SEARCH_FILE).is_file():
        return False
    if epoch is not None:
        raise RunError(f"{folder} is a search, and --epoch goes with one run; name it")
    return True


def changed_task(
    name: str, file: Path | None, named: dict[str, Any], settings: list[str]
) -> "Task":
    """Return a task with the named options and the ``--set KEY=VALUE`` settings applied."""
    from fastmed.taskfile import find_task, parse_change

    changes = {key: value for key, value in named.items() if value is not None}
    changes.update(parse_change(text) for text in settings)
    return find_task(name, file).with_changes(changes)
