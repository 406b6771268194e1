"""Phantoms: small made-up data sets, each in the layout of a built-in task."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fastmed.demo.layouts import (
    write_cardiomegaly,
    write_histology,
    write_lungs,
    write_pneumonia,
    write_retinopathy,
)
from fastmed.errors import DataError, listed, nearest

_SMALLEST_COUNT = 30
_SMALLEST_SIZE = 16


@dataclass(frozen=True)
class Phantom:
    """How the phantom of one task is made.

    Attributes:
        write: fills a folder, given the number of images, their side and random numbers.
        count: how many images there are by default, all parts together.
        size: the side of an image by default, in pixels.
    """

    write: Callable[[Path, int, int, np.random.Generator], None]
    count: int
    size: int


PHANTOMS = {
    "cardiomegaly": Phantom(write_cardiomegaly, count=480, size=128),
    "lungs": Phantom(write_lungs, count=480, size=128),
    "histology": Phantom(write_histology, count=450, size=96),
    "pneumonia": Phantom(write_pneumonia, count=480, size=128),
    "retinopathy": Phantom(write_retinopathy, count=480, size=160),
}


def write_phantom(
    task_name: str,
    folder: str | Path,
    size: int | None = None,
    count: int | None = None,
    seed: int = 0,
) -> Path:
    """Write the phantom data set of a built-in task and return its folder.

    The same arguments give the same bytes. What the classes differ in is drawn as anatomy;
    brightness, pose and patient tell nothing of the class.

    Args:
        task_name: one of the `PHANTOMS`.
        folder: new or empty; it is there only when everything has been written.
        size: side of the images, in pixels; None takes the task's own.
        count: number of images, all parts together; None takes the task's own.
        seed: of the random numbers; another seed makes other patients.

    Raises:
        DataError: there is no phantom of this task, the folder has content or can't be
            written, or size, count or seed is too small.
    """
    if task_name not in PHANTOMS:
        known = listed(PHANTOMS)
        raise DataError(
            f"no phantom of task '{task_name}'{nearest(task_name, PHANTOMS)}; known are {known}"
        )
    phantom = PHANTOMS[task_name]
    count = _at_least(_SMALLEST_COUNT, "count", phantom.count if count is None else count)
    size = _at_least(_SMALLEST_SIZE, "size", phantom.size if size is None else size)
    _at_least(0, "seed", seed)
    with _new_folder(Path(folder).absolute()) as draft:
        phantom.write(draft, count, size, np.random.default_rng(seed))
    return Path(folder)


def _at_least(smallest: int, name: str, value: int) -> int:
    if value < smallest:
        raise DataError(f"{name} = {value} is too small for a phantom; use {smallest} or more")
    return value


@contextmanager
def _new_folder(folder: Path) -> Iterator[Path]:
    """Lend a hidden folder beside the wanted one, and put it in its place at the end."""
    draft = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    try:
        if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
            raise DataError(f"'{folder}' exists and is not an empty folder; choose a new one")
        draft.mkdir(parents=True)
        yield draft
        if folder.exists():
            folder.rmdir()
        draft.rename(folder)
    except OSError as error:
        raise DataError(f"can't write '{folder}': {error.strerror or error}") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
