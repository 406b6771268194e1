"""Figures of what is taken for what: how often, and what it looks like."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fastmed.errors import DataError
from fastmed.results.figures.gallery import captions_of, show_picture
from fastmed.results.figures.style import (
    GREY,
    INK,
    LETTER,
    SMALL,
    head,
    hide,
    new_figure,
    wrapped,
)
from fastmed.results.scores.confusion import PAIRS, ConfusedPair, confused_pairs
from fastmed.results.scores.scored import Scores

_NAME = 24  # letters of a class


def confused_pairs_figure(scores: Scores, count: int = PAIRS) -> Figure:
    """Return how often each true class was taken for another, the most frequent pairs first.

    Args:
        scores: of `fastmed.results.scores.score`.
        count: of pairs, at most.
    """
    pairs = confused_pairs(scores)
    shown, wrong = pairs[:count], sum(pair.images for pair in pairs)
    title = f"Most confused pairs ({wrong} of {scores['n']} images are mistakes)"
    names = [named(pair) for pair in shown]
    lines = max([name.count("\n") + 1 for name in names], default=1)
    tall = max((0.14 + 0.15 * lines) * max(len(shown), 1) + 1.1, 1.6)
    letters = max([len(line) for name in names for line in name.split("\n")], default=0)
    figure, (axes,) = new_figure(title, (max(3.6 + letters * LETTER, 6.4), tall))
    rows = np.arange(len(shown))
    bars = axes.barh(rows, [pair.images for pair in shown], 0.7, color=GREY)
    told = [f"{pair.images} ({pair.share:.0%} of {pair.of})" for pair in shown]
    axes.bar_label(bars, told, fontsize=SMALL, padding=3, color=INK)
    axes.set_yticks(rows, names)
    axes.set(ylim=(max(len(shown), 1) - 0.5, -0.5), xlabel="images (share of the true class)")
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.margins(x=0.35)
    if not shown:
        axes.text(0.5, 0, "no image is classified wrong", color=INK, ha="center", va="center")
        axes.set(xlim=(0, 1), xticks=[])
    return figure


def named(pair: ConfusedPair) -> str:
    """Return a pair as figures write it: ``true -> taken for``, each name in one line."""
    true, other = (wrapped(name, _NAME, lines=1) for name in (pair.true, pair.predicted))
    return f"{true} → {other}"


def confused_images_figure(
    pairs: Sequence[ConfusedPair],
    examples: Sequence[pd.DataFrame],
    pictures: Sequence[Sequence[np.ndarray]],
    classes: Sequence[str],
    title: str,
) -> Figure:
    """Return examples of confused pairs, a row of images a pair.

    Args:
        pairs: one a row.
        examples: predictions of each, the largest losses first.
        pictures: the images of these, uint8, (H, W) or (H, W, 3).
        classes: their names.
        title: of the figure.

    Raises:
        DataError: there are no images.
    """
    columns = max([len(row) for row in pictures], default=0)
    if not columns:
        raise DataError("no image is classified wrong, so there is none to show")
    size = max(2.3 * columns, 5.2) + 0.2, 3.15 * len(pairs) + 0.5
    figure, every = new_figure(title, size, (len(pairs), columns))
    for number, (pair, rows, row) in enumerate(zip(pairs, examples, pictures, strict=True)):
        own = every[number * columns : (number + 1) * columns]
        head(own[0], f"{named(pair)}: {pair.images} of {pair.of} ({pair.share:.0%})")
        for axes, caption, picture in zip(own, captions_of(rows, classes), row, strict=False):
            show_picture(axes, picture, caption)
        hide(own[len(row) :])
    return figure
