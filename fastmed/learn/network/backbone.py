"""The backbone: a network of any timm family that gives a feature map."""

import math
from typing import Any

import timm
import torch
from torch import Tensor, nn

from fastmed.errors import ModelError
from fastmed.learn.network.architectures import resolve_arch
from fastmed.learn.network.hub import describe
from fastmed.learn.network.pretrained import cannot_download, pretrained_arguments
from fastmed.network_files import is_hub
from fastmed.task import Task

# What timm's networks raise where an input size doesn't suit them.
_MISFITS = (RuntimeError, AssertionError, ValueError, AttributeError, IndexError)


class Backbone(nn.Module):
    """A timm network without its classifier, whose output is always a map (B, C, h, w).

    Channels-last maps are permuted; tokens are laid out as the grid that they came from, without
    class and register tokens; inputs are padded where the network needs a multiple of a patch.

    Attributes:
        net: the timm network.
        features: the number of channels C.
        whole: True if the network gives the outputs itself, so that no head stands on it.
        own: True if the network has its own classifier, and an `OwnHead` stands on it.
    """

    whole = False
    own = False

    def __init__(self, net: Any, size: int, padded: int, channels: int = 3) -> None:
        super().__init__()
        self.net = net
        self.padding = padded - size
        self.prefix = getattr(net, "num_prefix_tokens", None)
        self.channels_last = getattr(net, "output_fmt", None) == "NHWC"
        self.tokens = False
        self.features = self._probe(size, channels)

    def forward(self, images: Tensor) -> Tensor:
        """Return the feature map (B, C, h, w) of normalised images (B, 3 or 1, H, W)."""
        if self.padding:
            before, after = self.padding // 2, self.padding - self.padding // 2
            images = nn.functional.pad(images, (before, after, before, after))
        return self._map_of(images)

    def _map_of(self, images: Tensor) -> Tensor:
        return self._as_map(self.net.forward_features(images))

    @torch.no_grad()
    def _probe(self, size: int, channels: int) -> int:
        was_training = self.training
        features = self.eval()(torch.zeros(1, channels, size, size)).shape[1]
        self.train(was_training)
        return int(features)

    def _as_map(self, features: Tensor) -> Tensor:
        if features.ndim == 4:
            return features.permute(0, 3, 1, 2) if self.channels_last else features
        self.tokens = True
        batch, tokens, channels = features.shape
        prefix = self._prefix_of(tokens)
        height, width = _grid(tokens - prefix)
        patches = features[:, prefix:].transpose(1, 2)
        return patches.reshape(batch, channels, height, width)

    def _prefix_of(self, tokens: int) -> int:
        """Return how many class tokens stand first; families that don't say have one or none."""
        if self.prefix is not None and tokens > self.prefix:
            return int(self.prefix)
        return int(_grid(tokens)[1] == 1 and tokens > 1 and _grid(tokens - 1)[1] > 1)


class OwnBody(Backbone):
    """A timm network with a classifier, of which the map is taken before it."""

    own = True


class WholeBackbone(Backbone):
    """A timm network with its classifier, which looks at more than a map: at class tokens."""

    whole = True

    def _map_of(self, images: Tensor) -> Tensor:
        return self.net(images)


class OwnHead(nn.Module):
    """The pooling and the classifier that a timm network has of its own.

    The layers are those of the network in the body, where their weights belong, so they are not
    parts of this module.
    """

    def __init__(self, body: Backbone) -> None:
        super().__init__()
        self._body = [body]  # in a list, so that it is no part

    def forward(self, features: Tensor) -> Tensor:
        """Return the outputs (B, K) of the body's map (B, C, h, w)."""
        body = self._body[0]
        if body.tokens:
            features = features.flatten(2).transpose(1, 2)
        elif body.channels_last:
            features = features.permute(0, 2, 3, 1)
        return body.net.forward_head(features)


