"""The figure of a learning rate range test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fastmed.results.figures.style import (
    ACCENT,
    FAINT,
    GREY,
    INK,
    head,
    legend_below,
    new_figure,
)

SIGNS = {"valley": "o", "steep": "^", "minimum": "s"}
LABELS = {"minimum": "a tenth of the minimum"}


@dataclass(frozen=True)
class Sweep:
    """How the loss answered a rising learning rate in one phase of a fit.

    Attributes:
        phase: its name.
        rates: of the head, (n,), ascending.
        losses: smoothed, of the training part, (n,).
        suggestions: rule -> the rate that it suggests.
    """

    phase: str
    rates: np.ndarray
    losses: np.ndarray
    suggestions: Mapping[str, float]


def rates_figure(sweeps: Sequence[Sweep], current: float, title: str) -> Figure:
    """Return the losses over the rates, a panel a phase, with suggestions and the task's rate.

    Args:
        sweeps: one a phase.
        current: the rate that the task has.
        title: of the figure.
    """
    size = max(4.2 * len(sweeps), 5.4), 3.4
    figure, every = new_figure(title, size, (1, len(sweeps)))
    for axes, sweep in zip(every, sweeps, strict=True):
        _draw(axes, sweep, current)
        head(axes, f"{sweep.phase} phase")
    legend_below(figure, every[:1])
    return figure


def _draw(axes: Axes, sweep: Sweep, current: float) -> None:
    axes.plot(sweep.rates, sweep.losses, color=ACCENT)
    axes.set_xscale("log")
    axes.axvline(current, color=GREY, linewidth=0.8, linestyle="--", label="rate of the task")
    for name, rate in sweep.suggestions.items():
        at = np.interp(np.log(rate), np.log(sweep.rates), sweep.losses)
        sign: dict[str, Any] = {"mfc": INK if name == "valley" else "white", "zorder": 3}
        label = LABELS.get(name, name)
        axes.plot(rate, at, SIGNS[name], label=label, color=INK, markersize=6, **sign)
    least, most = _range(sweep.losses)
    axes.set_ylim(least - 0.08 * (most - least), most + 0.08 * (most - least))
    axes.set_xlabel("learning rate")
    axes.set_ylabel("loss")
    axes.grid(axis="y", color=FAINT, linewidth=0.8)


def _range(losses: np.ndarray) -> tuple[float, float]:
    """Return the losses that are worth showing: what flies off the top is cut."""
    finite = losses[np.isfinite(losses)]
    least, first = float(finite.min()), float(finite[: max(len(finite) // 2, 1)].max())
    return least, max(first + 0.5 * (first - least), least + 1e-6)
