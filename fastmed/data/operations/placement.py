"""Where an image comes to lie in the network's square, and the way back."""

from typing import NamedTuple, Self

import numpy as np

from fastmed.data.operations.background import foreground_box
from fastmed.data.operations.fixed import operate
from fastmed.data.operations.opencv import one_thread
from fastmed.data.operations.transform import RESAMPLING
from fastmed.settings.image import ImageSettings

MOVING = ("crop_background", "resize")  # operations after which a pixel is elsewhere


class Axis(NamedTuple):
    """One axis of an image on its way into the square; pixel i reaches from i to i + 1.

    Attributes:
        length: of the image, in pixels.
        scale, offset: a place p of the image lies at scale * p + offset.
        first, last: between which the image is seen; what lies beyond was cut off.
    """

    length: int
    scale: float
    offset: float
    first: float
    last: float

    @classmethod
    def whole(cls, length: int) -> Self:
        """Return the axis of an untouched image."""
        return cls(length, 1.0, 0.0, 0.0, float(length))

    def cut(self, start: float, stop: float) -> Self:
        """Return the axis once only what lies from ``start`` to ``stop`` is left of it."""
        first, last = ((place - self.offset) / self.scale for place in (start, stop))
        kept = max(self.first, first), min(self.last, last)
        return self._replace(offset=self.offset - start, first=kept[0], last=kept[1])

    def stretched(self, factor: float) -> Self:
        """Return the axis with all that is left of it made longer."""
        return self._replace(scale=self.scale * factor, offset=self.offset * factor)

    def moved(self, distance: float) -> Self:
        """Return the axis with all that is left of it moved."""
        return self._replace(offset=self.offset + distance)

    def place(self, places: np.ndarray) -> np.ndarray:
        """Return where places of the image lie now."""
        return np.asarray(self.scale * np.asarray(places, dtype=float) + self.offset)


class Placement(NamedTuple):
    """How an image lies in the network's square.

    Attributes:
        down, across: its two axes.
        size: side of the square.
    """

    down: Axis
    across: Axis
    size: int

    def boxes(self, boxes: np.ndarray) -> np.ndarray:
        """Return boxes (n, 4) of left, top, right, bottom as they lie in the square.

        Of a box that is partly cut off, the rest is returned; one that is gone has no area.
        """
        given = np.asarray(boxes, dtype=float).reshape(-1, 4)
        axes = (self.across, self.down, self.across, self.down)
        sides = [
            axis.place(np.clip(given[:, side], axis.first, axis.last))
            for side, axis in enumerate(axes)
        ]
        return np.asarray(np.clip(np.stack(sides, axis=1), 0, self.size))

    def covered(self) -> np.ndarray:
        """Return where the square shows the image, (size, size) bool, and no bars beside it."""
        middles = np.arange(self.size) + 0.5
        rows, columns = (
            (middles >= axis.place(np.array(axis.first)))
            & (middles <= axis.place(np.array(axis.last)))
            for axis in (self.down, self.across)
        )
        return np.asarray(rows[:, None] & columns[None, :])

    def to_image(self, square: np.ndarray) -> np.ndarray:
        """Return a map (size, size) of the square as one of the image, (H, W).

        What was cut off, and so not seen, is not a number.
        """
        rows = _along(np.asarray(square, dtype=float), self.down)
        return np.asarray(_along(rows.T, self.across).T)


def placement_of(pixels: np.ndarray, settings: ImageSettings) -> Placement:
    """Return where `prepare` puts an image.

    Args:
        pixels: uint8, (H, W) or (H, W, 3), as `prepare` takes them.
        settings: how the image is prepared.
    """
    down, across = (Axis.whole(length) for length in pixels.shape[:2])
    last = max((i for i, o in enumerate(settings.operations) if o.name in MOVING), default=-1)
    resampling = RESAMPLING[settings.interpolation]
    for operation in settings.operations[: last + 1]:
        if operation.name == "crop_background":
            with one_thread():
                box = foreground_box(pixels, operation.value)
            if box is not None:
                down, across = down.cut(*box[:2]), across.cut(*box[2:])
        before = pixels.shape
        pixels = operate(pixels, [operation], resampling)
        if operation.name == "resize":
            down = down.stretched(pixels.shape[0] / before[0])
            across = across.stretched(pixels.shape[1] / before[1])
    return _fitted(down, across, (pixels.shape[0], pixels.shape[1]), settings)


def _fitted(down: Axis, across: Axis, shape: tuple[int, int], settings: ImageSettings) -> Placement:
    """Return the axes of an image (H, W), after its operations, as `fit_image` fits it."""
    size = settings.size
    if settings.fit == "crop":
        cut = size * min(shape) / (settings.resize or size)
        ends = [((length - cut) / 2, (length + cut) / 2) for length in shape]
        down, across = down.cut(*ends[0]), across.cut(*ends[1])
        return Placement(down.stretched(size / cut), across.stretched(size / cut), size)
    height = width = size
    if settings.fit != "squish":
        height, width = (max(1, round(length * size / max(shape))) for length in shape)
    down = down.stretched(height / shape[0]).moved((size - height) // 2)
    across = across.stretched(width / shape[1]).moved((size - width) // 2)
    return Placement(down, across, size)


def _along(square: np.ndarray, axis: Axis) -> np.ndarray:
    """Return rows of a map at the middles of an axis' pixels, between rows linearly."""
    middles = np.arange(axis.length) + 0.5
    places = axis.place(middles) - 0.5
    low = np.clip(np.floor(places), 0, len(square) - 1).astype(int)
    high = np.minimum(low + 1, len(square) - 1)
    share = np.clip(places - low, 0, 1)[:, None]
    rows = square[low] * (1 - share) + square[high] * share
    rows[(middles < axis.first) | (middles > axis.last)] = np.nan
    return np.asarray(rows)
