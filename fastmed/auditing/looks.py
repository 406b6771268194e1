"""What an image looks like, in a few numbers: borders, thumbnail, ground, sharpness, lettering."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Numbers = NDArray[np.float32]

RING = 0.06  # share of the sides that is the border
_SIDE = 100  # pixels of the square on which the border is measured
_PIECES = 5  # of each side of the border
THUMBNAIL = 8
_BLACK, _WHITE = 8, 247
_WIDEST = 512  # pixels of the image on which lettering and sharpness are measured


def thumbnail_of(pixels: Bytes) -> Bytes:
    """Return an image as 8 x 8 pixels in three channels, (192,)."""
    small = cv2.resize(_coloured(pixels), (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8).ravel()


def border_of(pixels: Bytes) -> Numbers:
    """Return what the outer 6% and the corners look like.

    Mean and deviation of five pieces of each side, colours of each corner, and the shares of the
    border that are black and white.
    """
    square = cv2.resize(_coloured(pixels), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    width = round(_SIDE * RING)
    grey = square.mean(axis=2)
    sides = [grey[:width], grey[-width:], grey[:, :width].T, grey[:, -width:].T]
    pieces = [piece for side in sides for piece in np.array_split(side, _PIECES, axis=1)]
    edges = (slice(None, width), slice(-width, None))
    corners = [square[rows, columns].mean(axis=(0, 1)) for rows in edges for columns in edges]
    ring = np.concatenate([side.ravel() for side in sides])
    return np.array(
        [
            *(piece.mean() for piece in pieces),
            *(piece.std() for piece in pieces),
            *np.concatenate(corners),
            (ring < _BLACK).mean(),
            (ring > _WHITE).mean(),
        ],
        dtype=np.float32,
    )


class Ground(NamedTuple):
    """What lies around the content of an image.

    Attributes:
        black, white: shares of the rows and columns at the edges that are nothing but that.
        circle: whether the content is round, with black corners.
    """

    black: float
    white: float
    circle: bool


def ground_of(grey: Bytes) -> Ground:
    """Return what lies around the content of a grey image (H, W)."""
    small = _at_most(grey, _WIDEST)
    black, white = (_padding(small <= _BLACK), _padding(small >= _WHITE))
    return Ground(black, white, _is_round(small))


def _padding(even: NDArray[np.bool_]) -> float:
    """Return the share of an image (H, W) that is in even rows and columns at its edges."""
    rows, columns = even.mean(axis=1) > 0.995, even.mean(axis=0) > 0.995
    if rows.all() or columns.all():
        return 0.0
    height = len(rows) - _run(rows) - _run(rows[::-1])
    width = len(columns) - _run(columns) - _run(columns[::-1])
    return float(1 - height * width / even.size)


def _run(flags: NDArray[np.bool_]) -> int:
    """Return how many of the first flags are true."""
    return int(np.argmin(flags)) if not flags.all() else len(flags)


def _is_round(grey: Bytes) -> bool:
    """True if all four corners are black, and the middle of an edge is not."""
    height, width = grey.shape
    h, w = max(1, height // 16), max(1, width // 16)
    corners = [grey[:h, :w], grey[:h, -w:], grey[-h:, :w], grey[-h:, -w:]]
    if any((corner > 2 * _BLACK).mean() > 0.05 for corner in corners):
        return False
    middle = (grey[height // 2 - h : height // 2 + h], grey[:, width // 2 - w : width // 2 + w].T)
    return any((stripe > 2 * _BLACK).mean() > 0.85 for stripe in middle)


class Quality(NamedTuple):
    """How an image is exposed and how sharp it is.

    Attributes:
        mean: of its grey values, 0 to 255.
        spread: between the first and the last hundredth of them.
        dark, bright: shares of values at most 5 and at least 250.
        sharpness: logarithm of the variance of the Laplacian at one size and contrast.
    """

    mean: float
    spread: float
    dark: float
    bright: float
    sharpness: float


def quality_of(grey: Bytes) -> Quality:
    """Return how a grey image (H, W) is exposed, and how sharp it is."""
    low, high = np.percentile(grey, [1, 99])
    small = _at_most(grey, _WIDEST // 2).astype(np.float32)
    fine = cv2.Laplacian(small, cv2.CV_32F).var()
    contrast = max(float(small.var()), 1.0)
    return Quality(
        float(grey.mean()),
        float(high - low),
        float((grey <= 5).mean()),
        float((grey >= 250).mean()),
        float(np.log10(fine / contrast + 1e-6)),
    )


def _at_most(grey: Bytes, side: int) -> Bytes:
    """Return a grey image with no side longer than so many pixels."""
    height, width = grey.shape
    factor = side / max(height, width)
    if factor >= 1:
        return grey
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _coloured(pixels: Bytes) -> Bytes:
    return np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels
