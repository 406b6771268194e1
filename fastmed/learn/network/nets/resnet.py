"""ResNet-34 of He et al., Deep Residual Learning for Image Recognition (arXiv 1512.03385)."""

from typing import Any

from timm.models import build_model_with_cfg, generate_default_cfgs, register_model
from timm.models.resnet import BasicBlock, ResNet
from torch import nn

from fastmed.learn.network.nets.staged import CONFIG

BLOCKS = (3, 4, 6, 3)  # of two convolutions each, in four stages: table 1 of the paper

default_cfgs = generate_default_cfgs(
    {"lungs_resnet34": CONFIG | {"classifier": "fc", "first_conv": "conv1"}}
)


@register_model
def lungs_resnet34(pretrained: bool = False, **options: Any) -> nn.Module:
    """Return the network of the paper's table 1, with projections where the width changes."""
    return build_model_with_cfg(
        ResNet, "lungs_resnet34", pretrained, block=BasicBlock, layers=BLOCKS, **options
    )
