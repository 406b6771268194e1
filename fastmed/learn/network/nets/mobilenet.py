"""MobileNetV2 of Sandler et al., Inverted Residuals and Linear Bottlenecks (arXiv 1801.04381)."""

from typing import Any

from timm.models import generate_default_cfgs, register_model
from timm.models.efficientnet import mobilenetv2_100
from torch import nn

from fastmed.learn.network.nets.staged import CONFIG

default_cfgs = generate_default_cfgs(
    {"lungs_mobilenetv2": CONFIG | {"classifier": "classifier", "first_conv": "conv_stem"}}
)


@register_model
def lungs_mobilenetv2(pretrained: bool = False, **options: Any) -> nn.Module:
    """Return the network of the paper's table 2, of width 1."""
    return mobilenetv2_100(pretrained=pretrained, **options)
