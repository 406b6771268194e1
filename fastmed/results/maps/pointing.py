"""The pointing game: whether the hottest place of a map lies in a box that a reader has drawn.

Source:
    J. Zhang et al., Top-down neural attention by excitation backprop, IJCV 2018
    (arXiv 1608.00507); without its tolerance around the box.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.ndimage import label

from fastmed.results.intervals.wilson import wilson_of_patients

Place = tuple[float, float]  # row and column


def hottest_place(heat: np.ndarray) -> Place | None:
    """Return the row and column of a map's hottest place; None where nothing is hot.

    A pixel's place is its middle. Where several places are as hot, the mean of those is taken that
    hang together with the first.

    Args:
        heat: (H, W), from 0.
    """
    if not heat.max() > 0:
        return None
    parts, _ = label(heat >= heat.max() * (1 - 1e-6))
    rows, columns = np.nonzero(parts == parts.ravel()[np.flatnonzero(parts.ravel())[0]])
    return float(rows.mean()) + 0.5, float(columns.mean()) + 0.5


def points_into(place: Place | None, boxes: np.ndarray) -> bool:
    """True if a place (row, column) lies in one of the boxes (n, 4) left, top, right, bottom."""
    if place is None:
        return False
    row, column = place
    left, top, right, bottom = boxes.T
    inside = (left <= column) & (column <= right) & (top <= row) & (row <= bottom)
    return bool((inside & (left < right) & (top < bottom)).any())


def share_filled(boxes: np.ndarray, covered: np.ndarray) -> float:
    """Return the share of an image that boxes fill: how often a place by chance lies in one.

    Args:
        boxes: (k, 4) left, top, right, bottom.
        covered: where the map shows the image, (H, W) bool.
    """
    rows, columns = (middles + 0.5 for middles in np.nonzero(covered))
    left, top, right, bottom = (side[:, None] for side in boxes.T)
    inside = (left <= columns) & (columns <= right) & (top <= rows) & (rows <= bottom)
    return float(inside.any(axis=0).mean()) if len(rows) else 0.0


def pointing_game(
    places: Sequence[Place | None],
    boxes: Sequence[np.ndarray],
    covered: Sequence[np.ndarray],
    patients: np.ndarray,
) -> dict[str, Any]:
    """Return the share of maps whose hottest place lies in a box, beside two simple pointers.

    Args:
        places: row and column of each map's hottest place, see `hottest_place`.
        boxes: of each image, (k, 4) left, top, right, bottom on the map.
        covered: where each map shows the image, (H, W) bool.
        patients: of the images, (n,).

    Returns:
        ``n``, ``hits`` and ``share`` with its ``interval`` of 95%; ``centre``, the share for the
        middle of the map; ``by_chance``, the mean share of an image that its boxes fill.
    """
    hits = np.array([points_into(*pair) for pair in zip(places, boxes, strict=True)])
    middles = [(seen.shape[0] / 2, seen.shape[1] / 2) for seen in covered]
    centre = [points_into(*pair) for pair in zip(middles, boxes, strict=True)]
    filled = [share_filled(*pair) for pair in zip(boxes, covered, strict=True)]
    return {
        "n": len(hits),
        "hits": int(hits.sum()),
        "share": float(hits.mean()),
        "interval": list(wilson_of_patients(hits, patients)),
        "centre": float(np.mean(centre)),
        "by_chance": float(np.mean(filled)),
    }
