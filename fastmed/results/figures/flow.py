"""The figure of how images came into the parts, and which were left out."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from fastmed.results.figures.style import GREY, INK, SMALL, new_figure, wrapped

_WIDTH, _TALL, _GAP = 7.4, 0.62, 0.5  # inches: of the figure, of a box, between boxes
_LETTERS = 34  # of a line in a box
_MOST_PARTS = 5  # in a row


def flow_figure(found: str, left_out: Sequence[str], used: str, parts: Mapping[str, str]) -> Figure:
    """Return boxes and arrows: what was found, left out and used, and the parts it went into.

    Args:
        found: amounts of the data set, in words.
        left_out: amounts that were left out, and why, line by line.
        used: amounts that were used, in words.
        parts: name of a part -> its amounts, in words.
    """
    rows = [[*parts.items()][at : at + _MOST_PARTS] for at in range(0, len(parts), _MOST_PARTS)]
    aside = max(_TALL, 0.17 * len(left_out) + 0.3)
    tall = _TALL * (2 + len(rows)) + _GAP * (1 + len(rows)) + max(aside, _GAP) + 0.1
    figure, (axes,) = new_figure("From the data set to the parts", (_WIDTH, tall + 0.5))
    axes.set(xlim=(0, _WIDTH), ylim=(0, tall))
    axes.set_axis_off()
    left, top = 0.3 * _WIDTH, tall - 0.05
    _box(axes, (left, top), 2.8, _TALL, ["Found", found])
    second = top - _TALL - max(aside, _GAP) - 0.1
    _arrow(axes, (left, top - _TALL), (left, second))
    between = (top - _TALL + second) / 2
    _arrow(axes, (left, between), (0.55 * _WIDTH, between))
    _box(axes, (0.77 * _WIDTH, between + aside / 2), 3.2, aside, ["Left out", *left_out])
    _box(axes, (left, second), 2.8, _TALL, ["Used", used])
    _draw_parts(axes, rows, (left, second - _TALL))
    return figure


def _draw_parts(
    axes: Axes, rows: Sequence[Sequence[tuple[str, str]]], start: tuple[float, float]
) -> None:
    top = start[1] - _GAP
    for row in rows:
        width = _WIDTH / len(row)
        for place, (name, told) in enumerate(row):
            at = (place + 0.5) * width
            if row is rows[0]:
                _arrow(axes, start, (at, top))
            _box(axes, (at, top), min(width - 0.12, 2.6), _TALL, [name, told])
        top -= _TALL + _GAP / 2


def _box(
    axes: Axes, top: tuple[float, float], width: float, tall: float, lines: Sequence[str]
) -> None:
    """Draw a box around lines, of which the first is its name; ``top`` is the middle of its top."""
    corner = (top[0] - width / 2, top[1] - tall)
    axes.add_patch(Rectangle(corner, width, tall, facecolor="white", edgecolor=GREY, zorder=2))
    letters = max(8, int(_LETTERS * width / 2.8))
    text = "\n".join(wrapped(line, letters, lines=2) for line in lines)
    axes.text(
        top[0],
        top[1] - tall / 2,
        text,
        ha="center",
        va="center",
        fontsize=SMALL,
        color=INK,
        zorder=3,
    )


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    line = {"arrowstyle": "-|>", "color": GREY, "linewidth": 1, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", end, start, arrowprops=line)
