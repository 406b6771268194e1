"""Figures of a predictions table and its scores; each function returns one matplotlib Figure."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from fastmed.data.tables import grades_of
from fastmed.errors import DataError
from fastmed.grades import to_grades
from fastmed.results.figures.curves import history_figure
from fastmed.results.figures.gallery import top_losses_figure
from fastmed.results.figures.score_curves import precision_recall_figure, roc_figure
from fastmed.results.figures.score_histograms import score_histogram_figure
from fastmed.results.figures.style import (
    ACCENT,
    FAINT,
    GREY,
    INK,
    LETTER,
    PALE,
    SMALL,
    head,
    legend,
    new_figure,
    plain,
    save,
    with_count,
    wrapped,
)
from fastmed.results.scores import Scores, labelled

__all__ = [
    "class_count_figure",
    "confusion_figure",
    "grade_scatter_figure",
    "history_figure",
    "per_class_figure",
    "precision_recall_figure",
    "prediction_distribution_figure",
    "roc_figure",
    "save",
    "score_histogram_figure",
    "top_losses_figure",
]


def confusion_figure(scores: Scores) -> Figure:
    """Return the confusion matrix: counts, and the share of each true class by shade of grey."""
    counts, names = np.array(scores["confusion"]), scores["classes"]
    below = [wrapped(name, 14, lines=4) for name in names]
    letters = max(len(line) for name in below for line in name.split("\n"))
    lines = max(name.count("\n") for name in below)
    side = max(max(letters * LETTER + 0.15, 0.62) * len(names), 1.8)
    size = side + 2.2, side + 1.2 + 0.14 * lines
    figure, (axes,) = new_figure(f"Confusion matrix (n = {scores['n']})", size)
    _draw_shares(axes, counts)
    axes.set_xticks(range(len(names)), below)
    axes.set_yticks(range(len(names)), map(with_count, names, counts.sum(axis=1)))
    axes.set(xlabel="predicted class", ylabel="true class (100% in a row)")
    return figure


def _draw_shares(axes: Axes, counts: np.ndarray) -> None:
    totals = counts.sum(axis=1)
    shares = counts / np.maximum(totals, 1)[:, None]
    axes.imshow(shares, cmap="Greys", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        text = f"{count}\n{shares[row, column]:.0%}" if totals[row] else f"{count}"
        color = "white" if shares[row, column] > 0.5 else INK
        axes.text(column, row, text, ha="center", va="center", color=color, fontsize=SMALL)
    for place in range(len(counts)):
        corner = (place - 0.5, place - 0.5)
        axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=ACCENT, linewidth=1.5))


def per_class_figure(scores: Scores) -> Figure:
    """Return sensitivity and specificity of each class, with their intervals, from 0 to 1."""
    names, rates = scores["classes"], scores["per_class"]
    figure, (axes,) = new_figure(
        f"Sensitivity and specificity (n = {scores['n']})", (6.2, 0.5 * len(names) + 1.5)
    )
    rows = np.arange(len(names))
    axes.hlines(rows, 0, 1, color=FAINT, linewidth=1)
    for rate, marker, color, fill, up in (
        ("sensitivity", "o", ACCENT, ACCENT, -0.12),
        ("specificity", "D", INK, "white", 0.12),
    ):
        found = [np.nan if rates[name][rate] is None else rates[name][rate] for name in names]
        _draw_intervals(axes, [_interval(scores, name, rate) for name in names], rows + up, color)
        axes.plot(found, rows + up, marker, label=rate, mfc=fill, mec=color, ms=5.5, clip_on=False)
        for row in np.flatnonzero(np.isnan(found)):
            axes.text(
                0.01, float(row), f"{rate} not estimable", fontsize=SMALL, color=INK, va="bottom"
            )
    counts = [rates[name]["n"] for name in names]
    axes.set_yticks(rows, map(with_count, names, counts))
    bars = " and 95% interval" * ("intervals" in scores)
    axes.set(xlim=(0, 1), ylim=(len(names) - 0.5, -0.5), xlabel=f"share of images{bars}")
    legend(axes)
    return figure


def _interval(scores: Scores, name: str, rate: str) -> list[float | None] | None:
    found: list[float | None] | None = (
        scores.get("intervals", {}).get("per_class", {}).get(name, {}).get(rate)
    )
    return found


def _draw_intervals(
    axes: Axes, intervals: Sequence[Sequence[float | None] | None], rows: np.ndarray, color: str
) -> None:
    for interval, row in zip(intervals, rows, strict=True):
        low, high = interval or (None, None)
        if low is not None and high is not None:
            axes.hlines(row, low, high, color=color, linewidth=1.4, clip_on=False)


def prediction_distribution_figure(predictions: pd.DataFrame, classes: Sequence[str]) -> Figure:
    """Return how many images have, and are predicted to have, each class.

    Without labels there are only the predicted counts.
    """
    known = bool((predictions["target"] != "").any())
    kinds = [("target", "true", PALE)] if known else []
    kinds.append(("predicted", "predicted", ACCENT))
    tall = (0.14 + 0.2 * len(kinds)) * len(classes) + 1.3
    figure, (axes,) = new_figure(f"Predicted classes (n = {len(predictions)})", (6.4, tall))
    height = 0.8 / len(kinds)
    for place, (column, label, color) in enumerate(kinds):
        where = np.arange(len(classes)) + (place - (len(kinds) - 1) / 2) * height
        counts = _counts(predictions[column], classes)
        bars = axes.barh(where, counts, height * 0.92, color=color, label=label)
        axes.bar_label(bars, fontsize=SMALL, padding=2, color=INK)
    _classes_down(axes, classes)
    axes.margins(x=0.1)
    legend(axes)
    return figure


def grade_scatter_figure(
    predictions: pd.DataFrame, classes: Sequence[str], cut_points: np.ndarray
) -> Figure:
    """Return the network's value of each image by its true grade, and the cut points as lines.

    Images that land among another grade are dark. Values more than one grade beyond the scale are
    drawn at its edge.
    """
    true, _, _ = labelled(predictions, classes)
    values = predictions.loc[predictions["target"] != "", "value"].to_numpy(dtype=float)
    size = max(1.1 * len(classes), 4) + 1.6, 4.8
    figure, (axes,) = new_figure(f"Network's value by true grade (n = {len(true)})", size)
    right = to_grades(values, cut_points) == true
    across = true + (np.arange(len(true)) * 0.618034) % 1 * 0.7 - 0.35
    up = np.clip(values, -1, len(classes))
    diameter = float(np.clip((9000 / len(true)) ** 0.5, 1.5, 5))
    for which, color, label in ((right, PALE, "right grade"), (~right, ACCENT, "wrong grade")):
        axes.plot(across[which], up[which], "o", mec="none", mfc=color, ms=diameter, label=label)
    axes.hlines(cut_points, -0.5, len(classes) - 0.5, color=INK, linewidth=0.8, linestyle="--")
    _name_cut_points(axes, cut_points, len(classes) - 0.47)
    names = map(with_count, classes, np.bincount(true, minlength=len(classes)), [14] * len(classes))
    axes.set_xticks(range(len(classes)), names)
    axes.set(xlim=(-0.5, len(classes) - 0.5), xlabel="true grade")
    axes.set_ylabel("network's value (grades)")
    legend(axes)
    return figure


def _name_cut_points(axes: Axes, cut_points: np.ndarray, right: float) -> None:
    """Write each cut point beside its line; those of close lines are moved apart."""
    low, high = axes.get_ylim()
    line, last = 0.045 * (high - low), -np.inf
    for point in cut_points:
        last = max(point, last + line)
        axes.text(right, last, f"{point:.2f}", fontsize=SMALL, va="center", color=INK)


def class_count_figure(counts: pd.DataFrame) -> Figure:
    """Return the number of images of each class, in one panel for each part that has any.

    Args:
        counts: one row a class, one column a part, as `pandas.crosstab` gives them.

    Raises:
        DataError: there are no images.
    """
    counts = counts.loc[:, counts.sum() > 0]
    if counts.empty:
        raise DataError("there are no labelled images to count")
    names, parts = [str(name) for name in counts.index], [str(name) for name in counts.columns]
    size = max(2.3 * len(parts), 3) + 1.8, 0.42 * len(names) + 1.3
    title = f"Images of each class (n = {int(counts.to_numpy().sum())})"
    figure, every = new_figure(title, size, (1, len(parts)))
    for axes, part, numbers in zip(every, parts, counts.to_numpy().T, strict=True):
        bars = axes.barh(range(len(names)), numbers, 0.7, color=GREY)
        shares = numbers / numbers.sum()
        told = [f"{n} ({share:.0%})" for n, share in zip(numbers, shares, strict=True)]
        axes.bar_label(bars, told, fontsize=SMALL, padding=2, color=INK)
        head(axes, f"{plain(part.replace('_', ' '))}, n = {numbers.sum()}")
        _classes_down(axes, names if axes is every[0] else [""] * len(names))
        axes.margins(x=0.45)
    return figure


def _classes_down(axes: Axes, names: Sequence[str]) -> None:
    """Name the classes from top to bottom, and count images from left to right."""
    axes.set_yticks(range(len(names)), [wrapped(name, 20) for name in names])
    axes.set(ylim=(len(names) - 0.5, -0.5), xlabel="number of images")
    axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))


def _counts(names: pd.Series, classes: Sequence[str]) -> np.ndarray:
    """Return how often each class stands there; empty names are not counted."""
    places = grades_of(names, classes)
    return np.bincount(places[places >= 0], minlength=len(classes))
