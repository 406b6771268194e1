"""The figures of a search: its course, what each setting did, and how much each matters."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from fastmed.results.figures.style import (
    ACCENT,
    FAINT,
    GREY,
    INK,
    SMALL,
    head,
    hide,
    new_figure,
    plain,
    wrapped,
)
from fastmed.results.scores import LABELS

IN_A_ROW = 3
FEW = 30  # trials, below which importance is a guess
SIGHT = 2.0  # spreads of the trained trials, beyond which others are drawn at the edge
SIGNS: dict[str, dict[str, Any]] = {
    "done": {"marker": "o", "color": ACCENT, "label": "trained to the end"},
    "pruned": {"marker": "x", "color": GREY, "label": "ended early, at the edge if far off"},
}


@dataclass(frozen=True)
class Scale:
    """What was tried of a setting.

    Attributes:
        ends: least and greatest number; None for choices.
        log: True for powers.
        choices: as they are written in the table of trials.
    """

    ends: tuple[float, float] | None = None
    log: bool = False
    choices: tuple[str, ...] = ()


def history_figure(trials: pd.DataFrame, metric: str, higher_is_better: bool) -> Figure:
    """Return the value of each trial in order, and the best so far.

    Args:
        trials: ``stage``, ``state`` (done, pruned, failed, running) and ``value``.
        metric: its name.
        higher_is_better: of the metric.
    """
    label = LABELS.get(metric, metric.replace("_", " "))
    counts = trials["state"].value_counts()
    told = [f"{counts[s]} {word}" for s, word in _WORDS.items() if s in counts]
    figure, (axes,) = new_figure(f"Search, {', '.join(told)}", (6.4, 3.6))
    places = np.arange(1, len(trials) + 1)
    trials = _within_sight(trials)
    for state, sign in SIGNS.items():
        chosen = (trials["state"] == state).to_numpy()
        axes.plot(places[chosen], trials["value"][chosen], linestyle="", markersize=5, **sign)
    _draw_best(axes, trials, places, higher_is_better)
    _mark_failed(axes, trials, places)
    _mark_stages(axes, trials)
    axes.set_xlabel("trial")
    axes.set_ylabel(plain(f"{label}, validation part"))
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
    axes.set_xlim(0.5, len(trials) + 0.5)
    axes.grid(axis="y", color=FAINT, linewidth=0.8)
    _explain(figure, axes)
    return figure


def settings_figure(trials: pd.DataFrame, settings: Mapping[str, Scale], metric: str) -> Figure:
    """Return the values over each setting, one panel a setting.

    Args:
        trials: with a column for each setting.
        settings: name of the column -> what was tried.
        metric: its name.
    """
    columns = min(len(settings), IN_A_ROW)
    rows = -(-len(settings) // columns)
    size = max(3.0 * columns, 4.8) + 0.2, 2.4 * rows + 0.9
    figure, every = new_figure("Values over each setting", size, (rows, columns))
    label = LABELS.get(metric, metric.replace("_", " "))
    trials = _within_sight(trials)
    for place, (axes, name) in enumerate(zip(every, settings, strict=False)):
        _draw_setting(axes, trials, name, settings[name])
        head(axes, plain(name))
        if place % columns == 0:
            axes.set_ylabel(plain(label))
    hide(every[len(settings) :])
    _explain(figure, every[0])
    return figure


def importance_figure(weights: Mapping[str, float], trials: int, metric: str) -> Figure:
    """Return the share of each setting in the differences between the trials.

    Args:
        weights: setting -> share, in sum 1.
        trials: how many the shares are estimated from.
        metric: its name.
    """
    ranked = sorted(weights.items(), key=lambda pair: pair[1])
    label = LABELS.get(metric, metric.replace("_", " "))
    title = f"Importance for {label}, from {trials} trials"
    figure, (axes,) = new_figure(title, (6.0, 0.36 * len(ranked) + 1.5))
    names = [wrapped(name, 28) for name, _ in ranked]
    bars = axes.barh(names, [share for _, share in ranked], color=ACCENT, height=0.6)
    texts = [f"{share:.0%}" for _, share in ranked]
    axes.bar_label(bars, texts, padding=3, fontsize=SMALL, color=INK)
    axes.set_xlim(0, 1.08)
    rough = ", a rough guess from so few trials" * (trials < FEW)
    axes.set_xlabel(f"share of the differences{rough}")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.grid(axis="x", color=FAINT, linewidth=0.8)
    return figure


def _within_sight(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the trials with those at the edge that ended early far away from all others.

    A loss after the first epoch may be many times what is compared.
    """
    done = trials.loc[trials["state"] == "done", "value"]
    if done.empty:
        return trials
    spread = max(float(done.max() - done.min()), 0.05 * abs(float(done.mean())), 1e-9)
    least, most = float(done.min()) - SIGHT * spread, float(done.max()) + SIGHT * spread
    return trials.assign(value=trials["value"].clip(least, most))


