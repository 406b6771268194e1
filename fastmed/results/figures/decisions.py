"""Figures of probabilities and of what is decided by them."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

from fastmed.results.deciding.abstention import RiskCurve, augrc
from fastmed.results.deciding.operating_points import OperatingPoint
from fastmed.results.figures.style import (
    ACCENT,
    FAINT,
    GREY,
    INK,
    PALE,
    SMALL,
    TEXT,
    head,
    legend_below,
    new_figure,
    new_panels,
    wrapped,
)
from fastmed.results.intervals.wilson import wilson
from fastmed.results.scores.calibration import (
    equal_mass_bins,
    expected_calibration_error,
    net_benefit,
)

LEAST_IN_A_BIN = 10
MOST_BINS = 15
THRESHOLDS = np.linspace(0.01, 0.99, 99)


def reliability_figure(
    names: Sequence[str],
    positive: np.ndarray,
    after: np.ndarray,
    before: np.ndarray | None = None,
) -> Figure:
    """Return how often each class is true by its probability, with how many images there are.

    Bins hold about as many images each, and whiskers are Wilson's 95% intervals of their shares.

    Args:
        names: of the classes that are shown, one panel each.
        positive: whether the image is of the class, (n, len(names)).
        after: probabilities, (n, len(names)).
        before: the same before they were calibrated; None leaves them out.
    """
    figure, every = new_panels("Reliability", len(positive), len(names), 3.3)
    for place, axes in enumerate(every[: len(names)]):
        kinds = [("after", after, ACCENT, "o")]
        if before is not None:
            kinds.insert(0, ("before", before, GREY, "s"))
        axes.plot([0, 1], [0, 1], color=PALE, linewidth=1, linestyle="--")
        for label, scores, color, marker in kinds:
            _draw_bins(axes, positive[:, place], scores[:, place], label, color, marker)
        _count(axes, after[:, place])
        errors = [
            f"{label} {expected_calibration_error(positive[:, place], scores[:, place]):.3f}"
            for label, scores, *_ in kinds
        ]
        told = f"ECE {', '.join(errors)}" if before is not None else f"ECE {errors[0][6:]}"
        head(axes, f"{wrapped(names[place], 28)}\n{told}")
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.2, 1.02), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
        axes.set_xlabel("probability (bars: images)")
    if before is not None:
        legend_below(figure, every[:1])
    figure.supylabel("share of images that are of the class", fontsize=TEXT, color=INK)
    return figure


def decision_curve_figure(names: Sequence[str], positive: np.ndarray, scores: np.ndarray) -> Figure:
    """Return the net benefit of acting on the probability of each class, against all and none.

    Args:
        names: of the classes that are shown, one panel each.
        positive: whether the image is of the class, (n, len(names)).
        scores: probabilities, (n, len(names)).
    """
    figure, every = new_panels("Net benefit", len(positive), len(names), 2.9)
    for place, axes in enumerate(every[: len(names)]):
        found = [net_benefit(positive[:, place], scores[:, place], at) for at in THRESHOLDS]
        share = float(positive[:, place].mean())
        axes.plot(THRESHOLDS, [one.model for one in found], color=ACCENT, label="network")
        every_one = [one.treat_all for one in found]
        axes.plot(THRESHOLDS, every_one, color=GREY, linestyle="--", label="all treated")
        axes.axhline(0, color=INK, linewidth=1, linestyle=":", label="none treated")
        head(axes, f"{wrapped(names[place], 28)}\nn = {positive[:, place].sum()}")
        top = max(share, 0.01, *(one.model for one in found))
        axes.set(xlim=(0, 1), ylim=(-0.35 * top, 1.1 * top), xticks=[0, 0.5, 1])
        axes.set_xlabel("probability to act from")
    legend_below(figure, every[:1])
    figure.supylabel("net benefit (cases found of all)", fontsize=TEXT, color=INK)
    return figure


def risk_coverage_figure(curve: RiskCurve, count: int) -> Figure:
    """Return the share of mistakes as the least certain images are left to a reader.

    Args:
        curve: of `risk_curve`.
        count: of the images.
    """
    figure, (axes,) = new_figure(f"Mistakes by coverage (n = {count})", (5.2, 4.2))
    axes.plot(curve.coverage, curve.risk, color=ACCENT, label="of the images that are decided")
    abstained = 1 - curve.coverage + curve.mistakes
    label = "of all, abstained ones counted as mistakes"
    axes.plot(curve.coverage, abstained, color=GREY, linestyle="--", label=label)
    label = f"of all, undetected (AUGRC {augrc(curve):.3f})"
    axes.fill_between(curve.coverage, curve.mistakes, color=FAINT, label=label)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="share of images that are decided")
    axes.set_ylabel("share of mistakes")
    axes.legend(frameon=False, fontsize=SMALL, labelcolor=INK, loc="upper right")
    return figure


def operating_points_figure(
    points: Sequence[OperatingPoint], positive: np.ndarray, scores: np.ndarray
) -> Figure:
    """Return the ROC curve of each class of interest, with its operating points on it.

    Args:
        points: with what they find among these images.
        positive: whether the image is a case, (n, classes of interest), in the order of points.
        scores: probabilities, as ``positive``.
    """
    names = list(dict.fromkeys(point.rule.positive for point in points))
    figure, every = new_panels("Operating points", len(positive), len(names), 3.3)
    for place, (axes, name) in enumerate(zip(every, names, strict=False)):
        own = [point for point in points if point.rule.positive == name]
        head(axes, f"{wrapped(name, 28)}\nn = {positive[:, place].sum()}")
        axes.plot([0, 1], [0, 1], color=PALE, linewidth=1, linestyle="--")
        if 0 < positive[:, place].sum() < len(positive):
            alarms, found, _ = roc_curve(positive[:, place], scores[:, place])
            axes.plot(alarms, found, color=ACCENT, linewidth=1.8)
            _mark(axes, own)
        axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    figure.supxlabel("1 - specificity", fontsize=TEXT, color=INK)
    figure.supylabel("sensitivity", fontsize=TEXT, color=INK)
    return figure


def _draw_bins(  # noqa: PLR0917
    axes: Axes, positive: np.ndarray, scores: np.ndarray, label: str, color: str, marker: str
) -> None:
    """Draw mean probability and share of each bin, with the interval of the share."""
    bins = equal_mass_bins(scores, max(1, min(MOST_BINS, len(scores) // LEAST_IN_A_BIN)))
    counts = np.bincount(bins)
    kept = counts > 0
    count = counts[kept]
    hits, mean = np.bincount(bins, positive)[kept], np.bincount(bins, scores)[kept] / count
    low, high = np.array([wilson(*pair) for pair in zip(hits, count, strict=True)]).T
    axes.vlines(mean, low, high, color=color, linewidth=0.8, alpha=0.6)
    fill = color if marker == "o" else "white"
    axes.plot(
        mean, hits / count, marker=marker, color=color, mfc=fill, ms=4, linewidth=1, label=label
    )


def _count(axes: Axes, scores: np.ndarray) -> None:
    """Draw below the line of 0 how many images have each probability, and write the most."""
    counts, edges = np.histogram(scores, bins=20, range=(0, 1))
    heights = counts / counts.max() * 0.11
    axes.bar(edges[:-1], heights, 0.05, bottom=-0.2, align="edge", color=PALE, edgecolor="white")
    axes.axhline(0, color=FAINT, linewidth=0.8)
    place = int(counts.argmax())
    inside = min(max(edges[place] + 0.025, 0.08), 0.92)
    axes.text(
        inside, -0.045, str(counts.max()), fontsize=SMALL, ha="center", va="center", color=INK
    )


def _mark(axes: Axes, points: Sequence[OperatingPoint]) -> None:
    for number, point in enumerate(points):
        if point.sensitivity is None or point.specificity is None:
            continue
        sign = "oDs^v"[number % 5]
        axes.plot(
            1 - point.specificity,
            point.sensitivity,
            sign,
            mfc="white",
            mec=INK,
            ms=7,
            clip_on=False,
            label=f"{point.rule.text}: from {point.threshold:.3f}",
        )
    axes.legend(frameon=False, fontsize=SMALL, labelcolor=INK, loc="lower right")
