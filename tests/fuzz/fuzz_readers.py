"""What reads each kind of file, and what must come out of it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from fastmed.data.fetching.archives import unpack
from fastmed.data.layouts.sheets import read_sheet
from fastmed.data.operations.transform import prepare
from fastmed.data.pixels.dicom import read_header
from fastmed.data.pixels.image import open_image, open_item
from fastmed.data.pixels.npz import array_names, read_labels
from fastmed.data.pixels.opened import Opened
from fastmed.errors import DataError
from fastmed.run import Run
from fastmed.settings.image import ImageSettings
from fastmed.task import Task
from fastmed.taskfile import load_tasks

_SETTINGS = ImageSettings(size=32)
_STRETCHED = ImageSettings(size=32, scale="percentiles")  # for values without a declared range


def read(path: Path) -> None:
    """Read a file as fastmed does, and check what comes out.

    Raises:
        FastmedError: it is refused, as most spoilt files are.
        AssertionError: what comes out is not what it should be.
    """
    by_suffix = _READERS.get(path.suffix, _read_image)
    _RUN_READERS.get(path.name, by_suffix)(path)


def _check_image(opened: Opened) -> None:
    pixels = opened.pixels
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)
    assert pixels.size
    assert opened.decoder
    assert opened.scaling
    assert prepare(pixels, _SETTINGS).shape[:2] == (32, 32)


def _read_image(path: Path) -> None:
    _check_image(open_image(path, _STRETCHED if path.name == "float.tif" else _SETTINGS))


def _read_dicom(path: Path) -> None:
    try:
        read_header(path)
    except DataError as error:
        _check_sentence(error, path)
    _read_image(path)


def _read_npz(path: Path) -> None:
    assert all(isinstance(name, str) for name in array_names(path))
    assert all(isinstance(label, str) for label in read_labels(path, "labels"))
    _check_image(open_item(path.parent, path.name, "data", 1))


def _read_sheet(path: Path) -> None:
    sheet = read_sheet(path)
    assert isinstance(sheet, pd.DataFrame)
    assert sheet.columns.is_unique
    assert all(isinstance(cell, str) for cell in sheet.to_numpy().ravel())


def _read_tasks(path: Path) -> None:
    assert "lungs" in load_tasks(path)


def _unpack(path: Path) -> None:
    """Unpack an archive; nothing may appear beside it but the one new folder."""
    folder = path.parent / "unpacked"
    before = set(path.parent.iterdir())
    try:
        count = unpack(path, folder)
    finally:
        assert set(path.parent.iterdir()) - before <= {folder}
    inside = [file for file in folder.rglob("*") if not file.is_dir()]
    assert count == len(inside)
    assert all(file.is_file() and not file.is_symlink() for file in inside)


def _read_weights(path: Path) -> None:
    from torch import Tensor

    from fastmed.learn.network.weights import read_state_dict

    assert all(isinstance(value, Tensor) for value in read_state_dict(path).values())


def _read_run(path: Path) -> None:
    run = Run.open(path.parent)
    assert isinstance(run.data, Path)
    assert isinstance(run.info, dict)


def _read_task(path: Path) -> None:
    (path.parent / "run.json").write_text("{}")
    assert isinstance(Run.open(path.parent).task, Task)


def _read_items(path: Path) -> None:
    (path.parent / "run.json").write_text('{"data": "data"}')
    assert isinstance(Run.open(path.parent).items, pd.DataFrame)


def _check_sentence(error: Exception, path: Path) -> None:
    assert str(path) in str(error), "the sentence must name the file"
    assert "\n" not in str(error), "the sentence must be one line"


_READERS: dict[str, Callable[[Path], None]] = {
    ".dcm": _read_dicom,
    ".npz": _read_npz,
    ".csv": _read_sheet,
    ".toml": _read_tasks,
    ".zip": _unpack,
    ".tar": _unpack,
    ".gz": _unpack,
    ".safetensors": _read_weights,
    ".pt": _read_weights,
}

_RUN_READERS: dict[str, Callable[[Path], None]] = {
    "run.json": _read_run,
    "task.json": _read_task,
    "items.csv": _read_items,
}
