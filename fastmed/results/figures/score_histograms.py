"""Histograms of the scores of a class, one for each true class."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fastmed.results.figures.score_curves import shown_places
from fastmed.results.figures.style import (
    ACCENT,
    GREY,
    INK,
    SMALL,
    TEXT,
    head,
    legend_below,
    new_panels,
    wrapped,
)
from fastmed.results.scores.sample import labelled

BINS = 25
HEIGHT = 0.82  # of the highest bar of a row, whose neighbours are 1 apart
_ROW = 0.36  # inches


def score_histogram_figure(predictions: pd.DataFrame, classes: Sequence[str]) -> Figure:
    """Return how the score of each class spreads over the images of each true class.

    A panel has the score of one class, of two classes the last's; a row in it has the images of one
    true class. The highest bar of each row is as high as any other's.
    """
    true, _, scores = labelled(predictions, classes)
    places = shown_places(classes)
    tall = max(_ROW * len(classes) + 0.95, 1.7)
    figure, every = new_panels(
        "Scores by true class, each row to its own scale", len(true), len(places), tall
    )
    for number, (axes, place) in enumerate(zip(every, places, strict=False)):
        rows = [scores[true == row, place] for row in range(len(classes))]
        _draw(axes, rows, place)
        head(axes, f"score of {wrapped(classes[place], 20, lines=1)}")
        axes.set_xlabel("score")
        named = number % _columns(every) == 0
        names = [f"{wrapped(name, 18, lines=1)}\nn = {len(row)}"
                 for name, row in zip(classes, rows, strict=True)]  # fmt: skip
        middle = np.arange(len(classes)) - HEIGHT / 2
        axes.set_yticks(middle, names if named else [""] * len(classes))
    legend_below(figure, every[: len(places)])
    figure.supylabel("true class", fontsize=TEXT, color=INK)
    return figure


def _columns(every: Sequence[Axes]) -> int:
    """Return how many panels stand in a row of the grid."""
    place = every[0].get_subplotspec()
    return 1 if place is None else int(place.get_gridspec().ncols)


def _draw(axes: Axes, rows: Sequence[np.ndarray], own: int) -> None:
    """Draw the scores of each true class above a line of its own, the first class on top."""
    edges = np.linspace(0, 1, BINS + 1)
    for row, scores in enumerate(rows):
        axes.axhline(row, color=GREY, linewidth=0.6)
        if not len(scores):
            axes.text(0.5, row, "no images", fontsize=SMALL, color=INK, ha="center", va="bottom")
            continue
        counts, _ = np.histogram(np.clip(scores, 0, 1), edges)
        heights = counts / counts.max() * HEIGHT
        color, label = (ACCENT, "images of the class") if row == own else (GREY, "others")
        axes.stairs(row - heights, edges, baseline=row, fill=True, color=color, label=label)
        middle = float(np.median(scores))
        axes.plot([middle, middle], [row, row - HEIGHT], color=INK, linewidth=1.4, label="median")
    axes.set(xlim=(0, 1), ylim=(len(rows) - 0.75, -1), xticks=[0, 0.5, 1])
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
