"""Whether heat maps depend on what a network has learnt: its weights are lost from the head on.

Source:
    J. Adebayo et al., Sanity checks for saliency maps, NeurIPS 2018 (arXiv 1810.03292).
"""

import copy
from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from fastmed.learn.heatmaps.aim import Aim
from fastmed.learn.heatmaps.maps import Batch
from fastmed.learn.heatmaps.methods import Method, heat_of
from fastmed.learn.network.groups import block_groups

STEPS = 6  # parts in which a network's weights are lost, of which the head is the first


def cascade(aim: Aim, batches: Iterable[Batch], seed: int = 0) -> Iterator[tuple[float, Aim]]:
    """Yield copies of a network that have lost ever more of their weights, from the head on.

    A matrix or kernel is drawn anew from a normal distribution as wide as it was, around zero;
    vectors (scales, offsets) are shuffled. BatchNorm layers measure the batches anew, since
    signals would vanish behind the statistics of weights that are gone. The last copy has lost all.

    Args:
        aim: the network; it stays as it is.
        batches: of images.
        seed: of what is drawn.

    Yields:
        the share of the weights that are lost, and the network.
    """
    lost = copy.deepcopy(aim)
    groups = block_groups(lost.model)[::-1]
    total = sum(weight.numel() for group in groups for weight in group)
    generator, done = torch.Generator().manual_seed(seed), 0
    for part in _parts(groups):
        for weight in part:
            _lose(weight, generator)
            done += weight.numel()
        _measure_anew(lost, batches)
        yield done / total, lost


def maps_of(aim: Aim, batches: Iterable[Batch], method: Method) -> np.ndarray:
    """Return the heat map of each image, (n, H, W) from 0 to 1."""
    return np.concatenate([heat_of(method, aim, *batch).cpu().numpy() for batch in batches])


def _parts(groups: list[list[nn.Parameter]]) -> Iterator[list[nn.Parameter]]:
    """Yield the head's weights, and then those of the blocks in some parts of as many blocks."""
    head, *blocks = groups
    yield head
    for part in np.array_split(np.arange(len(blocks)), min(STEPS - 1, len(blocks))):
        yield [weight for place in part for weight in blocks[place]]


@torch.no_grad()
def _lose(weight: nn.Parameter, generator: torch.Generator) -> None:
    """Replace what a weight has learnt."""
    if weight.ndim < 2:
        order = torch.randperm(weight.numel(), generator=generator)
        weight.copy_(weight[order.to(weight.device)] if weight.ndim else weight)
        return
    width = weight.float().square().mean().sqrt()
    drawn = torch.randn(weight.shape, generator=generator)
    weight.copy_(drawn.to(weight.device) * width)


@torch.no_grad()
def _measure_anew(aim: Aim, batches: Iterable[Batch]) -> None:
    """Let BatchNorm layers take mean and variance of what they get now."""
    layers = [part for part in aim.modules() if isinstance(part, _BatchNorm)]
    layers = [layer for layer in layers if layer.track_running_stats]
    several = [batch for batch in batches if layers and len(batch.images) > 1]
    if not several:
        return
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # the mean over all batches
        layer.train()
    for batch in several:
        aim(batch.images, *batch.metadata)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
        layer.eval()
