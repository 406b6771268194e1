"""Losses by name; a new one is one function and one line in `LOSSES`."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from fastai.losses import BaseLoss, CrossEntropyLossFlat
from torch import Tensor, nn

from fastmed.learn.fitting.class_losses import BinaryLoss, FocalLoss
from fastmed.learn.fitting.ordinal import CoralLoss, CornLoss
from fastmed.learn.fitting.own_loss import OwnLoss, load_function
from fastmed.learn.outputs import class_scores, expected_grade, grade_scores
from fastmed.settings.objective import LOSSES_OF, is_own
from fastmed.task import Task

Weights = np.ndarray | Sequence[float] | None


class _OfClasses(BaseLoss):
    """A loss of outputs (B, K) and classes (B,), in fastai's form."""

    y_int = True  # fastai mixes the losses of two classes, and not the classes

    def __init__(self, name: str, loss: Callable[..., nn.Module], *options: Any) -> None:
        super().__init__(loss, *options)
        self.kind = name

    def activation(self, outputs: Tensor) -> Tensor:
        """Return the probabilities of the classes."""
        return class_scores(self.kind, outputs)

    def decodes(self, scores: Tensor) -> Tensor:
        """Return the likeliest class."""
        return scores.argmax(-1)


class _OfSteps(BaseLoss):
    """A loss of outputs (B, K - 1) and grades (B,), in fastai's form."""

    y_int = True

    def __init__(self, name: str, loss: Callable[..., nn.Module]) -> None:
        super().__init__(loss)
        self.kind = name

    def activation(self, outputs: Tensor) -> Tensor:
        """Return the expected grade, (B, 1)."""
        return expected_grade(grade_scores(self.kind, outputs)).unsqueeze(-1)


def _cross_entropy(task: Task, weights: Weights) -> BaseLoss:
    return CrossEntropyLossFlat(weight=_tensor(weights), label_smoothing=task.train.label_smoothing)


def _focal(task: Task, weights: Weights) -> BaseLoss:
    gamma = task.train.focal_gamma or 2.0
    return _OfClasses("focal", FocalLoss, gamma, _tensor(weights))


def _bce(task: Task, weights: Weights) -> BaseLoss:
    return _OfClasses("bce", BinaryLoss, task.train.label_smoothing, _tensor(weights))


def _regression(loss: type[nn.Module], **options: float) -> BaseLoss:
    """Return a loss on (B, 1) values and (B,) grades, both flattened to (B,)."""
    return BaseLoss(loss, floatify=True, is_2d=False, **options)


LOSSES: dict[str, Callable[[Task, Weights], BaseLoss]] = {
    "cross_entropy": _cross_entropy,
    "focal": _focal,
    "bce": _bce,
    "smooth_l1": lambda task, _: _regression(nn.SmoothL1Loss, beta=task.train.smooth_l1_beta or 1),
    "mse": lambda task, _: _regression(nn.MSELoss),
    "l1": lambda task, _: _regression(nn.L1Loss),
    "huber": lambda task, _: _regression(nn.HuberLoss, delta=task.train.huber_delta or 1),
    "corn": lambda task, _: _OfSteps("corn", CornLoss),
    "coral": lambda task, _: _OfSteps("coral", CoralLoss),
}


def make_loss(task: Task, class_weights: Weights = None, own: bool = True) -> BaseLoss | OwnLoss:
    """Return the task's loss.

    Args:
        class_weights: (K,), of the classes of a category loss.
        own: False takes the goal's usual loss in place of one of the user's, for a network that is
            not to be trained; the user's code is not run then.

    Raises:
        TaskError: the user's loss can't be had, or doesn't keep to what `OwnLoss` expects.
    """
    if not is_own(task.loss):
        return LOSSES[task.loss](task, class_weights)
    if not own:
        return LOSSES[LOSSES_OF[task.goal][0]](task, None)
    return OwnLoss(load_function(task.loss), task)


def losses_of_values(task: Task, values: Tensor, grades: Tensor) -> Tensor:
    """Return the loss of each value (n,); a distance where the loss is the user's own.

    Args:
        values: what the network gives for a grade, (n,).
        grades: the true ones, (n,).
    """
    loss = LOSSES["l1" if is_own(task.loss) else task.loss](task, None)
    loss.reduction = "none"
    return loss(values.unsqueeze(1), grades)


def _tensor(weights: Weights) -> Tensor | None:
    return None if weights is None else torch.tensor(np.asarray(weights), dtype=torch.float32)
