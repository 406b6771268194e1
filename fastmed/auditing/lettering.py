"""Letters that are burnt into the pixels: rows of small shapes of one height and one brightness.

It reads nothing. It finds what looks like a line of print on an even ground, and misses handwriting
and what lies upon anatomy.
"""

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

FEWEST = 4  # letters of a line
_WIDEST = 1024  # pixels; a larger image is made smaller
_LETTER = 31  # pixels; what is larger is no letter
_CONTRAST = 60  # grey values between a letter and its ground
_HEIGHTS, _SMALLEST = (5, 30), 8  # pixels of a letter's height, and of its area


class Glyph(NamedTuple):
    """A shape that may be a letter: its box, its area and its brightness."""

    left: int
    top: int
    width: int
    height: int
    level: float


def letters_in(grey: Bytes) -> int:
    """Return how many shapes of a grey image (H, W) stand in lines as letters do."""
    height, width = grey.shape
    factor = _WIDEST / max(height, width)
    if factor < 1:
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (_LETTER, _LETTER))
    bright = cv2.morphologyEx(grey, cv2.MORPH_TOPHAT, kernel)
    return _in_lines(_glyphs(grey, np.asarray(bright)))


def _glyphs(grey: Bytes, contrast: Bytes) -> list[Glyph]:
    """Return shapes of the size of letters, each of one brightness on an even dark ground."""
    strokes = (contrast > _CONTRAST).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(strokes, connectivity=8)
    low, high = _HEIGHTS
    fits = (
        (stats[:, cv2.CC_STAT_HEIGHT] >= low)
        & (stats[:, cv2.CC_STAT_HEIGHT] <= high)
        & (stats[:, cv2.CC_STAT_WIDTH] <= high)
        & (stats[:, cv2.CC_STAT_AREA] >= _SMALLEST)
    )
    fits[0] = False
    if count > 5000 or fits.sum() < FEWEST:
        return []
    return [
        glyph
        for number in np.flatnonzero(fits)
        if (glyph := _glyph(grey, np.asarray(labels), np.asarray(stats)[number], int(number)))
        is not None
    ]


def _glyph(grey: Bytes, labels: NDArray[Any], stat: NDArray[Any], number: int) -> Glyph | None:
    """Return a shape as a letter, or None if its strokes or its ground are not even."""
    left, top, width, height, area = (int(value) for value in stat)
    box = (slice(max(0, top - 1), top + height + 1), slice(max(0, left - 1), left + width + 1))
    own = labels[box] == number
    near = cv2.dilate(own.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    level = float(np.percentile(grey[box][own], 90))
    ground = grey[box][~near]
    filled = area / (width * height)
    strokes = (grey[box][own] > level - 25).mean()
    even = not len(ground) or (np.percentile(ground, 80) - np.percentile(ground, 20) < 30)
    letter = even and strokes > 0.25 and 0.12 < filled < 0.98
    return Glyph(left, top, width, height, level) if letter else None


def _in_lines(glyphs: list[Glyph]) -> int:
    """Return how many letters stand in lines of `FEWEST` or more."""
    waiting = sorted(glyphs)
    found = 0
    while waiting:
        line, last = [waiting[0]], waiting[0]
        for other in waiting[1:]:
            if _follows(last, other):
                line.append(other)
                last = other
        waiting = [glyph for glyph in waiting if glyph not in line]
        found += len(line) if len(line) >= FEWEST and _differ(line) else 0
    return found


def _follows(last: Glyph, other: Glyph) -> bool:
    """True if a shape stands right of another as the next letter of a line."""
    tall = max(last.height, other.height)
    gap = other.left - (last.left + last.width)
    below = abs((other.top + other.height) - (last.top + last.height))
    return (
        -1 <= gap <= 1.5 * tall
        and below <= 0.3 * tall + 1
        and min(last.height, other.height) >= 0.5 * tall
        and abs(last.level - other.level) <= 30
    )


def _differ(line: list[Glyph]) -> bool:
    """True if the shapes are not all the same, as the marks of a ruler are."""
    return len({(glyph.width, glyph.height) for glyph in line}) > 1
