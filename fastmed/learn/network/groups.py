"""The parts of a network that learn at rates of their own."""

from typing import Any

from timm.models import group_parameters
from torch import nn

from fastmed.learn.network.backbone import Backbone


def backbone_of(model: nn.Module) -> Backbone:
    """Return the backbone within a network."""
    return next(module for module in model.modules() if isinstance(module, Backbone))


def layer_groups(model: nn.Module) -> list[list[nn.Parameter]]:
    """Return the parameters as three groups: early body, late body, head.

    The body is parted at the middle of its blocks, as timm counts them.
    """
    net = backbone_of(model).net
    body = dict(net.named_parameters())
    blocks = _blocks(net)
    early = {name for block in blocks[: (len(blocks) + 1) // 2] for name in block}
    inside = {id(parameter) for parameter in body.values()}
    return [
        [parameter for name, parameter in body.items() if name in early],
        [parameter for name, parameter in body.items() if name not in early],
        [parameter for parameter in model.parameters() if id(parameter) not in inside],
    ]


def _blocks(net: Any) -> list[list[str]]:
    """Return the names of the parameters of each block, from the input on."""
    if not hasattr(net, "group_matcher"):
        return [[name] for name, _ in net.named_parameters()]
    groups = group_parameters(net, net.group_matcher(coarse=True))
    return [groups[key] for key in sorted(groups)]
