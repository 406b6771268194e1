"""The head: pooling, BatchNorm, hidden layers, and the last layer."""

import torch
from torch import Tensor, nn

from fastmed.settings.head import HeadSettings


class Pool(nn.Module):
    """Pools a map (B, C, h, w) to (B, C): its average, its maximum, or both as (B, 2C)."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, features: Tensor) -> Tensor:
        """Return the pooled features."""
        match self.kind:
            case "avg":
                return features.mean((2, 3))
            case "max":
                return features.amax((2, 3))
        return torch.cat([features.amax((2, 3)), features.mean((2, 3))], dim=1)

    def extra_repr(self) -> str:
        """Show the kind when the network is printed."""
        return self.kind


class Steps(nn.Module):
    """Turns one value (B, 1) into the logits of having taken each step between grades (B, steps).

    All steps share the value and differ only by what is added to it, so that none can contradict
    another (CORAL, arXiv 1901.07884). The first step is the easiest.
    """

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.offsets = nn.Parameter(torch.arange(steps, 0, -1) / steps)

    def forward(self, value: Tensor) -> Tensor:
        """Return the logits."""
        return value + self.offsets


def make_head(
    features: int, settings: HeadSettings, outputs: int, one_value: bool = False
) -> nn.Sequential:
    """Return pooling, hidden layers with ReLU and the last one, each after BatchNorm and dropout.

    With the default settings it is the head of fastai's `vision_learner`.

    Args:
        features: channels of the feature map.
        settings: pooling, widths, dropout, what is normalised.
        outputs: how many numbers come out.
        one_value: all outputs follow from one value, see `Steps`.
    """
    width = features * 2 if settings.pool == "concat" else features
    norm = [] if settings.batch_norm == "none" else [nn.BatchNorm1d(width)]
    layers = linear_layers(width, settings, outputs, one_value)
    return nn.Sequential(Pool(settings.pool), *norm, *layers)


def linear_layers(
    width: int, settings: HeadSettings, outputs: int, one_value: bool = False
) -> list[nn.Module]:
    """Return a head's hidden layers with ReLU, BatchNorm and dropout, and its last layer."""
    first, *others = settings.dropouts
    layers = _dropout(first)
    for hidden, dropout in zip(settings.hidden, others, strict=True):
        layers += [nn.Linear(width, hidden), nn.ReLU(inplace=True)]
        layers += [nn.BatchNorm1d(hidden)] if settings.batch_norm == "all" else []
        layers += _dropout(dropout)
        width = hidden
    if one_value:
        return [*layers, nn.Linear(width, 1, bias=False), Steps(outputs)]
    return [*layers, nn.Linear(width, outputs)]


def _dropout(share: float) -> list[nn.Module]:
    return [nn.Dropout(share)] if share else []
