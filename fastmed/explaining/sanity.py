"""The sanity check of a method of heat maps: how much its maps change as the weights are lost."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from fastmed.learn.heatmaps.aim import Aim
from fastmed.learn.heatmaps.maps import Batch
from fastmed.learn.heatmaps.methods import Method
from fastmed.learn.heatmaps.sanity import cascade, maps_of
from fastmed.results.maps.likeness import rank_correlations, structural_similarities


def sanity_check(aim: Aim, batches: Iterable[Batch], method: Method) -> list[dict[str, Any]]:
    """Return how like the network's own heat maps those of the copies of a `cascade` are.

    Args:
        aim: the network.
        batches: of images, which can be passed several times.
        method: that is checked.

    Returns:
        for each copy ``lost``, the share of weights that it has lost; ``empty``, the share of its
        maps, or of the network's own, on which nothing is hot; and of all others the median
        ``rank_correlation`` and ``ssim`` with the network's own, or None.
    """
    own = maps_of(aim, batches, method)
    return [
        {"lost": lost, **_likeness(own, maps_of(copied, batches, method))}
        for lost, copied in cascade(aim, batches)
    ]


def _likeness(own: np.ndarray, others: np.ndarray) -> dict[str, float | None]:
    full = own.any(axis=(1, 2)) & others.any(axis=(1, 2))
    pairs = own[full], others[full]
    return {
        "empty": float(1 - full.mean()),
        "rank_correlation": float(np.median(rank_correlations(*pairs))) if full.any() else None,
        "ssim": float(np.median(structural_similarities(*pairs))) if full.any() else None,
    }
