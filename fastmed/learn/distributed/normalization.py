"""BatchNorm over several processes."""

from collections.abc import Iterator
from contextlib import contextmanager

from timm.layers import convert_sync_batchnorm
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


@contextmanager
def normalized_together(network: nn.Module, on_gpus: bool) -> Iterator[None]:
    """Let BatchNorm layers see the images of all processes, and put them back afterwards.

    PyTorch can do so on GPUs alone; on CPUs each process normalises by its own part of a batch.
    timm's conversion keeps the activations that timm's BatchNorm layers have in them, which
    PyTorch's own conversion, and fastai's by it, drops without a word. The layers share their
    weights and statistics with those that they stand for.

    Args:
        network: whose layers are exchanged in place, so that it has to be no BatchNorm itself.
        on_gpus: False changes nothing.
    """
    own = {name: one for name, one in network.named_modules() if isinstance(one, _BatchNorm)}
    if not on_gpus or not own:
        yield
        return
    convert_sync_batchnorm(network)
    try:
        yield
    finally:
        for name, layer in own.items():
            layer.train(network.get_submodule(name).training)
            network.set_submodule(name, layer)
