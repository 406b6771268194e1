"""The figure of a training: losses, metrics and learning rate, epoch by epoch."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fastmed.results.figures.style import (
    ACCENT,
    FAINT,
    GREY,
    INK,
    PANELS_IN_A_ROW,
    head,
    hide,
    legend_below,
    new_figure,
    plain,
)
from fastmed.results.scores import LABELS
from fastmed.settings.sources import PARTS

NOT_DRAWN = ("epoch", "phase", "seconds")
SIGNS: dict[str, dict[str, Any]] = {
    "train": {"label": "training part", "color": GREY, "linestyle": "--", "marker": "s"},
    "valid": {"label": "validation part", "color": ACCENT, "linestyle": "-", "marker": "o"},
    "test": {"label": "test part", "color": INK, "linestyle": ":", "marker": "^", "mfc": "white"},
    "lr": {"color": INK, "linestyle": "-", "marker": "."},
}


def history_figure(history: pd.DataFrame, best_epoch: int | None) -> Figure:
    """Return the course of a training, one panel for the loss, each metric and the learning rate.

    The epoch that was kept and the beginnings of phases are marked. Columns ``train_NAME``,
    ``valid_NAME`` and ``test_NAME`` share a panel; a metric without such a beginning is of the
    validation part.

    Args:
        history: one row an epoch: ``epoch``, ``phase``, losses, metrics, ``lr``, ``seconds``.
        best_epoch: as in the column ``epoch``; None if no epoch was kept.
    """
    panels = _panels(history)
    columns = min(len(panels), PANELS_IN_A_ROW)
    rows = -(-len(panels) // columns)
    size = max(3.2 * columns, 4.8) + 0.2, 2.3 * rows + 0.7
    figure, every = new_figure(_title(history), size, (rows, columns))
    for axes, (name, lines) in zip(every, panels.items(), strict=False):
        _draw_lines(axes, history, name, lines)
        _mark_epochs(axes, history, best_epoch)
    hide(every[len(panels) :])
    legend_below(figure, every)
    return figure


def _panels(history: pd.DataFrame) -> dict[str, dict[str, str]]:
    """Return the panels: what they show -> kind of line -> column; empty columns are left out."""
    panels: dict[str, dict[str, str]] = {}
    for column in history.columns:
        if column in NOT_DRAWN or history[column].isna().all():
            continue
        kind, _, name = column.partition("_")
        if kind not in PARTS:
            kind, name = ("lr", "learning rate") if column == "lr" else ("valid", column)
        panels.setdefault(name, {})[kind] = column
    return panels


def _title(history: pd.DataFrame) -> str:
    """Return how many epochs there are, and, if there are several, which phase has which."""
    title = f"Training, {len(history)} epoch{'s' * (len(history) != 1)}"
    begins = _begins(history)
    if len(begins) < 2:
        return title
    ends = [*(begins["epoch"].iloc[1:] - 1), history["epoch"].iloc[-1]]
    names = zip(begins["phase"], begins["epoch"], ends, strict=True)
    return f"{title}: " + ", ".join(f"{name} {first} to {last}" for name, first, last in names)


def _begins(history: pd.DataFrame) -> pd.DataFrame:
    """Return the first row of each phase."""
    return history[history["phase"] != history["phase"].shift()]


def _draw_lines(axes: Axes, history: pd.DataFrame, name: str, lines: dict[str, str]) -> None:
    for kind, column in lines.items():
        axes.plot(history["epoch"], history[column], markersize=3.5, **SIGNS[kind])
    head(axes, plain(LABELS.get(name, name.replace("_", " "))))
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.4g}")
    axes.grid(axis="y", color=FAINT, linewidth=0.8)
    axes.set_xlim(history["epoch"].min() - 0.5, history["epoch"].max() + 0.5)


def _mark_epochs(axes: Axes, history: pd.DataFrame, best_epoch: int | None) -> None:
    for epoch in _begins(history)["epoch"].iloc[1:]:
        axes.axvline(epoch - 0.5, color=GREY, linewidth=0.8, label="next phase")
    if best_epoch is not None:
        label = f"kept: epoch {best_epoch}"
        axes.axvline(best_epoch, color=INK, linewidth=1, linestyle=":", label=label, zorder=1)
