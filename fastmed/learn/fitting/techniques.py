"""The techniques that a task asks for, as callbacks of a fit."""

import torch
from fastai.callback.channelslast import ChannelsLast
from fastai.callback.core import Callback, CancelBatchException
from fastai.callback.fp16 import MixedPrecision
from fastai.callback.mixup import CutMix, MixUp
from fastai.callback.training import GradientClip
from torch import nn
from torch.nn import functional

from fastmed.errors import ModelError
from fastmed.learn.fitting.compiling import Compile, check_compiler
from fastmed.learn.fitting.ema import AverageWeights
from fastmed.learn.fitting.precision import choose_precision
from fastmed.learn.fitting.stop_early import StopEarly
from fastmed.learn.fitting.ways import Way
from fastmed.settings.train import TrainSettings
from fastmed.task import Task

GRID = 8  # training images that grow have a side that is a multiple of it, in pixels


def techniques(task: Task, way: Way) -> list[Callback]:
    """Return the callbacks of one phase; they hold nothing that the next phase needs.

    Args:
        task: that asks for them.
        way: how the steps are computed.
    """
    train = task.train
    chosen: list[Callback] = []
    if train.start_size is not None:
        chosen.append(GrowImages(task))
    if train.mixup:
        chosen.append(MixUp(train.mixup))
    if train.cutmix:
        chosen.append(CutMix(train.cutmix))
    if way.channels_last:
        chosen.append(ImagesChannelsLast())
    if way.compile:
        chosen.append(Compile())
    if train.accumulate > 1:
        chosen.append(Accumulate(train.accumulate))
    if train.clip is not None:
        chosen.append(GradientClip(train.clip))
    if train.ema is not None:
        chosen.append(AverageWeights(train.ema))
    if train.patience is not None:
        chosen.append(StopEarly(task.select, train.patience))
    return chosen


class Accumulate(Callback):
    """Takes a step after some batches, by the mean of their gradients.

    The batches that are left at the end of an epoch make a smaller group of their own, so that an
    epoch leaves nothing to the next. (fastai's own carries their gradients over.)
    """

    order = MixedPrecision.order - 4
    run_valid = False

    def __init__(self, batches: int) -> None:
        self.batches = batches

    def after_loss(self) -> None:
        """Scale the loss to its share in the group."""
        first = self.iter - self.iter % self.batches
        self.learn.loss_grad = self.loss_grad / min(self.batches, self.n_iter - first)

    def before_step(self) -> None:
        """Leave out the step within a group."""
        if (self.iter + 1) % self.batches and self.iter + 1 < self.n_iter:
            raise CancelBatchException


class ImagesChannelsLast(ChannelsLast):
    """Lays out the network's weights and the images pixel by pixel, which convolutions like."""

    def before_batch(self) -> None:
        """Lay out the images."""
        images, *others = self.learn.xb
        laid_out = images.contiguous(memory_format=torch.channels_last)
        self.learn.xb = (laid_out, *others)


def check_machine(task: Task, device: torch.device) -> None:
    """Refuse techniques that this machine has not what they need for.

    Raises:
        TrainingError: says what is missing.
    """
    choose_precision(task.train.precision, device.type)
    if task.train.compile:
        check_compiler(device.type)


class GrowImages(Callback):
    """Trains on small images first, and on ever larger ones (as arXiv 2104.00298 does).

    The images of the validation part keep their size.
    """

    run_valid = False
    order = -2

    def __init__(self, task: Task) -> None:
        self.sizes = training_sizes(task.train, task.image.size)

    def before_batch(self) -> None:
        """Shrink the images of an early epoch."""
        size = self.sizes[min(len(self.learn.history.rows), len(self.sizes) - 1)]
        images, *others = self.learn.xb
        if size < images.shape[-1]:
            self.learn.xb = (_shrunk(images, size), *others)


def training_sizes(train: TrainSettings, full: int) -> list[int]:
    """Return the side of the training images in each epoch, and last the full one."""
    if train.start_size is None:
        return [full]
    epochs = train.grow_epochs or max(1, train.all_epochs * 2 // 3)
    grown = [train.start_size + (full - train.start_size) * n / epochs for n in range(epochs)]
    return [train.start_size, *(round(size / GRID) * GRID for size in grown[1:]), full]


def check_sizes(task: Task, body: nn.Module) -> None:
    """Refuse a body that takes no smaller images, where the training images grow.

    Raises:
        ModelError: names the size.
    """
    was_training = body.training
    for size in sorted({*training_sizes(task.train, task.image.size)} - {task.image.size}):
        try:
            with torch.no_grad():
                body.eval()(torch.zeros(1, task.image.channels, size, size))
        except (RuntimeError, AssertionError, ValueError) as error:
            raise ModelError(
                f"'{task.train.arch}' takes images of {task.image.size} pixels alone, and no "
                f"{size}, so train.start_size can't be used with it "
                f"({str(error).splitlines()[0]})"
            ) from None
    body.train(was_training)


def _shrunk(images: torch.Tensor, size: int) -> torch.Tensor:
    pixels = images.as_subclass(torch.Tensor)
    return functional.interpolate(pixels, size=(size, size), mode="bilinear", antialias=True)
