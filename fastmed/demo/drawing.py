"""What every drawn picture is made of: coordinates, soft edges, noise, lines, exposure.

Coordinates are fractions of the picture's side, so that a picture looks the same at every size.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import map_coordinates

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]
Line = tuple[Floats, float]  # points (n, 2) as x, y; and the width

_LATTICE = 48
_FINER = 4


def grid(size: int) -> tuple[Floats, Floats]:
    """Return x and y of the pixel centres, each (size, size), from 0 to 1."""
    centres = (np.arange(size) + 0.5) / size
    x, y = np.meshgrid(centres, centres)
    return x, y


def turned(x: Floats, y: Floats, angle: float) -> tuple[Floats, Floats]:
    """Return the coordinates along and across a direction, given by its angle in radians."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return cosine * x + sine * y, cosine * y - sine * x


def rise(distance: Floats, softness: float) -> Floats:
    """Return 0 where the distance is far below zero, 1 far above, and a soft edge between."""
    return np.asarray(0.5 + 0.5 * np.tanh(distance / (2 * softness)))


def disc(x: Floats, y: Floats, radii: tuple[float, float], softness: float) -> Floats:
    """Return 1 inside an ellipse around the origin and 0 outside, with a soft edge."""
    distance = 1 - np.hypot(x / radii[0], y / radii[1])
    return rise(distance * min(radii), softness)


def noise(rng: np.random.Generator, x: Floats, y: Floats, cells: float) -> Floats:
    """Return smooth noise of mean 0 and deviation about 1, with ``cells`` bumps a side."""
    lattice = rng.standard_normal((_LATTICE, _LATTICE))
    places = np.stack([y, x]) * cells
    smooth = map_coordinates(lattice, places, order=3, mode="grid-wrap", prefilter=False)
    return np.asarray(smooth * 2.0)


def clouds(rng: np.random.Generator, x: Floats, y: Floats, cells: float) -> Floats:
    """Return noise of three scales, each finer one weaker; deviation about 1."""
    octaves = [noise(rng, x, y, cells * 2**level) * 0.6**level for level in range(3)]
    return np.asarray(np.sum(octaves, axis=0) / 1.22)


def lines(size: int, strokes: Iterable[Line]) -> Floats:
    """Return smooth-edged lines, (size, size) from 0 to 1."""
    canvas, pen = _canvas(size)
    for points, width in strokes:
        pixels = [(float(x), float(y)) for x, y in points * canvas.width]
        pen.line(pixels, fill=255, width=max(1, round(width * canvas.width)), joint="curve")
    return _shrunk(canvas, size)


def dots(size: int, places: Floats, radii: Floats) -> Floats:
    """Return smooth-edged round dots at places (n, 2), (size, size) from 0 to 1."""
    canvas, pen = _canvas(size)
    for (x, y), radius in zip(places * canvas.width, radii * canvas.width, strict=True):
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return _shrunk(canvas, size)


def _canvas(size: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    canvas = Image.new("L", (size * _FINER, size * _FINER))
    return canvas, ImageDraw.Draw(canvas)


def _shrunk(canvas: Image.Image, size: int) -> Floats:
    return np.asarray(canvas.resize((size, size), Image.Resampling.BOX), dtype=float) / 255


def exposed(picture: Floats, mean: float) -> Floats:
    """Return the picture, 0 to 1, with the gamma that gives it the wanted mean.

    An automatic exposure does the same: how bright a picture is tells nothing of what it shows.
    """
    picture = np.clip(picture, 1e-4, 1)
    logarithm = np.log(picture[::2, ::2])
    low, high = 0.05, 20.0
    for _ in range(20):
        middle = np.sqrt(low * high)
        too_bright = np.exp(logarithm * middle).mean() > mean
        low, high = (middle, high) if too_bright else (low, middle)
    return np.asarray(picture ** np.sqrt(low * high))


def to_bytes(picture: Floats) -> Bytes:
    """Return a picture of 0 to 1 as 8-bit values; what lies outside is cut off."""
    return np.asarray(np.clip(np.rint(picture * 255), 0, 255), dtype=np.uint8)