def make_backbone(task: Task, download: bool) -> Backbone:
    """Return the task's backbone.

    Args:
        task: says which, and for which image size.
        download: True to start from timm's pretrained weights.

    Raises:
        ModelError: the name is unknown, the weights can't be had, or the size doesn't fit.
    """
    name = resolve_arch(task.train.arch, pretrained=download)
    size = task.image.size
    reasons: list[str] = []
    for padded in _sizes_to_try(size):
        try:
            net = _create(name, padded, task.image.channels, download, task)
            if padded % _patch(net) == 0:
                return _kind_of(net, task)(net, size, padded, task.image.channels)
        except _MISFITS as error:
            reasons += str(error).splitlines()[:1] or [type(error).__name__]
    reason = reasons[0] if reasons else "its patches fit no size near it"
    raise ModelError(f"'{name}' does not work at {size} pixels or gives no feature map: {reason}")


def _kind_of(net: Any, task: Task) -> type[Backbone]:
    """Return what turns a network into the task's body.

    Raises:
        ModelError: the network has no classifier of its own that could stand apart.
    """
    if not task.head.own:
        return Backbone
    if not hasattr(net, "forward_head") or not hasattr(net, "get_classifier"):
        raise ModelError(f"'{task.train.arch}' has no classifier of its own")
    return WholeBackbone if getattr(net, "num_prefix_tokens", 0) else OwnBody


def open_residual_branches(net: nn.Module) -> None:
    """Let residual branches of a random network take part from the first step.

    timm starts their last BatchNorm at zero (arXiv 1706.02677, for long trainings with large
    batches); on the few hundred steps of a small data set they would open too late.
    """
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d) and module.affine and not module.weight.any():
            nn.init.ones_(module.weight)


def normalization_of(name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the mean and deviation (on 0 to 1) that a network was made for; else ImageNet's."""
    if is_hub(name):
        described = describe(name)
        return described.mean, described.std
    known = timm.is_model(name)
    config = timm.get_pretrained_cfg(name, allow_unregistered=False) if known else None
    if config is None:
        return timm.data.IMAGENET_DEFAULT_MEAN, timm.data.IMAGENET_DEFAULT_STD
    return tuple(config.mean), tuple(config.std)


def _sizes_to_try(size: int) -> list[int]:
    """Return the size itself and the next multiples of common patches and strides."""
    rounded = [math.ceil(size / step) * step for step in (14, 16, 32, 64)]
    return list(dict.fromkeys([size, *sorted(rounded)]))


def _create(arch: str, size: int, channels: int, download: bool, task: Task) -> nn.Module:
    """Return the timm network, told its input size in the way that its family understands.

    For one channel timm sums the first layer's weights over the three that they were made for.
    """
    name, start = arch, dict[str, Any](pretrained=False)
    if is_hub(arch):
        described = describe(arch)
        name, start = described.architecture, {**described.arguments, **start}
    if download:
        start = pretrained_arguments(name)
    start["in_chans"] = channels
    classes = task.outputs if task.head.own else 0
    ways: list[dict[str, Any]] = [
        {"img_size": size, "dynamic_img_pad": True},
        {"img_size": size},
        {},
    ]
    for way in ways:
        try:
            net = timm.create_model(name, **{**start, **way}, num_classes=classes)
        except TypeError as error:
            if "unexpected keyword" in str(error):
                continue
            if is_hub(arch):
                raise ModelError(f"'{arch}' can't be built by timm ({error})") from None
            raise
        except _MISFITS:
            raise
        except Exception as error:
            raise cannot_download(name, error) from None
        if not download:
            open_residual_branches(net)
        return net
    raise ModelError(f"'{arch}' can't be built by timm")


def _patch(net: nn.Module) -> int:
    """Return the side of the patches that the network cuts its input into; 1 if it doesn't."""
    patch = getattr(getattr(net, "patch_embed", None), "patch_size", 1)
    return int(patch[0]) if isinstance(patch, tuple | list) else int(patch)


def _grid(tokens: int) -> tuple[int, int]:
    side = math.isqrt(max(tokens, 0))
    return (side, side) if side * side == tokens and side else (tokens, 1)
