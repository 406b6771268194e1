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

    The body is parted at the middle of its blocks, as timm counts them. Of a whole network of the
    user's the last layer is the head.
    """
    backbone = backbone_of(model)
    net, last = backbone.net, last_layer(backbone)
    body = {name: value for name, value in net.named_parameters() if name not in last}
    blocks = [[name for name in block if name in body] for block in _blocks(net)]
    blocks = [block for block in blocks if block]
    early = {name for block in blocks[: (len(blocks) + 1) // 2] for name in block}
    inside = {id(parameter) for parameter in body.values()}
    return [
        [parameter for name, parameter in body.items() if name in early],
        [parameter for name, parameter in body.items() if name not in early],
        [parameter for parameter in model.parameters() if id(parameter) not in inside],
    ]


def block_groups(model: nn.Module) -> list[list[nn.Parameter]]:
    """Return the parameters of each block, from the input on, as timm counts them, and the head."""
    backbone = backbone_of(model)
    net, last = backbone.net, last_layer(backbone)
    body = {name: value for name, value in net.named_parameters() if name not in last}
    blocks = [[body[name] for name in block if name in body] for block in _blocks(net, False)]
    inside = {id(parameter) for parameter in body.values()}
    head = [parameter for parameter in model.parameters() if id(parameter) not in inside]
    return [*(block for block in blocks if block), head]


def last_layer(backbone: Backbone) -> set[str]:
    """Return the names of the parameters of a network's own last layer; else none."""
    if backbone.own:
        return _classifier(backbone.net)
    owners = [
        [f"{name}.{own}" if name else own for own, _ in module.named_parameters(recurse=False)]
        for name, module in backbone.net.named_modules()
    ]
    last: list[str] = next((names for names in reversed(owners) if names), [])
    return set(last) if backbone.whole else set()


def _classifier(net: Any) -> set[str]:
    """Return the names of the parameters of the classifier that a timm network has."""
    found = net.get_classifier()
    layers = found if isinstance(found, tuple | list) else [found]
    own = {id(value) for layer in layers for value in layer.parameters()}
    return {name for name, value in net.named_parameters() if id(value) in own}


def _blocks(net: Any, coarse: bool = True) -> list[list[str]]:
    """Return the names of the parameters of each block, from the input on.

    Args:
        coarse: by stages; else each block of a stage by itself.
    """
    names = [name for name, _ in net.named_parameters()]
    if not hasattr(net, "group_matcher"):
        parts = dict.fromkeys(name.partition(".")[0] for name in names)
        same = [[name for name in names if name.partition(".")[0] == part] for part in parts]
        return [[name] for name in names] if coarse else same
    groups = group_parameters(net, net.group_matcher(coarse=coarse))
    return [groups[key] for key in sorted(groups)]
