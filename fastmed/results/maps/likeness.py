"""How alike heat maps are: in the order of their places, and in what the eye sees."""

import cv2
import numpy as np
from scipy.stats import rankdata

from fastmed.data.operations.opencv import one_thread

_SIGMA = 1.5  # of the Gaussian window of SSIM, in pixels
_C1, _C2 = 0.01**2, 0.03**2  # of SSIM, for values from 0 to 1
_MARGIN = 5  # pixels at the edge, whose window reaches over it

DEPENDS, SCARCELY = 0.5, 0.8  # rank correlations that part the verdicts


def rank_correlations(maps: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return Spearman's rank correlation of each map with the other one, (n,).

    It is 0 where a map is the same everywhere, since it then puts places in no order.

    Args:
        maps, others: (n, H, W).
    """
    pairs = zip(maps, others, strict=True)
    return np.array([_rank_correlation(one, other) for one, other in pairs])


def structural_similarities(maps: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the structural similarity of each map, on 0 to 1, with the other one, (n,).

    Args:
        maps, others: (n, H, W).

    Source:
        Z. Wang et al., Image quality assessment: from error visibility to structural similarity,
        IEEE Transactions on Image Processing 13, 2004; with its Gaussian window.
    """
    with one_thread():
        pairs = zip(maps, others, strict=True)
        return np.array(
            [_similarity(one.astype(float), other.astype(float)) for one, other in pairs]
        )


def verdict(rank_correlation: float | None) -> str:
    """Return what the rank correlation of maps with those of a random network says of a method.

    The limits are a convention: there is no test for how much of a map may come from the image.

    Args:
        rank_correlation: None where there were no maps to compare.
    """
    if rank_correlation is None:
        return "can't be judged, since the maps of the random network are empty"
    if rank_correlation < DEPENDS:
        return "depends on the weights"
    if rank_correlation < SCARCELY:
        return "depends little on the weights"
    return "does not depend on the weights"


def _rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    if not np.ptp(one) or not np.ptp(other):
        return 0.0
    return float(np.corrcoef(rankdata(one), rankdata(other))[0, 1])


def _similarity(one: np.ndarray, other: np.ndarray) -> float:
    means = _blurred(one), _blurred(other)
    variances = _blurred(one**2) - means[0] ** 2, _blurred(other**2) - means[1] ** 2
    covariance = _blurred(one * other) - means[0] * means[1]
    light = (2 * means[0] * means[1] + _C1) / (means[0] ** 2 + means[1] ** 2 + _C1)
    found = light * (2 * covariance + _C2) / (sum(variances) + _C2)
    inner = slice(_MARGIN, -_MARGIN) if min(one.shape) > 3 * _MARGIN else slice(None)
    return float(found[inner, inner].mean())


def _blurred(values: np.ndarray) -> np.ndarray:
    width = 2 * _MARGIN + 1
    return np.asarray(cv2.GaussianBlur(values, (width, width), _SIGMA))
