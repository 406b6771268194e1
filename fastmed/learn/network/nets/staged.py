"""What the networks of stages share: timm's interface, and how their weights start."""

from collections.abc import Sequence
from typing import Any

from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from timm.layers import ClassifierHead, ConvNormAct
from torch import Tensor, nn

# What timm is told of a network that has no pretrained weights.
CONFIG: dict[str, Any] = {
    "url": "",
    "input_size": (3, 224, 224),
    "mean": IMAGENET_DEFAULT_MEAN,
    "std": IMAGENET_DEFAULT_STD,
    "classifier": "head.fc",
}


class StagedNet(nn.Module):
    """A network of stages, one after the other, that timm and fastmed know how to use.

    Attributes:
        stages: of which each takes what the one before gives.
        num_features: the number of channels of the map.
        head: average and one linear layer; without classes there is nothing to learn in it.
    """

    def __init__(
        self, stages: Sequence[nn.Module], num_features: int, num_classes: int = 1000
    ) -> None:
        super().__init__()
        self.num_features = self.head_hidden_size = num_features
        self.num_classes = num_classes
        self.stages = nn.ModuleList(stages)
        self.head = ClassifierHead(num_features, num_classes)
        self.apply(_start)

    def forward_features(self, images: Tensor) -> Tensor:
        """Return the feature map (B, num_features, h, w) of images (B, C, H, W)."""
        for stage in self.stages:
            images = stage(images)
        return images

    def forward(self, images: Tensor) -> Tensor:
        """Return the outputs (B, num_classes); without classes the mean features."""
        return self.head(self.forward_features(images))

    def group_matcher(self, coarse: bool = False) -> dict[str, Any]:
        """Return how the names of parameters tell their stage, as timm asks for it."""
        return {"blocks": r"^stages\.(\d+)"}


def convolution(start: int, width: int, relu: bool = True) -> nn.Module:
    """Return a padded 3x3 convolution with BatchNorm and, if wanted, ReLU."""
    return ConvNormAct(start, width, kernel_size=3, apply_act=relu)


def _start(module: nn.Module) -> None:
    """Draw a convolution's weights so that the variance stays the same (arXiv 1502.01852)."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
