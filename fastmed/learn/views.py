"""Fixed views of an image batch, for test-time augmentation; `settings.views` names them."""

import math
from collections.abc import Callable
from functools import partial
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from fastmed.settings.image import Fit
from fastmed.settings.views import read_view

Border = Literal["zeros", "border"]  # what is seen beyond the image: black, or its edge continued

# Each exact view turns a batch (B, C, H, W) of square images into one of the same shape.
VIEWS: dict[str, Callable[[Tensor], Tensor]] = {
    "plain": lambda batch: batch,
    "hflip": lambda batch: batch.flip(-1),
    "vflip": lambda batch: batch.flip(-2),
    "rot90": lambda batch: batch.rot90(1, (-2, -1)),
    "rot180": lambda batch: batch.flip((-2, -1)),
    "rot270": lambda batch: batch.rot90(3, (-2, -1)),
    "transpose": lambda batch: batch.transpose(-2, -1),
    "transverse": lambda batch: batch.transpose(-2, -1).flip((-2, -1)),
}


def border_of(fit: Fit) -> Border:
    """Return what lies beyond an image, as its own padding is: black bars, or its edge."""
    return "zeros" if fit == "letterbox" else "border"


def see(images: Tensor, view: str, border: Border = "zeros") -> Tensor:
    """Return a view of images (B, C, H, W) whose values are from 0 to 1, before normalisation.

    Args:
        images: square; they stay as they are.
        view: its name.
        border: what is seen where a turned or smaller image leaves room.
    """
    for step in read_view(view):
        if step.amount is None:
            images = VIEWS[step.name](images)
        else:
            images = CHANGES[step.name](images, step.amount, border)
    return images


def rotate(images: Tensor, degrees: float, border: Border) -> Tensor:
    """Return the images turned against the clock around their middle."""
    angle = math.radians(degrees)
    cosine, sine = math.cos(angle), math.sin(angle)
    return _resampled(images, [[cosine, -sine, 0], [sine, cosine, 0]], border)


def scale(images: Tensor, factor: float, border: Border) -> Tensor:
    """Return the images larger or smaller, in a square of the same size."""
    return _resampled(images, [[1 / factor, 0, 0], [0, 1 / factor, 0]], border)


def crop(images: Tensor, share: float, border: Border, across: int = 0, down: int = 0) -> Tensor:
    """Return a square part of the images, enlarged to the whole.

    Args:
        images: (B, C, H, W).
        share: of the sides that is seen.
        border: has no effect: nothing beyond is seen.
        across, down: where the part lies: -1 left or top, 0 in the middle, 1 right or bottom.
    """
    rest = 1 - share
    return _resampled(images, [[share, 0, across * rest], [0, share, down * rest]], border)


def brightness(images: Tensor, factor: float, _border: Border) -> Tensor:
    """Return the images with all values multiplied; what is brighter than white is white."""
    return (images * factor).clamp_(max=1)


def gamma(images: Tensor, exponent: float, _border: Border) -> Tensor:
    """Return the images with all values raised to a power; black and white stay as they are."""
    return images**exponent


def _resampled(images: Tensor, places: list[list[float]], border: Border) -> Tensor:
    """Return the images whose pixels lie elsewhere, bilinearly; what is not there by the border.

    Args:
        images: (B, C, H, W).
        places: (2, 3), which takes a place of the result, from -1 to 1, to one of the image.
        border: what is seen beyond.
    """
    theta = torch.tensor([places], dtype=images.dtype, device=images.device)
    grid = functional.affine_grid(theta, [1, *images.shape[1:]], align_corners=False)
    grid = grid.expand(len(images), -1, -1, -1)
    return functional.grid_sample(
        images, grid, mode="bilinear", padding_mode=border, align_corners=False
    )


# Views with an amount: images (B, C, H, W) of values from 0 to 1, the amount, and the border.
CHANGES: dict[str, Callable[[Tensor, float, Border], Tensor]] = {
    "rotate": rotate,
    "scale": scale,
    "crop_center": crop,
    "crop_top_left": partial(crop, across=-1, down=-1),
    "crop_top_right": partial(crop, across=1, down=-1),
    "crop_bottom_left": partial(crop, across=-1, down=1),
    "crop_bottom_right": partial(crop, across=1, down=1),
    "brightness": brightness,
    "gamma": gamma,
}
