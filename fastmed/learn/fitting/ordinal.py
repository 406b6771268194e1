"""Losses of ordered grades that are learnt as the steps between them: CORAL and CORN."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class _StepsLoss(nn.Module):
    """The loss of outputs (B, K - 1), one for each step between grades, and of grades (B,).

    Attributes:
        reduction: ``mean``, or ``none`` for the loss of each image (B,), whose mean is the former.
    """

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction

    def forward(self, outputs: Tensor, grades: Tensor) -> Tensor:
        """Return the loss."""
        steps = torch.arange(outputs.shape[1], device=outputs.device)
        grades = grades.reshape(-1, 1)
        taken = (grades > steps).to(outputs.dtype)
        losses = functional.binary_cross_entropy_with_logits(outputs, taken, reduction="none")
        each = self.of_images(losses, grades >= steps)
        return each if self.reduction == "none" else each.mean()

    def of_images(self, losses: Tensor, reached: Tensor) -> Tensor:
        """Return the loss of each image, (B,).

        Args:
            losses: of each step, (B, K - 1).
            reached: whether the image comes as far as the step, (B, K - 1).
        """
        raise NotImplementedError


class CoralLoss(_StepsLoss):
    """CORAL: the losses of all steps are summed up (Cao, Mirjalili, Raschka, arXiv 1901.07884)."""

    def of_images(self, losses: Tensor, reached: Tensor) -> Tensor:
        """Return the sum over the steps."""
        return losses.sum(1)


class CornLoss(_StepsLoss):
    """CORN: a step learns from images that come so far (Shi, Cao, Raschka, arXiv 2111.08851).

    The mean is over all pairs of an image and a step that it reaches.
    """

    def of_images(self, losses: Tensor, reached: Tensor) -> Tensor:
        """Return the sum over the steps that are reached, in units of its mean number."""
        return (losses * reached).sum(1) * (len(losses) / reached.sum())
