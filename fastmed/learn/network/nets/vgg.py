"""VGG-16 and VGG-19 with skip connections.

The convolutions are those of Simonyan and Zisserman, Very Deep Convolutional Networks (arXiv
1409.1556), table 1, configurations D and E. BatchNorm follows each. Every convolution that keeps
the number of channels has a skip connection around it, as in a residual network.
"""

from typing import Any

from timm.models import build_model_with_cfg, generate_default_cfgs, register_model
from torch import Tensor, nn

from fastmed.learn.network.nets.staged import CONFIG, StagedNet, convolution

WIDTHS = (64, 128, 256, 512, 512)
DEPTHS = {16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}  # convolutions in each stage


class SkipConv(nn.Module):
    """A 3x3 convolution, to whose result its input is added before the ReLU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = convolution(width, width, relu=False)
        self.act = nn.ReLU(inplace=True)

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape."""
        return self.act(self.conv(features) + features)


def stage(start: int, width: int, depth: int) -> nn.Sequential:
    """Return ``depth`` convolutions, with skip connections where the width stays, and a pool."""
    first = SkipConv(width) if start == width else convolution(start, width)
    others = [SkipConv(width) for _ in range(depth - 1)]
    return nn.Sequential(first, *others, nn.MaxPool2d(2))


def stages(layers: int, in_chans: int) -> list[nn.Module]:
    """Return the five stages of a VGG of 16 or 19 layers."""
    before = (in_chans, *WIDTHS)
    parts = zip(before, WIDTHS, DEPTHS[layers], strict=False)
    return [stage(start, width, depth) for start, width, depth in parts]


class SkipVGG(StagedNet):
    """A VGG with skip connections; of 16 layers 13 are convolutions, of 19 layers 16 are."""

    def __init__(self, layers: int, in_chans: int = 3, num_classes: int = 1000) -> None:
        super().__init__(stages(layers, in_chans), WIDTHS[-1], num_classes)


default_cfgs = generate_default_cfgs({"lungs_vgg16": CONFIG, "lungs_vgg19": CONFIG})


@register_model
def lungs_vgg16(pretrained: bool = False, **options: Any) -> nn.Module:
    """Return a `SkipVGG` of 16 layers."""
    return build_model_with_cfg(SkipVGG, "lungs_vgg16", pretrained, layers=16, **options)


@register_model
def lungs_vgg19(pretrained: bool = False, **options: Any) -> nn.Module:
    """Return a `SkipVGG` of 19 layers."""
    return build_model_with_cfg(SkipVGG, "lungs_vgg19", pretrained, layers=19, **options)
