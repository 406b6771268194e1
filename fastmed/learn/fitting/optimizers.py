"""Optimizers by name; a new one is one line in `OPTIMIZERS`."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from fastai.optimizer import SGD, Adam, Lamb, OptimWrapper, QHAdam, RAdam, RMSProp, ranger
from timm.optim import Lars

from fastmed.learn.fitting.fused import FusedAdam, FusedSGD
from fastmed.settings.train import TrainSettings


def _torch(kind: Callable[..., Any], **options: Any) -> Callable[..., OptimWrapper]:
    return partial(OptimWrapper, opt=kind, **options)


# "adam" adds the decay to the gradient (L2), "adamw" takes it off the weights (arXiv 1711.05101).
# LARS and LARC are timm's, since fastai's never move weights that start at zero.
OPTIMIZERS: dict[str, Callable[..., Any]] = {
    "adam": partial(Adam, decouple_wd=False),
    "adamw": partial(Adam, decouple_wd=True),
    "adamax": _torch(torch.optim.Adamax),
    "nadam": _torch(torch.optim.NAdam),
    "radam": partial(RAdam, decouple_wd=True),
    "qhadam": partial(QHAdam, decouple_wd=True),
    "adagrad": _torch(torch.optim.Adagrad),
    "adadelta": _torch(torch.optim.Adadelta),
    "adafactor": _torch(torch.optim.Adafactor),
    "sgd": partial(SGD, mom=0.9),
    "asgd": _torch(torch.optim.ASGD),
    "rmsprop": RMSProp,
    "ranger": ranger,
    "lamb": Lamb,
    "lars": _torch(Lars, momentum=0.9, always_adapt=True),
    "larc": _torch(Lars, momentum=0.9, always_adapt=True, trust_clip=True),
}
# The same steps, for many parameters at once.
FUSED: dict[str, Callable[..., Any]] = {
    "adam": partial(FusedAdam, decouple_wd=False),
    "adamw": partial(FusedAdam, decouple_wd=True),
    "sgd": partial(FusedSGD, decouple_wd=True),
}
# What is taken without a weight decay in the task; the others take none.
WEIGHT_DECAY = {"adamw": 0.01, "ranger": 0.01}


def make_optimizer(settings: TrainSettings) -> Callable[..., Any]:
    """Return what makes the task's optimizer of a network's parameters."""
    quick = FUSED if settings.speed == "auto" else {}
    optimizer = quick.get(settings.opt, OPTIMIZERS[settings.opt])
    if settings.momentum is None:
        return optimizer
    if isinstance(optimizer, partial) and optimizer.func is OptimWrapper:
        return _with_momentum(optimizer, settings.momentum)
    return partial(optimizer, mom=settings.momentum)


def _with_momentum(optimizer: partial[OptimWrapper], momentum: float) -> Callable[..., Any]:
    """Return a maker of one of PyTorch's optimizers with its momentum, or first beta, set."""

    def make(parameters: Any, **options: Any) -> OptimWrapper:
        made = optimizer(parameters, **options)
        made.set_hyper("mom", momentum)
        return made

    return make


def weight_decay(settings: TrainSettings) -> float:
    """Return the task's weight decay, or the optimizer's usual one."""
    if settings.weight_decay is not None:
        return settings.weight_decay
    return WEIGHT_DECAY.get(settings.opt, 0.0)
