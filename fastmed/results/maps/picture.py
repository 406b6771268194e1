"""Heat maps as plain pictures, without a figure around them."""

import numpy as np

from fastmed.results.figures.heatmaps import OUTLINED, overlay

_BETWEEN = 128  # brightness of the line between two pictures, on light and dark pages


def heat_picture(picture: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Return an image in grey under its heat, hot places outlined, uint8 (H, W, 3).

    Args:
        picture: uint8, (H, W) or (H, W, 3).
        heat: (H, W) from 0 to 1.
    """
    shown = np.rint(overlay(picture, heat) * 255).astype(np.uint8)
    hot = heat >= OUTLINED
    shown[_grown(_edge(hot)) & ~_edge(hot)] = 0
    shown[_edge(hot)] = 255
    return np.asarray(shown)


def side_by_side(picture: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Return an image, and the image under its heat beside it, uint8 (H, 2 W and a line, 3)."""
    plain = np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture
    line = max(1, plain.shape[1] // 50)
    between = np.full((len(plain), line, 3), _BETWEEN, np.uint8)
    return np.concatenate([plain, between, heat_picture(picture, heat)], axis=1)


def _edge(mask: np.ndarray) -> np.ndarray:
    """Return the places of a mask that lie beside others, (H, W) bool."""
    return np.asarray(mask & _grown(~mask))


def _grown(mask: np.ndarray) -> np.ndarray:
    """Return a mask with the places above, below and beside its own, (H, W) bool."""
    grown = mask.copy()
    grown[1:] |= mask[:-1]
    grown[:-1] |= mask[1:]
    grown[:, 1:] |= mask[:, :-1]
    grown[:, :-1] |= mask[:, 1:]
    return grown
