"""Fixed, named views of an image batch, for test-time augmentation."""

from collections.abc import Callable

from torch import Tensor

# Each view turns a batch (B, C, H, W) of square images into one of the same shape.
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
