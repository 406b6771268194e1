"""Grades as a fastai target: a number to learn, that `show_batch` and `show_results` can show."""

from typing import Any

from fastai.data.block import TransformBlock
from fastai.torch_core import TensorBase, TitledFloat
from fastai.vision.core import TensorImage
from fastai.vision.data import get_grid
from fastai.vision.learner import show_results
from fasttransform import Transform
from torch import Tensor


class TensorGrade(TensorBase):
    """The position of a grade on its scale, from 0, or what a network takes it for."""


class EncodeGrade(Transform):
    """Turns a grade's position into a tensor, and tensors of one number back."""

    def encodes(self, position: float) -> TensorGrade:
        """Return the position as a tensor of no dimension."""
        return TensorGrade(position)

    def decodes(self, value: Tensor) -> TitledFloat:
        """Return the number, which shows itself as a title."""
        return TitledFloat(value.item())


def grade_block() -> TransformBlock:
    """Return the block of a DataBlock that learns grades."""
    return TransformBlock(type_tfms=EncodeGrade)


@show_results.dispatch
def show_grades(
    x: TensorImage, y: TensorGrade, samples: Any, outs: Any, *, ctxs: Any = None, max_n: int = 9,
    **options: Any,
) -> Any:  # fmt: skip
    """Show images with their true grade and, below it, the network's value."""
    grid = ctxs or get_grid(min(len(samples), max_n), **options)
    for axes, (image, true), (value,) in zip(grid, samples, outs, strict=False):
        image.show(ctx=axes)
        axes.set_title(f"{true:g}\n{value:.2f}")
    return grid
