"""The figure of a comparison: differences and their intervals beside a line at zero."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fastmed.results.figures.style import (
    ACCENT,
    GREY,
    INK,
    SMALL,
    TEXT,
    head,
    hide,
    new_figure,
    wrapped,
)

if TYPE_CHECKING:
    from fastmed.results.comparison.comparing import Comparison, Difference

_COLUMNS = 3


def comparison_figure(comparison: "Comparison") -> Figure:
    """Return a panel for each headline score, with a line for each pair of runs."""
    from fastmed.results.comparison.comparing import less_is_better, told

    pairs = comparison.pairs
    every = [comparison.of(*pair) for pair in pairs]
    columns = min(_COLUMNS, len(every[0]))
    rows = -(-len(every[0]) // columns)
    size = (2.5 * columns + 1.4, rows * (0.34 * len(pairs) + 0.75) + 0.9)
    against = {other for _, other in pairs}
    reference = f" from {next(iter(against))}" if len(against) == 1 else ""
    title = f"Differences{reference}, {comparison.part} (n = {comparison.images})"
    figure, panels = new_figure(title, size, (rows, columns))
    for place, axes in enumerate(panels[: len(every[0])]):
        _draw(axes, [found[place] for found in every])
        address = every[0][place].address
        better = " (less is better)" * less_is_better(address)
        head(axes, wrapped(told(address) + better, 30))
        shown = [run if reference else f"{run} - {other}" for run, other in pairs]
        first = place % columns == 0
        axes.set_yticks(range(len(pairs)), [wrapped(name, 24) if first else "" for name in shown])
    hide(panels[len(every[0]) :])
    figure.supxlabel("difference and 95% interval", fontsize=TEXT, color=INK)
    return figure


def _draw(axes: Axes, found: "Sequence[Difference]") -> None:
    axes.axvline(0, color=GREY, linewidth=1)
    for row, one in enumerate(found):
        if one.difference is None:
            axes.text(0, row, "not estimable", fontsize=SMALL, color=INK, va="center")
            continue
        ends = [np.nan if end is None else end for end in one.interval or (None, None)]
        certain = bool(ends[0] > 0 or ends[1] < 0)
        axes.plot(ends, [row, row], color=ACCENT, linewidth=1.6, solid_capstyle="butt")
        fill = ACCENT if certain else "white"
        axes.plot([one.difference], [row], "o", mfc=fill, mec=ACCENT, ms=5.5)
    widest = max(
        (abs(x) for line in axes.lines[1:] for x in np.asarray(line.get_xdata())), default=0
    )
    reach = 1.15 * widest if np.isfinite(widest) and widest else 0.1
    axes.set(xlim=(-reach, reach), ylim=(len(found) - 0.5, -0.5))
    axes.locator_params(axis="x", nbins=4)
