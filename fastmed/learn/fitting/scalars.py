"""Numbers of a training that stay on the device: reading one makes a GPU wait for its processor."""

from typing import NamedTuple

import torch
from fastai.learner import AvgSmoothLoss, Learner
from fastai.torch_core import to_detach
from torch import Tensor


class SmoothLoss(AvgSmoothLoss):
    """fastai's smoothed loss, which is not read after each batch."""

    val: Tensor

    def accumulate(self, learn: Learner) -> None:
        """Take in a batch."""
        loss = learn.loss.detach().as_subclass(Tensor).mean()
        self.count += 1
        self.val = torch.lerp(loss, self.val.to(loss.device), self.beta)


class Batch(NamedTuple):
    """What metrics look at of a batch, in the place of the Learner, when the epoch is over.

    Attributes:
        pred: outputs (B, ...). yb: one tensor of targets (B, ...). loss: their mean.
    """

    pred: Tensor
    yb: tuple[Tensor, ...]
    loss: Tensor

    @classmethod
    def of(cls, learn: Learner) -> "Batch":
        """Return the batch that a Learner is at."""
        return cls(learn.pred.detach(), learn.yb, learn.loss.detach())

    @property
    def y(self) -> Tensor:
        """The targets."""
        return self.yb[0]

    def to_detach(self, values: Tensor) -> Tensor:
        """Return values on the CPU."""
        found: Tensor = to_detach(values, cpu=True, gather=False)
        return found


def keep_on_device(learn: Learner) -> None:
    """Let a Learner keep its smoothed loss on the device."""
    recorder = vars(learn.recorder)  # else fastai warns: a Learner that was fitted has one, too
    recorder["smooth_loss"] = SmoothLoss(recorder["smooth_loss"].beta)
