"""What an exported file is given, and what runs it."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pandas as pd

from fastmed.data.metadata import MetadataEncoder
from fastmed.data.operations.fixed import operate
from fastmed.data.operations.transform import RESAMPLING
from fastmed.data.pixels.image import open_item
from fastmed.data.tables import root_of
from fastmed.exporting.known import given_values
from fastmed.exporting.whole import IMAGES
from fastmed.task import Task

Inputs = Mapping[str, np.ndarray]
Predict = Callable[[Inputs], dict[str, np.ndarray]]


def inputs_of(
    task: Task, encoder: MetadataEncoder | None, items: pd.DataFrame
) -> Iterator[dict[str, np.ndarray]]:
    """Yield the inputs of each item, as a program without fastmed would give them.

    Images are opened, and go through the operations that are not in the file.
    """
    known = given_values(encoder, items) if encoder else {}
    root = root_of(items)
    places = items[["image", "array", "index"]].itertuples(index=False, name=None)
    for row, (image, array, index) in enumerate(places):
        found = {name: values[row : row + 1] for name, values in known.items()}
        if not task.metadata_only:
            pixels = open_item(root, image, array, int(index), settings=task.image).pixels
            found[IMAGES] = as_input(pixels, task)
        yield found


def as_input(pixels: np.ndarray, task: Task) -> np.ndarray:
    """Return what a file takes (1, H, W, 3) of an image's pixels (H, W) or (H, W, 3)."""
    if task.image.operations:
        pixels = operate(pixels, task.image.operations, RESAMPLING[task.image.interpolation])
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    return np.ascontiguousarray(pixels)[None]
