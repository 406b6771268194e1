"""Losses of classes that PyTorch doesn't have in this form."""

import torch
from torch import Tensor, nn
from torch.nn import functional

_TINY = 1e-12


class _ClassLoss(nn.Module):
    """The loss of outputs (B, K) and classes (B,), where classes may have weights (K,).

    Attributes:
        reduction: ``mean``, or ``none`` for the loss of each image (B,), whose mean is the former.
    """

    weight: Tensor | None

    def __init__(self, weight: Tensor | None = None, reduction: str = "mean") -> None:
        super().__init__()
        self.register_buffer("weight", weight, persistent=False)
        self.reduction = reduction

    def forward(self, outputs: Tensor, classes: Tensor) -> Tensor:
        """Return the loss; images count by the weights of their classes, as in cross-entropy."""
        losses = self.of_images(outputs, classes)
        if self.weight is not None:
            weights = self.weight[classes]
            losses = losses * weights * (len(weights) / weights.sum())
        return losses if self.reduction == "none" else losses.mean()

    def of_images(self, outputs: Tensor, classes: Tensor) -> Tensor:
        """Return the loss of each image, (B,), unweighted."""
        raise NotImplementedError


class FocalLoss(_ClassLoss):
    """Cross-entropy in which easy images count little (Lin et al., arXiv 1708.02002).

    The factor ``(1 - p)^gamma`` takes the network's probability p of the true class. fastai's own
    loss takes the class's weight into p, and so weights twice.
    """

    def __init__(self, gamma: float, weight: Tensor | None = None) -> None:
        super().__init__(weight)
        self.gamma = gamma

    def of_images(self, outputs: Tensor, classes: Tensor) -> Tensor:
        """Return the loss of each image."""
        surprise = functional.cross_entropy(outputs, classes, reduction="none")
        doubt = (-torch.expm1(-surprise)).clamp(min=_TINY)
        return doubt**self.gamma * surprise


class BinaryLoss(_ClassLoss):
    """The mean over the classes of their own binary cross-entropy (as arXiv 2110.00476 trains).

    With label smoothing the target of a class is ``1 - s + s / K`` if it is the image's, else
    ``s / K``.
    """

    def __init__(self, smoothing: float, weight: Tensor | None = None) -> None:
        super().__init__(weight)
        self.smoothing = smoothing

    def of_images(self, outputs: Tensor, classes: Tensor) -> Tensor:
        """Return the loss of each image."""
        true = functional.one_hot(classes, outputs.shape[1]).to(outputs.dtype)
        target = true * (1 - self.smoothing) + self.smoothing / outputs.shape[1]
        return functional.binary_cross_entropy_with_logits(outputs, target, reduction="none").mean(
            1
        )
