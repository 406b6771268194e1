"""An image of any size into the network's square, as two products of matrices.

It does what `fit_image` lets Pillow do, with its filters and its rounding, by operations that every
runtime has. A filter's weights, the cut and the bars beside the image are one matrix for each axis.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from fastmed.settings.image import ImageSettings

_BRIGHTEST = 255.0
_LUMA = (19595.0, 38470.0, 7471.0)  # Pillow's, of ITU-R 601-2, in 65536ths


class Fit(nn.Module):
    """Turns RGB images (B, H, W, 3) uint8 of any size into the network's pixels.

    The result is (B, C, size, size) float32 of whole numbers from 0 to 255.
    """

    def __init__(self, settings: ImageSettings) -> None:
        super().__init__()
        self.settings = settings

    def forward(self, images: Tensor) -> Tensor:
        """Return the squares of a batch."""
        pixels = images.permute(0, 3, 1, 2).to(torch.float32)
        if self.settings.channels == 1:
            pixels = luma(pixels)
        down, across = axes(images.shape[1], images.shape[2], self.settings)
        square = _whole_numbers(down @ _whole_numbers(pixels @ across.T))
        if self.settings.fit in ("letterbox", "pad"):
            return square
        upright = _whole_numbers(_whole_numbers(down @ pixels) @ across.T)
        return torch.where(_rows_first(down, across), upright, square)


def luma(pixels: Tensor) -> Tensor:
    """Return the grey (B, 1, H, W) of colours (B, 3, H, W), as Pillow rounds it."""
    red, green, blue = (pixels[:, place : place + 1] * of for place, of in enumerate(_LUMA))
    return torch.floor((red + green + blue + 32768.0) / 65536.0)


def axes(height: int, width: int, settings: ImageSettings) -> tuple[Tensor, Tensor]:
    """Return the matrices (size, height) and (size, width) that fit an image into the square."""
    rows, columns = torch.arange(height), torch.arange(width)
    down, across = _length(rows), _length(columns)
    match settings.fit:
        case "crop":
            shorter = torch.minimum(down, across)
            return _cut(rows, shorter, settings), _cut(columns, shorter, settings)
        case "squish":
            size, made = settings.size, torch.arange(settings.size)
            return (
                _weights(rows, made, Step(down, size), settings),
                _weights(columns, made, Step(across, size), settings),
            )
    longer = torch.maximum(down, across)
    return _barred(rows, longer, settings), _barred(columns, longer, settings)


class Step(NamedTuple):
    """So many pixels of an image become so many, from a place of the image on.

    The middle of a pixel ``i`` that is made is at ``((2 i + 1) given + shift) / (2 wanted)`` pixels
    of the image. It is counted in whole numbers, so that nothing is lost in large images.
    """

    given: Tensor
    wanted: Tensor | int
    shift: Tensor | int = 0


def _rows_first(down: Tensor, across: Tensor) -> Tensor:
    """Return whether Pillow makes an image shorter before it makes it narrower.

    It does so where that is less work. What is between is rounded, so the order can be seen.
    """
    size, height, width = down.shape[0], down.shape[1], across.shape[1]
    tall, wide = _length(torch.arange(height)), _length(torch.arange(width))
    return (tall > size) & (tall + size > 2 * wide)


def _length(places: Tensor) -> Tensor:
    """Return how many pixels an axis has, as a tensor: sizes are not known before images come."""
    return places[-1] + 1


def _cut(places: Tensor, shorter: Tensor, settings: ImageSettings) -> Tensor:
    """Return the matrix of an axis whose middle is cut out."""
    size, wanted = settings.size, settings.resize or settings.size
    shift = _length(places) * wanted - size * shorter
    return _weights(places, torch.arange(size), Step(shorter, wanted, shift), settings)


def _barred(places: Tensor, longer: Tensor, settings: ImageSettings) -> Tensor:
    """Return the matrix of an axis of the whole image in its shape, with bars beside it."""
    size, length = settings.size, _length(places)
    short = _rounded(length * size, longer).clamp(min=1)
    inner = torch.arange(size) - (size - short) // 2
    made = torch.minimum(inner.clamp(min=0), short - 1)
    weights = _weights(places, made, Step(length, short), settings)
    return weights if settings.fit == "pad" else weights * (inner == made)[:, None]


def _rounded(number: Tensor, by: Tensor) -> Tensor:
    """Return the nearest whole number of a quotient, of two equally near ones the even one."""
    nearest = (2 * number + by) // (2 * by)
    odd_tie = ((2 * number + by) % (2 * by) == 0) & (nearest % 2 == 1)
    return nearest - odd_tie.to(nearest.dtype)


def _weights(places: Tensor, made: Tensor, step: Step, settings: ImageSettings) -> Tensor:
    """Return how much each pixel of the image counts for each of those that are made.

    Args:
        places: numbers of the image's pixels, (length,).
        made: numbers of the pixels that are made, (size,).
        step: from one to the other.
        settings: name the filter.

    Returns:
        (size, length); each row sums to 1.
    """
    if settings.interpolation == "nearest":
        return (places == _nearest(made, step, settings.size)[:, None]).to(torch.float32)
    middles = (2 * made + 1) * step.given + step.shift
    apart = (2 * places + 1) * step.wanted - middles[:, None]
    unit = 2 * torch.maximum(step.given, torch.as_tensor(step.wanted))
    weights = FILTERS[settings.interpolation](apart / unit)
    return weights / weights.sum(1, keepdim=True)


def _nearest(made: Tensor, step: Step, size: int) -> Tensor:
    """Return the image's pixel that each one that is made is a copy of.

    Pillow goes from one to the next by adding, in double precision, and so does this: where the
    middle is just between two pixels, the rounding of the sum decides.
    """
    stride = step.given.to(torch.float64) / step.wanted
    start = (step.shift / (2 * torch.as_tensor(step.wanted))).to(torch.float32)
    first = start.to(torch.float64) + stride * 0.5
    sums = torch.cumsum(torch.cat([first[None], stride.expand(size - 1)]), 0)
    return torch.floor(sums[made]).to(torch.int64)


def _triangle(apart: Tensor) -> Tensor:
    return (1 - apart.abs()).clamp(min=0.0)


def _cubic(apart: Tensor) -> Tensor:
    """Return Keys' cubic with a = -0.5 (IEEE ASSP 29, 1981)."""
    far = apart.abs()
    near = (1.5 * far - 2.5) * far * far + 1
    beyond = ((-0.5 * far + 2.5) * far - 4) * far + 2
    return torch.where(far < 1, near, torch.where(far < 2, beyond, 0.0))


def _lanczos(apart: Tensor) -> Tensor:
    far = apart.abs()
    return torch.where(far < 3, _sinc(far) * _sinc(far / 3), 0.0)


def _sinc(apart: Tensor) -> Tensor:
    turned = apart.clamp(min=1e-6) * math.pi
    return torch.sin(turned) / turned


def _whole_numbers(pixels: Tensor) -> Tensor:
    return torch.floor(pixels + 0.5).clamp(0.0, _BRIGHTEST)


# Interpolation -> weight of a pixel so far away, as a share of the filter's unit.
FILTERS: dict[str, Callable[[Tensor], Tensor]] = {
    "bilinear": _triangle,
    "bicubic": _cubic,
    "lanczos": _lanczos,
}