_WORDS = {"done": "trained", "pruned": "ended early", "failed": "failed", "running": "running"}


def _draw_best(axes: Axes, trials: pd.DataFrame, places: np.ndarray, higher: bool) -> None:
    """Draw the best value so far, anew in each stage."""
    label: str | None = "best so far"
    for _, rows in trials.groupby("stage", sort=False):
        done = rows["value"].where(rows["state"] == "done")
        best = (done.cummax() if higher else done.cummin()).ffill()
        at = trials.index.get_indexer(rows.index)
        axes.step(places[at], best, where="post", color=INK, linewidth=1, label=label, zorder=1)
        label = None


def _mark_failed(axes: Axes, trials: pd.DataFrame, places: np.ndarray) -> None:
    chosen = (trials["state"] == "failed").to_numpy()
    if chosen.any():
        base = axes.get_xaxis_transform()
        axes.plot(
            places[chosen], np.zeros(chosen.sum()), "|", color=INK, markersize=10, mew=1.5,
            transform=base, clip_on=False, label="failed",
        )  # fmt: skip


def _mark_stages(axes: Axes, trials: pd.DataFrame) -> None:
    stages = trials["stage"].tolist()
    for place in range(1, len(stages)):
        if stages[place] != stages[place - 1]:
            label = f"{stages[place - 1]} before, {stages[place]} after"
            axes.axvline(place + 0.5, color=GREY, linewidth=0.8, linestyle=":", label=label)


def _draw_setting(axes: Axes, trials: pd.DataFrame, name: str, scale: Scale) -> None:
    column = trials[name]
    if scale.choices:
        column = column.astype(str).map({one: place for place, one in enumerate(scale.choices)})
    for state, sign in SIGNS.items():
        chosen = trials["state"] == state
        axes.plot(column[chosen], trials["value"][chosen], linestyle="", markersize=4.5, **sign)
    if scale.choices:
        names = [wrapped(one, 10) for one in scale.choices]
        axes.set_xticks(range(len(names)), names)
        axes.set_xlim(-0.5, len(names) - 0.5)
    elif scale.ends is not None:
        _draw_numbers(axes, *scale.ends, scale.log)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.grid(color=FAINT, linewidth=0.8)


def _draw_numbers(axes: Axes, low: float, high: float, log: bool) -> None:
    """Show all of a range, whether it was gone through or not."""
    if log:
        axes.set_xscale("log")
        subs = (1.0,) if high / low >= 100 else (1.0, 2.0, 5.0)
        axes.xaxis.set_major_locator(LogLocator(subs=subs, numticks=6))
        axes.xaxis.set_minor_locator(NullLocator())
        margin = (high / low) ** 0.05
        axes.set_xlim(low / margin, high * margin)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(4))
        margin = 0.05 * (high - low)
        axes.set_xlim(low - margin, high + margin)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")


def _explain(figure: Figure, axes: Axes) -> None:
    signs = {str(line.get_label()): line for line in axes.get_lines()}
    shown = {name: line for name, line in signs.items() if not name.startswith("_")}
    shown = {name: line for name, line in shown.items() if len(np.atleast_1d(line.get_xdata()))}
    figure.legend(
        list(shown.values()), list(shown), frameon=False, fontsize=SMALL, labelcolor=INK,
        loc="outside lower left", ncols=len(shown),
    )  # fmt: skip
