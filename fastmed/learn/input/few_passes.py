"""fastai's random changes of a batch, computed in a third of the passes over its pixels.

What is drawn, and what becomes of the images, is fastai's, up to rounding: the change of shape of
an image is one matrix, whatever was composed, and the light is changed in place.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from fastai.vision.augment import AffineCoordTfm, LightingTfm, SpaceTfm
from fasttransform import Transform
from torch import Tensor
from torch.nn.functional import grid_sample, pad

_EDGE = 1e-7  # the logit of 0 and 1 is taken that far inside, as fastai does


def in_few_passes(transform: Transform) -> Transform:
    """Return one of fastai's batch transforms as one that computes the same in fewer passes."""
    if isinstance(transform, AffineCoordTfm):
        return Reshaped(
            transform.aff_fs,
            transform.coord_fs,
            mode=transform.mode,
            pad_mode=transform.pad_mode,
            align_corners=True,
        )
    if isinstance(transform, LightingTfm):
        return SpaceTfm(transform.fs, lighted)
    return transform


class Reshaped(AffineCoordTfm):
    """Flips, turns, zooms and changes of perspective as one plane projective map and resampling.

    Args of the base: what draws the affine matrices of a batch, and its changes of perspective
    (fastai's ``_WarpCoord``). Images keep their size.
    """

    def before_call(self, b: Any, split_idx: int | None) -> None:
        """Draw anew; of a plain tensor, on which small operations take a third of the time."""
        while isinstance(b, tuple):
            b = b[0]
        super().before_call(b.as_subclass(Tensor), split_idx)

    def _encode(self, x: Tensor, mode: str, reverse: bool = False) -> Tensor:
        images = x.as_subclass(Tensor)
        places = _places(self._map(), images.shape[-2:])
        moved = grid_sample(images, places, mode, self.pad_mode, align_corners=self.align_corners)
        return moved.as_subclass(type(x))

    def _map(self) -> Tensor:
        """Return the maps (B, 3, 3) from where a pixel will be to where it is taken from."""
        whole = pad(self.mat, (0, 0, 0, 1))
        whole[:, 2, 2] = 1
        for change in () if self.split_idx else self.coord_fs:
            whole = _perspective(change.orig_pts, change.targ_pts) @ whole
        return whole


def _perspective(origin: Tensor, target: Tensor) -> Tensor:
    """Return the maps (B, 3, 3) from corners ``target`` (B, 4, 2) to corners ``origin``.

    Each corner gives two linear equations for the first eight numbers of a map; the ninth is 1.
    fastai's ``find_coeffs`` solves the same, and takes ten times as long to write it down.
    """
    homogeneous = pad(target, (0, 1), value=1.0)
    equations = target.new_zeros(len(target), 4, 2, 8)
    equations[:, :, 0, :3] = equations[:, :, 1, 3:6] = homogeneous
    equations[..., 6:] = -origin[..., None] * target[:, :, None]
    eight = torch.linalg.solve(equations.view(-1, 8, 8), origin.reshape(-1, 8))
    return pad(eight, (0, 1), value=1.0).view(-1, 3, 3)


def _places(maps: Tensor, sides: Sequence[int]) -> Tensor:
    """Return the places (B, H, W, 2), from -1 to 1, that maps (B, 3, 3) give to all pixels."""
    height, width = (torch.linspace(-1, 1, side, device=maps.device) for side in sides)
    across = maps[:, :, 0, None] * width
    down = maps[:, :, 1, None] * height + maps[:, :, 2, None]
    x, y, depth = (across[:, :, None, :] + down[:, :, :, None]).unbind(1)
    places = torch.empty(*x.shape, 2, dtype=maps.dtype, device=maps.device)
    torch.div(x, depth, out=places[..., 0])
    torch.div(y, depth, out=places[..., 1])
    return places


def lighted(images: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    """Return images, on a scale of 0 to 1, changed in place on the scale of their logits."""
    logits = images.as_subclass(Tensor).logit_(_EDGE)
    return change(logits).sigmoid_().as_subclass(type(images))
