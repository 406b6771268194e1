"""One fit by several processes: each computes the gradients of its part of every batch."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from inspect import signature
from typing import Any

import numpy as np
import torch
from fastai.callback.core import Callback
from fastai.learner import Learner
from fastai.torch_core import set_seed
from timm.utils.distributed import distribute_bn
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from fastmed.errors import DataError
from fastmed.learn.distributed.merging import merge
from fastmed.learn.distributed.normalization import normalized_together
from fastmed.learn.distributed.team import Team
from fastmed.learn.fitting.ema import AverageWeights
from fastmed.learn.input.cached import CachedLoader
from fastmed.learn.input.share import Share

# Statistics of normalisation layers are averaged by `KeepInStep`; the option has two names.
_NAMES = signature(DistributedDataParallel).parameters
_OWN_BUFFERS: dict[str, Any] = {
    "forward_sync_buffers" if "forward_sync_buffers" in _NAMES else "broadcast_buffers": False
}


@contextmanager
def trained_together(
    learn: Learner, loaders: Sequence[CachedLoader], among: Team, seed: int
) -> Iterator[list[Callback]]:
    """Share out the batches of a fit, and give the callbacks that keep the processes in step.

    Afterwards the learner and the loaders are as they were.

    Args:
        learn: with an optimizer; what is frozen now stays so.
        loaders: all that the fit goes through.
        among: whom; a single process changes nothing.
        seed: of the processes' own randomness.
    """
    if among.count == 1:
        yield []
        return
    network, on_gpus = learn.model, torch.device(learn.dls.device).type == "cuda"
    with _shared(loaders, among), normalized_together(network, on_gpus):
        # Some networks have weights that they never use, which a static graph allows for.
        wrapped = DistributedDataParallel(network, static_graph=True, **_OWN_BUFFERS)
        try:
            yield [KeepInStep(wrapped, among, seed)]
        finally:
            learn.model = network


class KeepInStep(Callback):
    """Has gradients, statistics and metrics of all processes at hand where they are needed.

    The network is wrapped only while it computes what a gradient will be made of, so everything
    else sees the plain one.

    Args:
        wrapped: the network, in PyTorch's `DistributedDataParallel`.
        among: the processes.
        seed: of the training.
    """

    order = 49  # before the recorder takes the metrics of an epoch

    def __init__(self, wrapped: DistributedDataParallel, among: Team, seed: int) -> None:
        self.wrapped, self.among, self.seed = wrapped, among, seed

    def before_epoch(self) -> None:
        """Give each process but the main one randomness of its own for the epoch.

        It is made of the epoch's number, so that a training that goes on has the same.
        """
        if not self.among.main:
            numbers = self.seed, len(self.learn.history.rows), self.among.seat.rank
            set_seed(int(np.random.SeedSequence(numbers).generate_state(1)[0]))

    def before_batch(self) -> None:
        """Let gradients be averaged over the processes."""
        if self.training:
            self.learn.model = self.wrapped

    def after_pred(self) -> None:
        """Show the plain network again."""
        self.learn.model = self.wrapped.module

    def after_train(self) -> None:
        """Average what BatchNorm layers counted, so that all networks are equal."""
        networks = [one.average.module for one in self.learn.cbs if isinstance(one, AverageWeights)]
        for network in (self.wrapped.module, *networks):
            _average_statistics(network, self.among.count)

    def after_validate(self) -> None:
        """Give all processes the metrics of the whole validation part."""
        merge([self.recorder.loss, *self.learn.metrics], self.among)


def _average_statistics(network: nn.Module, count: int) -> None:
    with torch.no_grad():
        distribute_bn(network, count, reduce=True)


@contextmanager
def _shared(loaders: Sequence[CachedLoader], among: Team) -> Iterator[None]:
    """Let each loader give this process's share of its batches, drawn as the main one draws."""
    before = [(loader.bs, loader.share) for loader in loaders]
    for loader in loaders:
        _share_out(loader, among)
    try:
        yield
    finally:
        for loader, (size, share) in zip(loaders, before, strict=True):
            loader.bs, loader.share = size, share


def _share_out(loader: CachedLoader, among: Team) -> None:
    size = loader.bs // among.count
    if size < 1:
        raise DataError(f"{loader.n} images are too few for {among.count} processes")
    loader.bs, loader.share = size, Share(among.seat.rank, among.count)
    version, words, gauss = among.share(loader.rng.getstate())
    loader.rng.setstate((version, tuple(words), gauss))
