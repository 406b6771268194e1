"""ROC and precision-recall curves with the bands within which they are known."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

from fastmed.results.figures.style import (
    ACCENT,
    FAINT,
    GREY,
    INK,
    PALE,
    TEXT,
    head,
    legend_below,
    new_panels,
    with_count,
    wrapped,
)
from fastmed.results.scores.curves import Curve, precision_recall_curves, roc_curves
from fastmed.results.scores.names import LABELS
from fastmed.results.scores.sample import Sample, sample_of
from fastmed.results.scores.scored import Scores
from fastmed.results.scores.tables import value_text

LINES: tuple[dict[str, Any], ...] = (
    {"color": ACCENT, "linewidth": 1.8, "linestyle": "-"},
    {"color": INK, "linewidth": 1.3, "linestyle": "--"},
    {"color": GREY, "linewidth": 1.6, "linestyle": "-"},
    {"color": INK, "linewidth": 1.3, "linestyle": ":"},
)


def roc_figure(
    predictions: pd.DataFrame, classes: Sequence[str], scores: Scores | None = None
) -> Figure:
    """Return the ROC curve of each class against all others, with its 95% band.

    The panel of a class without cases, or without others, says so and has no curve.

    Args:
        predictions: their table.
        classes: their names; of two the last one is shown.
        scores: whose AUROC and interval stand above each curve; None leaves them out.
    """
    figure, every = _drawn("ROC curves", predictions, classes, scores, roc_curves, "auroc")
    for axes in every:
        _chance(axes)
    return _finished(figure, every, "1 - specificity", "sensitivity")


def precision_recall_figure(
    predictions: pd.DataFrame, classes: Sequence[str], scores: Scores | None = None
) -> Figure:
    """Return precision over recall of each class, with its 95% band and its share of the images.

    The area below a curve is its average precision.

    Args: see `roc_figure`.
    """
    name = "average_precision"
    title, find = "Precision and recall", precision_recall_curves
    figure, every = _drawn(title, predictions, classes, scores, find, name)
    for axes, place in zip(every, shown_places(classes), strict=True):
        share = float((predictions["target"] == classes[place]).sum())
        share /= max(int((predictions["target"] != "").sum()), 1)
        label = "share of the class"
        axes.axhline(share, color=GREY, linewidth=1, linestyle="--", label=label)
    return _finished(figure, every, "recall (sensitivity)", "precision (PPV)")


def compared_roc_figure(samples: Mapping[str, Sample]) -> Figure:
    """Return the ROC curves of several runs on the same images, a panel for each class.

    They have no bands: whether two curves differ is not seen from the bands of each.

    Args:
        samples: by the name of the run, at most `LINES` of them, in the order of signs.
    """
    first = next(iter(samples.values()))
    places = shown_places(first.classes)
    figure, every = new_panels("ROC curves", first.size, len(places), 2.9)
    for axes, place in zip(every, places, strict=False):
        count = int((first.true == place).sum())
        head(axes, with_count(first.classes[place], count, 32))
        _chance(axes)
        for (name, sample), style in zip(samples.items(), LINES, strict=False):
            positive = sample.true == place
            if positive.any() and not positive.all():
                alarms, found, _ = roc_curve(positive, sample.scores[:, place])
                axes.plot(alarms, found, label=wrapped(name, 40, lines=1), **style)
        _square(axes)
    return _finished(figure, every[: len(places)], "1 - specificity", "sensitivity")


def _chance(axes: Axes) -> None:
    axes.plot([0, 1], [0, 1], color=PALE, linewidth=1, linestyle="--", label="by chance")


def _square(axes: Axes) -> None:
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    axes.set_anchor("W")


def shown_places(classes: Sequence[str]) -> list[int]:
    """Return which classes are shown against the others: all, or of two the last."""
    return [*range(1 if len(classes) == 2 else 0, len(classes))]


def _drawn(  # noqa: PLR0917
    title: str,
    predictions: pd.DataFrame,
    classes: Sequence[str],
    scores: Scores | None,
    find: Callable[[Sample, Sequence[int]], list[Curve | None]],
    name: str,
) -> tuple[Figure, list[Axes]]:
    """Return a figure with a panel a class, and those of its axes that are shown."""
    sample, places = sample_of(predictions, classes, "category"), shown_places(classes)
    figure, every = new_panels(title, sample.size, len(places), 3.1)
    for axes, place, curve in zip(every, places, find(sample, places), strict=False):
        of, count = classes[place], int((sample.true == place).sum())
        told = "not estimable" if curve is None else _told(scores, of, name)
        head(axes, "\n".join(filter(None, [with_count(of, count, 32), told])))
        if curve is not None:
            _draw(axes, curve, f"area: {LABELS[name]}")
        _square(axes)
    return figure, every[: len(places)]


def _told(scores: Scores | None, of: str, name: str) -> str:
    """Return the score of a class with its interval; nothing without scores."""
    if scores is None:
        return ""
    limits = scores.get("intervals", {}).get("per_class", {}).get(of, {})
    return f"area {value_text(scores['per_class'][of].get(name), limits.get(name))}"


def _draw(axes: Axes, curve: Curve, area: str) -> None:
    band = curve.band
    told = "95% band, point by point"
    axes.fill_between(band.across, band.low, band.high, color=FAINT, linewidth=0, label=told)
    for edge in (band.low, band.high):
        axes.plot(band.across, edge, color=PALE, linewidth=0.6)
    style: dict[str, Any] = {"drawstyle": "steps-pre"} if curve.stepped else {}
    axes.plot(
        curve.across, curve.up, color=ACCENT, linewidth=1.8, clip_on=False, label=area, **style
    )


def _finished(figure: Figure, every: list[Axes], across: str, up: str) -> Figure:
    for axes in every:
        axes.set_xlabel(across)
    legend_below(figure, every)
    figure.supylabel(up, fontsize=TEXT, color=INK)
    return figure
