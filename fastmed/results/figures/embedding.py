"""The embedding map: images as the network's body sees them, and where its mistakes lie."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fastmed.results.figures.style import (
    ACCENT,
    GREY,
    INK,
    LETTER,
    PALE,
    PANELS_IN_A_ROW,
    head,
    legend_below,
    new_panels,
    with_count,
)

CAPTION = (
    "Images that lie close are alike to the network. Directions, distances between groups and the "
    "sizes of groups mean nothing."
)
_WIDTH, _HEADING = 2.4, 0.6  # inches of a panel's map across, and of its heading


def embedding_figure(
    table: pd.DataFrame, classes: Sequence[str], facts: Mapping[str, Any]
) -> Figure:
    """Return the map, a panel for each true class: its images among all others.

    Images that are classified right are dark dots, wrong ones crosses, those of other classes pale.

    Args:
        table: a row an image: ``target``, ``predicted``, and its place ``x``, ``y``.
        classes: their names; those without images have no panel.
        facts: as `fastmed.results.maps.embedding.lay_out` gives them, and ``of`` how many the
            images are.
    """
    shown = [name for name in classes if (table["target"] == name).any()]
    count = f"{len(table)} of {facts['of']}" if facts["of"] > len(table) else len(table)
    panels, told = max(len(shown), 1), f"{CAPTION} {said(facts)}"
    tall = _HEADING + _WIDTH * float(np.clip(_shape(table), 0.45, 1.2))
    lines = len(told) * LETTER / (_WIDTH * min(panels, PANELS_IN_A_ROW))
    figure, every = new_panels("Embedding map", count, panels, tall, below=0.5 + 0.16 * lines)
    for axes, name in zip(every, shown, strict=False):
        _draw(axes, table, name)
    legend_below(figure, every[: len(shown)], told)
    return figure


def said(facts: Mapping[str, Any]) -> str:
    """Return in words how far the map can be trusted, and what the features themselves say."""
    return (
        f"Of an image's {facts['neighbours']} nearest in the {facts['features']} features "
        f"{facts['agrees']:.0%} are of its class ({facts['by_chance']:.0%} by chance); "
        f"trustworthiness of the map {facts['trustworthiness']:.2f} (1 is best)."
    )


def _shape(table: pd.DataFrame) -> float:
    """Return how high the map is for its width."""
    across, up = np.ptp(table[["x", "y"]].to_numpy(dtype=float), axis=0)
    return float(up / across) if across > 0 else 1.0


def _draw(axes: Axes, table: pd.DataFrame, name: str) -> None:
    own = (table["target"] == name).to_numpy()
    wrong = own & (table["predicted"] != name).to_numpy()
    across, up = table["x"].to_numpy(dtype=float), table["y"].to_numpy(dtype=float)
    size = float(np.clip((4000 / len(table)) ** 0.5, 1.6, 4.5))
    kinds: tuple[tuple[np.ndarray, str, dict[str, Any]], ...] = (
        (~own, "o", {"mfc": PALE, "mec": "none", "ms": size, "label": "other classes"}),
        (own & ~wrong, "o", {"mfc": GREY, "mec": INK, "mew": 0.4, "ms": size + 0.8,
                             "label": "of the class, right"}),
        (wrong, "x", {"mec": ACCENT, "mew": 1.3, "ms": size + 2.2,
                      "label": "of the class, taken for another"}),
    )  # fmt: skip
    for which, sign, style in kinds:
        axes.plot(across[which], up[which], sign, **style)
    head(axes, f"{with_count(name, int(own.sum()), 30)}, wrong {int(wrong.sum())}")
    axes.spines[:].set_visible(False)
    axes.set(aspect="equal", xticks=[], yticks=[])
    axes.set_anchor("W")
