"""What heat maps explain: one number that a network gives for an image."""

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from fastmed.data.tables import grades_of
from fastmed.errors import ModelError, TaskError, listed, nearest
from fastmed.learn.network.backbone import Backbone
from fastmed.learn.outputs import expected_grade, read_outputs
from fastmed.settings.heatmaps import METHOD_NAMES, OF_A_MAP, check_method_name
from fastmed.task import Task


class Aim(nn.Module):
    """A network whose outputs are the numbers that can be explained, (B, K) or (B, 1).

    Of categories these are the logits of the classes. Of grades it is one number: the value, or
    with ``corn`` and ``coral`` the expected grade.

    Attributes:
        model: the network, with metadata as its second input if it takes any.
        task: that it was trained for.
    """

    def __init__(self, model: nn.Module, task: Task) -> None:
        super().__init__()
        self.model = model
        self.task = task

    def forward(self, images: Tensor, *metadata: Tensor) -> Tensor:
        """Return the numbers of images (B, C, H, W)."""
        outputs = self.model(images, *metadata).float()
        if self.task.goal == "category":
            return outputs
        values = read_outputs(self.task, outputs)
        return (expected_grade(values) if self.task.ordinal else values)[:, None]

    @property
    def body(self) -> Backbone:
        """The body within the network."""
        return next(part for part in self.model.modules() if isinstance(part, Backbone))

    @torch.no_grad()
    def grid(self) -> tuple[int, int]:
        """Return height and width of the body's map; a list of tokens is one wide."""
        side, first = self.task.image.size, next(self.body.parameters())
        shape = 1, self.task.image.channels, side, side
        height, width = self.body(torch.zeros(shape, device=first.device)).shape[2:]
        return int(height), int(width)

    @torch.no_grad()
    def sureness(self, images: Tensor, *metadata: Tensor) -> Tensor:
        """Return what a reader is told: probabilities of classes (B, K), or values (B, 1)."""
        outputs = self(images, *metadata)
        return outputs if self.task.goal == "grade" else read_outputs(self.task, outputs)


def aim_at(model: nn.Module, task: Task, method: str) -> Aim:
    """Return a network ready to be explained by a method.

    Raises:
        TaskError: there is no such method, or the network looks at no image.
        ModelError: the method needs a feature map, and the network gives none.
    """
    check_method_name(method)
    if task.metadata_only:
        raise TaskError("the network looks at metadata alone, so there is no heat map of an image")
    aim = Aim(model.eval(), task)
    others = listed(name for name in METHOD_NAMES if name not in OF_A_MAP)
    if method in OF_A_MAP and aim.body.whole:
        raise ModelError(
            f"{task.train.arch} is a whole network without a feature map, which {method} needs; "
            f"what works are {others}"
        )
    if method in OF_A_MAP and places_of_map(aim, method) is None:
        raise ModelError(
            f"the map of '{task.train.arch}' is a list of tokens that are no grid, which {method} "
            f"needs; what works are {others}"
        )
    return aim


def places_of_map(aim: Aim, method: str) -> int | None:
    """Return the side of the feature map that a method looks at; None if it looks at none.

    Inputs are square, so a map that is not is no map of places.
    """
    height, width = aim.grid() if method in OF_A_MAP else (0, 1)
    return height if height == width else None


def columns_of(task: Task, predictions: pd.DataFrame, of_class: str | None = None) -> np.ndarray:
    """Return which of an `Aim`'s outputs is explained of each prediction, (n,).

    Args:
        task: of the network.
        predictions: their table.
        of_class: the class to explain; None takes the predicted one. Grades have no such choice.

    Raises:
        TaskError: there is no such class, or the task grades.
    """
    if task.goal == "grade":
        if of_class is not None:
            raise TaskError(
                f"class '{of_class}' can't be explained by itself: a network that grades has one "
                "value, and its heat map shows what raises it; leave out --class"
            )
        return np.zeros(len(predictions), dtype=np.int64)
    if of_class is None:
        return grades_of(predictions["predicted"], task.classes)
    if of_class not in task.classes:
        close = nearest(of_class, task.classes) or f"; there are {listed(task.classes, 12)}"
        raise TaskError(f"there is no class '{of_class}'{close}")
    return np.full(len(predictions), task.classes.index(of_class), dtype=np.int64)


def name_of(task: Task, column: int) -> str:
    """Return what an `Aim`'s output is, in words."""
    if task.goal == "category":
        return task.classes[column]
    return "expected grade" if task.ordinal else "value"
