"""Networks of the user's own: built as their contract says, and tried.

The contract is told in ``docs/how-to/networks.md``.
"""

import inspect
from typing import Any

import torch
from torch import Tensor, nn

from fastmed.errors import ModelError, listed
from fastmed.learn.network.backbone import Backbone
from fastmed.learn.network.own_code import load_class, told
from fastmed.network_files import code_of
from fastmed.task import Task

GIVEN = ("channels", "outputs", "size")  # what a constructor may ask for


class OwnBackbone(Backbone):
    """A user's network that gives a feature map (B, C, h, w) of images (B, 3 or 1, H, W)."""

    def _map_of(self, images: Tensor) -> Tensor:
        return self.net(images)


class WholeNetwork(OwnBackbone):
    """A user's network that gives the outputs (B, K) itself; no head stands on it."""

    whole = True


def make_own(task: Task) -> OwnBackbone:
    """Return the task's own network, tried with two black images.

    Raises:
        ModelError: it can't be built, or doesn't give what the contract says.
        RunError: it is code of a run that the user hasn't allowed.
    """
    kind = load_class(task.train.arch)
    label = f"{kind.__name__} in {code_of(task.train.arch)[0]}"
    asked = _asked_for(kind, label)
    values = {"channels": task.image.channels, "outputs": task.outputs, "size": task.image.size}
    given = {name: values[name] for name in asked}
    try:
        net = kind(**given)
    except Exception as error:
        shown = ", ".join(f"{name}={value}" for name, value in given.items())
        raise ModelError(f"{label} can't be built with ({shown}): {told(error)}") from None
    whole = "outputs" in asked
    if whole and task.meta:
        raise ModelError(
            f"{label} takes 'outputs' and so is a whole network, which has no place for metadata; "
            "make it a backbone without 'outputs', or leave metadata out with --set meta=[]"
        )
    outputs = _try(net, task, label)
    _check_outputs(outputs, task, label, whole)
    size = task.image.size
    return (WholeNetwork if whole else OwnBackbone)(net, size, size, task.image.channels)


def _asked_for(kind: type[nn.Module], label: str) -> list[str]:
    """Return which of the given values the constructor asks for."""
    parameters = inspect.signature(kind).parameters.values()
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    positional = [p for p in parameters if p.kind is p.POSITIONAL_ONLY]
    needed = [p.name for p in [*positional, *named] if p.default is p.empty]
    strange = [name for name in needed if name not in GIVEN or name in {p.name for p in positional}]
    if strange:
        raise ModelError(
            f"the constructor of {label} needs {listed(strange)}, and is given only "
            f"{listed(GIVEN)}, by name; give the others defaults"
        )
    return [p.name for p in named if p.name in GIVEN]


@torch.no_grad()
def _try(net: nn.Module, task: Task, label: str) -> object:
    """Return what the network gives for two black images."""
    channels, size = task.image.channels, task.image.size
    images = torch.zeros(2, channels, size, size)
    try:
        return net.eval()(images)
    except Exception as error:
        raise ModelError(
            f"{label} fails on images of shape {tuple(images.shape)}: {told(error)}"
        ) from None
    finally:
        net.train()


def _check_outputs(outputs: Any, task: Task, label: str, whole: bool) -> None:
    shape = tuple(outputs.shape) if isinstance(outputs, Tensor) else type(outputs).__name__
    if whole:
        expected: Any = (2, task.outputs)
        fits = shape == expected
        reason = "as its constructor takes 'outputs'"
    else:
        expected = "(2, features, height, width)"
        fits = isinstance(shape, tuple) and len(shape) == 4 and shape[0] == 2 and 0 not in shape
        reason = "as its constructor takes no 'outputs'"
    if not fits:
        raise ModelError(f"{label} gives {shape} for two images, expected {expected}, {reason}")
    if not outputs.is_floating_point():
        raise ModelError(f"{label} gives numbers of type {outputs.dtype}, expected float32")
