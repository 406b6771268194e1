"""Where an image ends and its dark background begins: the fundus circle, a radiograph's bars."""

from typing import NamedTuple

import cv2
import numpy as np

_SIDE = 512  # of the reduced copy that is looked at
_BRIGHTEST_BACKGROUND = 32  # of 255; what is brighter all around is no dark background
_LEAST_CONTRAST, _ENOUGH_CONTRAST = 2.5, 10.0  # levels above the background
_SHARE_OF_CONTRAST = 0.08  # of the difference between image and background
_LEAST_PART = 0.05  # of the largest part; what is smaller is a mark, a letter, a reflection
_LEAST_LINE = 0.01  # of a row or column that the image fills, for it to be part of the image
_LEAST_AREA = 0.15  # of the picture; what is smaller can't be the whole image
_APART = 4  # pixels of the smoothed copy, between which noise is not alike
_DEVIATION = 1.4826  # of a normal distribution, in medians of its absolute values,
_FIFTH_PERCENTILE = 1.645  # and how far its fifth percentile lies below the middle


class Foreground(NamedTuple):
    """What of a picture is image.

    Attributes:
        mask: of a reduced copy, bool; true where the image is.
        top, bottom, left, right: of its bounding box, in pixels of the picture itself.
    """

    mask: np.ndarray
    top: int
    bottom: int
    left: int
    right: int


def crop_background(pixels: np.ndarray, margin: float = 0.0) -> np.ndarray:
    """Return what of a picture is image, without the dark background around it.

    A picture without such a background, or so dark that nothing is sure, is returned whole.

    Args:
        pixels: uint8, (H, W) or (H, W, 3).
        margin: that is left around the image, as a share of its height and width.
    """
    box = foreground_box(pixels, margin)
    if box is None:
        return pixels
    top, bottom, left, right = box
    return pixels[top:bottom, left:right]


def foreground_box(pixels: np.ndarray, margin: float = 0.0) -> tuple[int, int, int, int] | None:
    """Return top, bottom, left and right of what `crop_background` keeps; None for all of it."""
    height, width = pixels.shape[:2]
    found = find_foreground(pixels)
    if found is None:
        return None
    rows, columns = found.bottom - found.top, found.right - found.left
    above, beside = round(margin * rows), round(margin * columns)
    top, left = max(0, found.top - above), max(0, found.left - beside)
    return top, min(height, found.bottom + above), left, min(width, found.right + beside)


def find_foreground(pixels: np.ndarray) -> Foreground | None:
    """Return what of a picture is image; None if all of it may be.

    The background is as dark as the darkest places of the picture's edge, and flat. The image is
    what lies above it by a threshold that is low for dim pictures and for flat backgrounds, so
    that badly lit parts of the image count; marks and letters beside it don't, since they are
    small parts of their own.
    """
    brightness = _reduced(pixels)
    level, noise = _background(brightness)
    if level > _BRIGHTEST_BACKGROUND:
        return None
    mask = _large_parts(brightness > level + _threshold(brightness, level, noise))
    rows = np.flatnonzero(mask.mean(axis=1) > _LEAST_LINE)
    columns = np.flatnonzero(mask.mean(axis=0) > _LEAST_LINE)
    if not rows.size or not columns.size:
        return None
    box = (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1)
    if (box[1] - box[0]) * (box[3] - box[2]) < _LEAST_AREA * mask.size:
        return None
    return Foreground(mask, *_in_full(box, mask.shape, pixels.shape))


def _reduced(pixels: np.ndarray) -> np.ndarray:
    """Return the brightest channel of a small, smoothed copy."""
    while max(pixels.shape[:2]) > 2 * _SIDE:  # halving is quick, and averages four pixels
        half = ((pixels.shape[1] + 1) // 2, (pixels.shape[0] + 1) // 2)
        pixels = cv2.resize(pixels, half, interpolation=cv2.INTER_LINEAR)
    height, width = pixels.shape[:2]
    scale = _SIDE / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    brightness = pixels if pixels.ndim == 2 else pixels.max(axis=2)
    smooth = cv2.medianBlur(brightness, 3).astype(np.float32)
    return cv2.GaussianBlur(smooth, (0, 0), 0.8)


def _background(brightness: np.ndarray) -> tuple[float, float]:
    """Return level and noise (standard deviation) of the darkest part of the picture's edge.

    The noise is that between places some pixels apart, so that a slope in the light is none.
    """
    sides = [brightness[0], brightness[-1], brightness[:, 0], brightness[:, -1]]
    edge = np.concatenate(sides)
    darkest = np.percentile(edge, 5)
    steps = [np.abs(side[_APART:] - side[:-_APART])[side[_APART:] < darkest + 10] for side in sides]
    step = np.concatenate(steps)
    noise = _DEVIATION * float(np.median(step)) / np.sqrt(2) if step.size else 0.0
    return float(darkest) + _FIFTH_PERCENTILE * noise, noise


def _threshold(brightness: np.ndarray, level: float, noise: float) -> float:
    """Return how far above the background the image begins."""
    surely = max(_LEAST_CONTRAST, 5 * noise)
    bright = brightness[brightness > level + surely]
    contrast = float(np.median(bright)) - level if bright.size else 0.0
    return max(surely, min(_ENOUGH_CONTRAST, _SHARE_OF_CONTRAST * contrast))


def _large_parts(mask: np.ndarray) -> np.ndarray:
    """Return the mask without its small connected parts."""
    _, parts, statistics, _ = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), connectivity=4
    )
    areas = statistics[:, cv2.CC_STAT_AREA]
    areas[0] = 0  # of what is not in the mask
    return np.asarray((areas >= max(1, _LEAST_PART * areas.max()))[parts])


def _in_full(
    box: tuple[int, int, int, int], reduced: tuple[int, ...], full: tuple[int, ...]
) -> tuple[int, int, int, int]:
    """Return a box of the reduced copy in pixels of the picture, never smaller."""
    down, across = full[0] / reduced[0], full[1] / reduced[1]
    top, left = int(box[0] * down), int(box[2] * across)
    return top, int(np.ceil(box[1] * down)), left, int(np.ceil(box[3] * across))
