"""A network so small that reading images takes longer than computing it."""

import itertools

from torch import Tensor, nn


class SmallNetwork(nn.Module):
    """Four convolutions, each with half the side and twice the channels, and one linear layer."""

    def __init__(self, channels: int = 3, outputs: int = 2) -> None:
        super().__init__()
        widths = (channels, 16, 32, 64, 128)
        self.body = nn.Sequential(*(
            nn.Sequential(nn.Conv2d(few, many, 3, 2, 1), nn.BatchNorm2d(many), nn.ReLU())
            for few, many in itertools.pairwise(widths)
        ))  # fmt: skip
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, outputs))

    def forward(self, images: Tensor) -> Tensor:
        """Return outputs (B, outputs) of images (B, channels, H, W)."""
        outputs: Tensor = self.head(self.body(images))
        return outputs
