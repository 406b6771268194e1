"""Losses by name; a new one is one function and one line in `LOSSES`."""

from collections.abc import Callable

import numpy as np
import torch
from fastai.losses import BaseLoss, CrossEntropyLossFlat
from torch import nn

from fastmed.task import Task

Weights = np.ndarray | None


def _cross_entropy(task: Task, weights: Weights) -> BaseLoss:
    weight = None if weights is None else torch.tensor(weights, dtype=torch.float32)
    return CrossEntropyLossFlat(weight=weight, label_smoothing=task.train.label_smoothing)


def _regression(loss: type[nn.Module]) -> Callable[[Task, Weights], BaseLoss]:
    """Return a maker of a loss on (B, 1) values and (B,) grades, both flattened to (B,)."""
    return lambda task, weights: BaseLoss(loss, floatify=True, is_2d=False)


LOSSES: dict[str, Callable[[Task, Weights], BaseLoss]] = {
    "cross_entropy": _cross_entropy,
    "smooth_l1": _regression(nn.SmoothL1Loss),
    "mse": _regression(nn.MSELoss),
    "l1": _regression(nn.L1Loss),
}


def make_loss(task: Task, class_weights: Weights = None) -> BaseLoss:
    """Return the task's loss; ``class_weights`` (K,) weight the classes of a category loss."""
    return LOSSES[task.loss](task, class_weights)
