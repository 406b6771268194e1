"""U-Net of Ronneberger et al. (arXiv 1505.04597), whose last map a classifier looks at.

As in the paper's figure 1, with two changes: convolutions are padded, so that no border is lost,
and BatchNorm follows each, without which it hardly learns from a random start.
"""

from itertools import pairwise
from typing import Any

import torch
from timm.models import build_model_with_cfg, generate_default_cfgs, register_model
from torch import Tensor, nn

from fastmed.learn.network.nets.staged import CONFIG, StagedNet, convolution

WIDTHS = (64, 128, 256, 512, 1024)


class UpStage(nn.Module):
    """Doubles the side of a map, puts the map of the way down beside it, and convolves both."""

    def __init__(self, start: int, width: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(start, width, kernel_size=2, stride=2)
        self.convs = two_convolutions(2 * width, width)

    def forward(self, features: Tensor, beside: Tensor) -> Tensor:
        """Return the map (B, width, H, W) of one (B, start, H // 2, W // 2) and one beside it."""
        up = self.up(features)
        height, width = (beside.shape[side] - up.shape[side] for side in (2, 3))
        up = nn.functional.pad(up, (0, width, 0, height), mode="replicate")
        return self.convs(torch.cat([beside, up], dim=1))


def two_convolutions(start: int, width: int) -> nn.Sequential:
    """Return two 3x3 convolutions, each with BatchNorm and ReLU."""
    return nn.Sequential(convolution(start, width), convolution(width, width))


class UNet(StagedNet):
    """Five stages down and four up; the map is as large as the image."""

    def __init__(self, in_chans: int = 3, num_classes: int = 1000) -> None:
        top = two_convolutions(in_chans, WIDTHS[0])
        pairs = list(pairwise(WIDTHS))
        down = [nn.Sequential(nn.MaxPool2d(2), two_convolutions(i, o)) for i, o in pairs]
        up = [UpStage(deep, shallow) for shallow, deep in reversed(pairs)]
        super().__init__([top, *down, *up], WIDTHS[0], num_classes)

    def forward_features(self, images: Tensor) -> Tensor:
        """Return the feature map (B, 64, H, W) of images (B, C, H, W)."""
        features, seen = images, []
        for stage in self.stages[: len(WIDTHS)]:
            features = stage(features)
            seen.append(features)
        for stage, beside in zip(self.stages[len(WIDTHS) :], seen[-2::-1], strict=True):
            features = stage(features, beside)
        return features


default_cfgs = generate_default_cfgs({"lungs_unet": CONFIG})


@register_model
def lungs_unet(pretrained: bool = False, **options: Any) -> nn.Module:
    """Return a `UNet`."""
    return build_model_with_cfg(UNet, "lungs_unet", pretrained, **options)
