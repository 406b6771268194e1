"""Stain normalisation of histology: every slide in the same two dyes."""

from importlib import import_module
from typing import Any

import numpy as np

from fastmed.errors import MissingExtraError

_LIGHT = 240  # what shines through an empty slide, of 255
_LEAST_DENSITY = 0.15  # in all channels, for a pixel to be tissue (Macenko et al. 2009)
_LEAST_TISSUE = 0.1  # of a tile; from less, the two dyes are told wrongly


def normalize_stain(pixels: np.ndarray) -> np.ndarray:
    """Return a tile of H&E-stained tissue with its dyes replaced by those of a reference.

    The reference is torchstain's own: a published matrix of the two dyes, and their strength. A
    tile with hardly any tissue is returned as it is, as is one that is grey or of one colour, since
    none of them has two dyes to be told apart.

    Args:
        pixels: uint8, (H, W, 3).

    Raises:
        MissingExtraError: torchstain is not installed.

    Source:
        M. Macenko et al., A method for normalizing histology slides for quantitative analysis,
        ISBI 2009.
    """
    normalizer = _normalizer()
    plain = pixels.ndim == 2 or not np.ptp(pixels, axis=(0, 1)).any()
    if plain or _tissue(pixels) < _LEAST_TISSUE:
        return pixels
    try:
        normal, _, _ = normalizer.normalize(pixels, Io=_LIGHT, beta=_LEAST_DENSITY, stains=False)
    except np.linalg.LinAlgError:
        return pixels
    return np.asarray(normal, dtype=np.uint8)


def _normalizer() -> Any:
    try:
        normalizers = import_module("torchstain.numpy.normalizers")
    except ImportError:
        raise MissingExtraError(
            'stain_normalize needs torchstain; install it with `pip install "fastmed[stain]"`'
        ) from None
    return normalizers.NumpyMacenkoNormalizer()


def _tissue(pixels: np.ndarray) -> float:
    """Return the share of pixels that are stained."""
    most = (_LIGHT * np.exp(-_LEAST_DENSITY)) - 1
    return float((pixels <= most).all(axis=2).mean())
