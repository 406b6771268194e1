"""Figures of a data set; each function returns one matplotlib Figure."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import (
    LogLocator,
    MaxNLocator,
    NullFormatter,
    PercentFormatter,
    ScalarFormatter,
)

from fastmed.errors import DataError
from fastmed.results.figures.style import (
    ACCENT,
    FAINT,
    GREY,
    INK,
    LETTER,
    PALE,
    SMALL,
    TEXT,
    head,
    hide,
    new_figure,
    wrapped,
)

PANELS_IN_A_ROW = 3
LOG_FROM = 5.0  # ratio of the largest to the smallest side from which sizes are on log axes


def samples_figure(
    pictures: Mapping[str, Sequence[np.ndarray]], counts: Mapping[str, int]
) -> Figure:
    """Return sample images: a row for each class, with its name and number of images.

    Args:
        pictures: of each class, uint8 (H, W) or (H, W, 3).
        counts: images of each class that there are.

    Raises:
        DataError: there are no images.
    """
    columns = max(map(len, pictures.values()), default=0)
    if not columns:
        raise DataError("there are no images to show")
    size = 1.35 * columns + 1.5, 1.4 * len(pictures) + 0.5
    figure, every = new_figure("Samples, as the network sees them", size, (len(pictures), columns))
    for row, (name, some) in enumerate(pictures.items()):
        panels = every[row * columns : (row + 1) * columns]
        for axes, picture in zip(panels, some, strict=False):
            axes.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
            axes.spines[:].set_visible(False)
            axes.set(xticks=[], yticks=[])
        told = f"{wrapped(name, 16, lines=4)}\nn = {counts[name]}"
        panels[0].set_ylabel(told, fontsize=SMALL, color=INK, rotation=0, ha="right", va="center")
        hide(panels[max(len(some), 1) :])
    return figure


def breakdown_figure(counts: pd.DataFrame, title: str, unit: str = "images") -> Figure:
    """Return how each class is made up of groups: a panel a class, a bar a group, with counts.

    Args:
        counts: rows are the groups, columns the classes.
        title: of the figure.
        unit: what is counted.

    Raises:
        DataError: there is nothing to count.
    """
    total = int(counts.to_numpy().sum())
    if not total:
        raise DataError("there is nothing to count")
    names = [wrapped(str(name), 27, lines=2) for name in counts.index]
    longest = max(len(str(name)) for name in counts.index)
    columns = min(counts.shape[1], PANELS_IN_A_ROW)
    rows = -(-counts.shape[1] // columns)
    lines = sum(1 + name.count("\n") for name in names)
    size = (
        2.3 * columns + 0.6 + min(longest, 27) * LETTER,
        rows * (0.1 * len(names) + 0.15 * lines + 0.75) + 0.6,
    )
    figure, every = new_figure(f"{title} (n = {total})", size, (rows, columns))
    shares = counts / counts.sum().clip(lower=1)
    most = max(float(shares.to_numpy().max()), 0.01)
    for place, name in enumerate(counts.columns):
        _draw_groups(every[place], counts[name], shares[name])
        first = place % columns == 0
        every[place].set_yticks(range(len(names)), names if first else [""] * len(names))
        every[place].set(xlim=(0, most * 1.5), xticks=_ticks(most))
    hide(every[counts.shape[1] :])
    figure.supxlabel(f"share of the {unit} of a class", fontsize=TEXT, color=INK)
    return figure


def _draw_groups(axes: Axes, counts: pd.Series, shares: pd.Series) -> None:
    bars = axes.barh(range(len(counts)), shares, 0.72, color=GREY)
    told = [f"{n} ({share:.0%})" if n else "0" for n, share in zip(counts, shares, strict=True)]
    axes.bar_label(bars, told, fontsize=SMALL, padding=2, color=INK)
    head(axes, _counted(str(counts.name), int(counts.sum())))
    axes.set_ylim(len(counts) - 0.5, -0.5)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))


def _ticks(most: float) -> list[float]:
    """Return round shares, none of them above a share that occurs."""
    step = next(
        step
        for step in (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005)
        if 2 * step <= most or step == 0.005
    )
    return [place * step for place in range(int(most / step + 1e-9) + 1)]


def _counted(name: str, count: int) -> str:
    """Return a heading of a panel: a name, and the number of images behind or below it."""
    lines = wrapped(name, 30).split("\n")
    fits = len(lines[-1]) + len(str(count)) < 26
    return "\n".join(lines) + (", " if fits else "\n") + f"n = {count}"


def size_figure(sizes: pd.DataFrame, classes: Sequence[str], side: int) -> Figure:
    """Return width and height of the images of each class; larger circles are more images.

    Args:
        sizes: with the columns ``target``, ``width`` and ``height``; unknown ones are not drawn.
        classes: their names.
        side: of the network's input, in pixels, drawn as a square.

    Raises:
        DataError: fewer than two sizes are known, so that there is nothing to compare.
    """
    known = sizes.dropna(subset=["width", "height"])
    if len(known[["width", "height"]].drop_duplicates()) < 2:
        raise DataError("the images have one size, or none is known; there is nothing to draw")
    columns = min(len(classes), PANELS_IN_A_ROW)
    rows = -(-len(classes) // columns)
    size = 2.4 * columns + 0.6, 2.6 * rows + 0.7
    figure, every = new_figure(f"Sizes of the images (n = {len(known)})", size, (rows, columns))
    ends = known[["width", "height"]].to_numpy()
    low, high = min(ends.min(), side), max(ends.max(), side)
    for axes, name in zip(every, classes, strict=False):
        _draw_sizes(axes, known[known["target"] == name], side)
        _size_axes(axes, low, high)
        head(axes, _counted(name, int((known["target"] == name).sum())))
    hide(every[len(classes) :])
    told = f"width (pixels); the square at the corner is the network's input, {side} x {side}"
    figure.supxlabel(told, fontsize=TEXT, color=INK)
    figure.supylabel("height (pixels)", fontsize=TEXT, color=INK)
    return figure


def _draw_sizes(axes: Axes, sizes: pd.DataFrame, side: int) -> None:
    axes.plot([0, side, side], [side, side, 0], color=PALE, linewidth=1, zorder=1)
    axes.axline((1, 1), (2, 2), color=FAINT, linewidth=1, zorder=0)
    counts = sizes.groupby(["width", "height"]).size().reset_index(name="count")
    share = counts["count"] / max(int(counts["count"].sum()), 1)
    axes.scatter(
        counts["width"], counts["height"], s=8 + 400 * share,
        facecolor=ACCENT, edgecolor="white", linewidth=0.4, alpha=0.55, zorder=2,
    )  # fmt: skip


def _size_axes(axes: Axes, low: float, high: float) -> None:
    log = high / max(low, 1) > LOG_FROM
    room = 1.25 if log else 1.0
    margin = 0.0 if log else 0.08 * high
    for axis, scale, limits in (
        (axes.xaxis, axes.set_xscale, axes.set_xlim),
        (axes.yaxis, axes.set_yscale, axes.set_ylim),
    ):
        scale("log" if log else "linear")
        limits(low / room if log else max(low - margin, 0), high * room + margin)
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)) if log else MaxNLocator(3))
        axis.set_major_formatter(ScalarFormatter())
        axis.set_minor_formatter(NullFormatter())
    axes.tick_params(which="minor", length=0)
    axes.set_aspect("equal", adjustable="box")


def intensity_figure(means: pd.DataFrame, classes: Sequence[str]) -> Figure:
    """Return how bright the images of each class are, as the network sees them.

    Args:
        means: with the columns ``target`` and ``intensity``, the mean of an image's pixels from 0
            to 255; unknown ones are not drawn.
        classes: their names.

    Raises:
        DataError: nothing was measured.
    """
    known = means.dropna(subset=["intensity"])
    if known.empty:
        raise DataError("no image was measured")
    columns = min(len(classes), PANELS_IN_A_ROW)
    rows = -(-len(classes) // columns)
    size = 2.4 * columns + 0.8, 1.5 * rows + 0.7
    title = f"Mean intensity of the images (n = {len(known)})"
    figure, every = new_figure(title, size, (rows, columns))
    tops = [
        _draw_intensity(axes, known.loc[known["target"] == name, "intensity"], name)
        for axes, name in zip(every, classes, strict=False)
    ]
    for axes in every[: len(classes)]:
        axes.set(xlim=(0, 255), ylim=(0, max(tops) * 1.15), xticks=[0, 64, 128, 192, 255])
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.yaxis.set_major_locator(MaxNLocator(2))
    hide(every[len(classes) :])
    figure.supxlabel("mean of the pixels, 0 black to 255 white", fontsize=TEXT, color=INK)
    figure.supylabel("share of the images", fontsize=TEXT, color=INK)
    return figure


def _draw_intensity(axes: Axes, values: pd.Series, name: str) -> float:
    """Draw the bars of one class and a line at the median; return the height of the highest."""
    counts, edges = np.histogram(values, bins=51, range=(0, 255))
    shares = counts / max(len(values), 1)
    axes.stairs(shares, edges, fill=True, color=GREY)
    head(axes, _counted(name, len(values)))
    if len(values):
        middle, across = float(values.median()), axes.get_xaxis_transform()
        axes.axvline(middle, color=ACCENT, linewidth=1.4)
        axes.text(middle + 4, 1, f"{middle:.0f}", transform=across, va="top",
                  fontsize=SMALL, color=ACCENT)  # fmt: skip
    return float(shares.max())
