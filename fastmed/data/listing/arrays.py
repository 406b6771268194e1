"""The rows of the arrays in an NPZ file."""

from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import pandas as pd

from fastmed.data.inputs import array_parts
from fastmed.data.layouts.labels import to_classes
from fastmed.data.pixels.npz import read_images, read_labels
from fastmed.errors import DataError
from fastmed.task import Task


class _Part(NamedTuple):
    """An array of images: its name, its labels as text or None, its part, and its length."""

    name: str
    labels: np.ndarray | None
    split: str
    length: int


class ListedArrays:
    """The images of an NPZ file, by array and position."""

    def __init__(self, task: Task, file: str, parts: list[_Part]) -> None:
        self._task, self._file = task, file
        self._parts = sorted(parts, key=lambda part: part.name)

    @classmethod
    def of(cls, task: Task, path: Path) -> Self:
        """Return the images of a file.

        Raises:
            DataError: it holds none, or images and labels differ in number.
        """
        parts = []
        for name, labels, split in array_parts(task, path):
            length = len(read_images(path, name))
            known = read_labels(path, labels) if labels else None
            if known is not None and len(known) != length:
                raise DataError(
                    f"{path}: '{name}' has {length} images, but there are {len(known)} labels"
                )
            parts.append(_Part(name, known, split, length))
        if not any(part.length for part in parts):
            raise DataError(f"no images found in {path.parent}")
        return cls(task, path.name, parts)

    def __len__(self) -> int:
        return sum(part.length for part in self._parts)

    def some(self, start: int, count: int) -> pd.DataFrame:
        """Return the rows from one on; fewer at the end."""
        tables, first = [], 0
        for part in self._parts:
            low, high = max(start - first, 0), min(start + count - first, part.length)
            if low < high:
                tables.append(self._rows(part, low, high))
            first += part.length
        return pd.concat(tables, ignore_index=True)

    def _rows(self, part: _Part, low: int, high: int) -> pd.DataFrame:
        places = range(low, high)
        labels = [""] * len(places) if part.labels is None else part.labels[low:high].tolist()
        said = pd.Series([f"image {i} of '{part.name}' in {self._file}" for i in places])
        rename = self._task.source.rename
        return pd.DataFrame(
            {
                "item": [f"{self._file}/{part.name}/{i}" for i in places],
                "image": self._file,
                "array": part.name,
                "index": list(places),
                "target": to_classes(
                    pd.Series(labels, dtype=str), said, self._task.classes, rename
                ),
                "split": part.split,
            }
        )
