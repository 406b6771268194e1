"""The task of a network that was trained elsewhere, as far as its user tells it."""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from fastmed.errors import TaskError
from fastmed.learn.network.architectures import resolve_arch
from fastmed.learn.network.backbone import normalization_of
from fastmed.network_files import is_code, is_hub
from fastmed.settings.head import HeadSettings
from fastmed.settings.image import Normalization
from fastmed.settings.sources import FoldersSource
from fastmed.settings.train import METADATA
from fastmed.task import Task

PLACE = "adopted"  # the name of the task, where none is given
_LONGEST = 100  # characters of a title


def check_arch(arch: str) -> str:
    """Return timm's name of a network that can be adopted.

    Raises:
        TaskError: its weights can't be told from a name. ModelError: there is no such network.
    """
    if arch == METADATA or is_code(arch) or is_hub(arch):
        raise TaskError(f"--arch {arch}: adopt takes names of timm and torchvision")
    return resolve_arch(arch, pretrained=False)


def task_of(
    arch: str,
    classes: Sequence[str],
    goal: str | None,
    head: HeadSettings,
    *,
    base: Task | None = None,
    image: dict[str, Any] | None = None,
    loss: str | None = None,
) -> Task:
    """Return the task of an adopted network.

    Args:
        arch: timm's name.
        classes: in the order of the network's outputs; empty takes those of ``base``.
        goal: ``category`` or ``grade``; None takes that of ``base``, or ``category``.
        head: that stands on the body.
        base: says how data are laid out, and all that is not said here.
        image: settings of pixels that are said.
        loss: what the network was trained by, where that says what its outputs mean.

    Raises:
        TaskError: classes are missing, or something doesn't fit.
    """
    names = list(classes) or list(base.classes if base else ())
    if not names:
        raise TaskError("the classes are missing: --classes A,B, in the order of the outputs")
    start = base or _plain_task(names)
    changes: dict[str, Any] = {
        "meta": [],
        "extra": None,
        "members": {},
        "balance": {},
        "augment": {},
        "train": {"arch": arch, "pretrained": False, **({"loss": loss} if loss else {})},
        "head": head.model_dump(exclude_defaults=True),
    }
    if tuple(names) != start.classes:
        changes["classes"] = names
    if goal not in (None, start.goal):
        changes["goal"] = goal
    changes |= {f"image.{name}": value for name, value in (image or {}).items()}
    return start.with_changes(changes)


def _plain_task(classes: Sequence[str]) -> Task:
    """Return the task of folders that are named as the classes.

    Raises:
        TaskError: a class can't be one.
    """
    title = f"Adopted: {', '.join(classes)}"
    try:
        return Task(
            name=PLACE,
            title=title if len(title) <= _LONGEST else f"Adopted: {len(classes)} classes",
            goal="category",
            classes=tuple(classes),
            source=FoldersSource(kind="folders"),
        )
    except ValidationError as error:
        raise TaskError(str(error.errors()[0]["msg"]).removeprefix("Value error, ")) from None


def normalization(
    arch: str, channels: int, mean: Sequence[float] | None, std: Sequence[float] | None
) -> Normalization:
    """Return the mean and deviation that are said, or those that timm's network was made for.

    Raises:
        TaskError: there are not as many numbers as channels.
    """
    known = normalization_of(arch)
    found = []
    for name, given, default in (("mean", mean, known[0]), ("std", std, known[1])):
        numbers = tuple(given if given is not None else default)
        if len(numbers) not in (1, 3) or (channels == 3 and len(numbers) != 3):
            raise TaskError(f"--{name} takes {channels} numbers, as in --{name} 0.485,0.456,0.406")
        if name == "std" and min(numbers) <= 0:
            raise TaskError("--std takes numbers above 0")
        found.append(numbers * 3 if len(numbers) == 1 else numbers)
    return Normalization(mean=found[0], std=found[1])
