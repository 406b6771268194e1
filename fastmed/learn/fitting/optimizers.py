"""Optimizers by name; a new one is one line in `OPTIMIZERS`."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from fastai.optimizer import SGD, Adam, OptimWrapper, RMSProp

from fastmed.settings.train import TrainSettings

# "adam" adds the decay to the gradient (L2), "adamw" takes it off the weights (arXiv 1711.05101).
# Without a weight decay in the task, "adamw" takes 0.01 and the others none.
OPTIMIZERS: dict[str, Callable[..., Any]] = {
    "adam": partial(Adam, decouple_wd=False),
    "adamw": partial(Adam, decouple_wd=True),
    "adamax": partial(OptimWrapper, opt=torch.optim.Adamax),
    "sgd": partial(SGD, mom=0.9),
    "rmsprop": RMSProp,
}


def weight_decay(settings: TrainSettings) -> float:
    """Return the task's weight decay, or the optimizer's usual one."""
    if settings.weight_decay is not None:
        return settings.weight_decay
    return 0.01 if settings.opt == "adamw" else 0.0
