"""A simple convolutional network: the one to begin with."""

from typing import Any

from timm.models import build_model_with_cfg, generate_default_cfgs, register_model
from torch import nn

from fastmed.learn.network.nets.staged import CONFIG, StagedNet, convolution

WIDTHS = (32, 64, 128, 256)


class SimpleCNN(StagedNet):
    """Four times: a 3x3 convolution, BatchNorm, ReLU, and the maximum of each 2x2 pixels."""

    def __init__(self, in_chans: int = 3, num_classes: int = 1000) -> None:
        before = (in_chans, *WIDTHS)
        stages = [
            nn.Sequential(convolution(start, width), nn.MaxPool2d(2))
            for start, width in zip(before, WIDTHS, strict=False)
        ]
        super().__init__(stages, WIDTHS[-1], num_classes)


default_cfgs = generate_default_cfgs({"lungs_cnn": CONFIG})


@register_model
def lungs_cnn(pretrained: bool = False, **options: Any) -> nn.Module:
    """Return a `SimpleCNN`."""
    return build_model_with_cfg(SimpleCNN, "lungs_cnn", pretrained, **options)
