"""A loss of the user's own, from a Python file."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from fastmed.errors import RunError, TaskError, listed, nearest
from fastmed.files import write_whole
from fastmed.learn.network.own_code import load_code, told
from fastmed.run import Run
from fastmed.settings.objective import is_own
from fastmed.task import Task

KEPT = "loss.py"  # the copy in a run
_KEY = "loss_sha256"


class OwnLoss:
    """A function of the user's as a loss, in fastai's form.

    The function takes the outputs and the targets of a batch, and returns a number to make small,
    or one for each image (B,), of which the mean is taken:

    - for categories, outputs (B, K) before any softmax, and the classes (B,), int64;
    - for grades, values (B,) and grades (B,), both float32, a grade being its position from 0.

    It is tried once on made-up outputs, so that a mistake is told before the work.

    Attributes:
        reduction: ``none`` returns the losses of the images, for mixup.

    Raises:
        TaskError: the function fails or returns something else, or what mixup needs is not there.
    """

    def __init__(self, function: Callable[[Tensor, Tensor], Any], task: Task) -> None:
        self.function, self.name = function, task.loss
        self.category = task.goal == "category"
        self.y_int = self.category
        self.reduction = "mean"
        each = _tried(function, task).ndim == 1
        if self.category and (task.train.mixup or task.train.cutmix) and not each:
            raise TaskError(
                f"to mix images, {self.name} has to return the loss of each image, and it returns "
                "one number; leave out its mean"
            )

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of a batch."""
        outputs, targets = outputs.as_subclass(Tensor), targets.as_subclass(Tensor)
        if not self.category:
            outputs, targets = outputs.reshape(-1), targets.reshape(-1).float()
        losses = self.function(outputs, targets)
        return losses if self.reduction == "none" else losses.mean()

    def to(self, device: torch.device) -> None:
        """Move what the loss computes with."""
        if isinstance(self.function, nn.Module):
            self.function.to(device)

    def activation(self, outputs: Tensor) -> Tensor:
        """Return the probabilities of classes, or the values as they are."""
        return outputs.softmax(-1) if self.category else outputs

    def decodes(self, scores: Tensor) -> Tensor:
        """Return the likeliest class, or the values as they are."""
        return scores.argmax(-1) if self.category else scores


def load_function(place: str) -> Callable[[Tensor, Tensor], Any]:
    """Return what ``FILE.py:NAME`` names: a function, or a module, made if it is a class of one.

    Raises:
        TaskError: there is no such thing in the file.
        ModelError: there is no such file, or it can't be loaded.
    """
    file, _, name = place.rpartition(":")
    found = vars(load_code(Path(file)))
    if name not in found:
        names = [key for key, thing in found.items() if callable(thing) and key[0] != "_"]
        there = f"; there are {listed(names)}" if names else ""
        raise TaskError(f"{file} has no '{name}'{nearest(name, names) or there}")
    function = found[name]
    if isinstance(function, type):
        try:
            function = function()
        except Exception as error:
            raise TaskError(f"{place} can't be made without arguments: {told(error)}") from None
    if not callable(function):
        raise TaskError(f"{place} is no function and no torch Module")
    if isinstance(function, nn.Module) and any(True for _ in function.parameters()):
        raise TaskError(f"{place} has weights of its own, and a loss is not trained")
    return function


def keep_function(task: Task, run: Run) -> None:
    """Write a copy of the file of the user's loss into a run, and its SHA-256 into ``run.json``."""
    if not is_own(task.loss):
        return
    code = _code_of(task)
    write_whole(run.path / KEPT, lambda file: file.write_bytes(code))
    run.update(**{_KEY: hashlib.sha256(code).hexdigest()})


def check_kept(run: Run) -> None:
    """Refuse to train on with another loss than the one that a run began with.

    The run's copy is there to be read: it is never executed.

    Raises:
        RunError: the user's file has changed, or is gone.
    """
    kept = run.info.get(_KEY)
    if kept is not None and hashlib.sha256(_code_of(run.task)).hexdigest() != kept:
        raise RunError(
            f"the loss {run.task.loss} is not as {run.path} began with it; put the copy "
            f"{run.path / KEPT} in its place"
        )


def _code_of(task: Task) -> bytes:
    file = Path(task.loss.rpartition(":")[0])
    if not file.is_file():
        raise RunError(f"no Python file '{file}', in which the run's loss is")
    return file.read_bytes()


def _tried(function: Callable[[Tensor, Tensor], Any], task: Task) -> Tensor:
    """Return the loss of two made-up images."""
    classes = len(task.classes)
    if task.goal == "category":
        outputs, targets = torch.zeros(2, classes), torch.tensor([0, classes - 1])
    else:
        outputs, targets = torch.tensor([0.25, 0.5]), torch.tensor([0.0, classes - 1.0])
    outputs.requires_grad_()
    try:
        losses = function(outputs, targets)
        losses.mean().backward()
    except Exception as error:
        raise TaskError(
            f"the loss {task.loss} fails on outputs {tuple(outputs.shape)} and targets "
            f"{tuple(targets.shape)}: {told(error)}"
        ) from None
    if losses.shape not in ((), (2,)):
        raise TaskError(
            f"the loss {task.loss} returns {tuple(losses.shape)} for two images; expected one "
            "number, or one for each image"
        )
    return losses
