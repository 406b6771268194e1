"""The figure of the images that the network got most wrong, with what it said about them."""

from collections.abc import Hashable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fastmed.data.tables import grades_of, scores_of
from fastmed.errors import DataError
from fastmed.results.figures.style import SMALL, hide, new_figure, plain, wrapped

PANELS_IN_A_ROW = 4
CAPTION = 31  # characters in a line


def top_losses_figure(
    predictions: pd.DataFrame, pictures: Sequence[np.ndarray], classes: Sequence[str], title: str
) -> Figure:
    """Return a grid of images with true class, predicted class and its score, loss and name.

    Args:
        predictions: the rows to show, in the order to show them.
        pictures: the image of each row, uint8, (H, W) or (H, W, 3).
        classes: their names.
        title: of the figure.

    Raises:
        DataError: there are no images.
    """
    if not len(pictures):
        raise DataError("there are no labelled images to show")
    columns = min(len(pictures), PANELS_IN_A_ROW)
    rows = -(-len(pictures) // columns)
    size = max(2.3 * columns, 4.6) + 0.2, 3.0 * rows + 0.5
    figure, every = new_figure(title, size, (rows, columns))
    for axes, caption, picture in zip(
        every, captions_of(predictions, classes), pictures, strict=False
    ):
        show_picture(axes, picture, caption)
    hide(every[len(pictures) :])
    return figure


def captions_of(predictions: pd.DataFrame, classes: Sequence[str]) -> list[str]:
    """Return what stands below each image: true and predicted class, score, loss and name."""
    predicted = grades_of(predictions["predicted"], classes)
    scores = scores_of(predictions, classes)[np.arange(len(predictions)), predicted]
    return [_caption(record) for record in predictions.assign(score=scores).to_dict("records")]


def show_picture(axes: Axes, picture: np.ndarray, caption: str) -> None:
    """Show an image, uint8 (H, W) or (H, W, 3), with text below it."""
    axes.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
    axes.set_anchor("SW")
    axes.spines[:].set_visible(False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel(caption, loc="left", fontsize=SMALL, linespacing=1.3)


def _caption(record: Mapping[Hashable, Any]) -> str:
    value = f", value {record['value']:.2f}" if "value" in record else ""
    lines = [
        wrapped(f"true: {record['target']}", CAPTION, lines=2),
        wrapped(f"predicted: {record['predicted']}", CAPTION, lines=2),
        f"score {record['score']:.2f}, loss {record['loss']:.2f}{value}",
        plain(_short(PurePosixPath(record["item"]).name)),
    ]
    return "\n".join(lines)


def _short(name: str) -> str:
    """Return a name that fits into a line: its beginning and its end."""
    half = (CAPTION - 1) // 2
    return name if len(name) <= CAPTION else f"{name[:half]}…{name[-half:]}"
