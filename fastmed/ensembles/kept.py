"""What an ensemble was fitted to be, kept as JSON and read again."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from fastmed.console import note
from fastmed.ensembles.members import Member
from fastmed.ensembles.stacking import Stack
from fastmed.errors import DataError, listed
from fastmed.files import read_json
from fastmed.results.calibration.pooling import Mean, Pool
from fastmed.results.calibration.probabilities import TEMPERATURES, Calibration
from fastmed.settings.predict import Average
from fastmed.task import Task


class Fitted(BaseModel):
    """What was fitted on validation parts; None where there was nothing.

    Attributes:
        images: of the validation part.
        temperature, class_weights, scale, cut_points: as of `Calibration`.
        stack: of the method ``stack``.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    images: int | None = None
    temperature: float = Field(1.0, ge=TEMPERATURES[0] / 2, le=TEMPERATURES[1] * 2)
    class_weights: tuple[float, ...] | None = None
    scale: float = Field(1.0, gt=0)
    cut_points: tuple[float, ...] | None = None
    stack: Stack | None = None


class Kept(BaseModel):
    """An ensemble as ``NAME.ensemble.json`` describes it.

    Attributes:
        method: of the ensemble.
        goal, classes: of its predictions.
        members: their names, in their order.
        weights: of the members, by name.
        average: what its mean is of.
        raw: it was fitted on the outputs of networks before they were calibrated.
        fitted: on validation parts.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    method: Literal["vote", "mean", "weighted", "stack"]
    goal: Literal["category", "grade"]
    classes: tuple[str, ...] = Field(min_length=2)
    members: tuple[str, ...] = Field(min_length=2)
    weights: dict[str, float] | None = None
    average: Average = "probabilities"
    raw: bool = False
    fitted: Fitted = Fitted()

    @model_validator(mode="after")
    def _fits_together(self) -> "Kept":
        count, classes = len(self.members), len(self.classes)
        weights, points = self.weights, self.fitted.cut_points
        if weights is not None and (tuple(weights) != self.members or min(weights.values()) < 0):
            raise ValueError("weights are not those of the members")
        if (self.method == "weighted") != (weights is not None):
            raise ValueError("weights go with the method 'weighted'")
        if points is not None and (len(points) != classes - 1 or (np.diff(points) < 0).any()):
            raise ValueError("cut points are not those of the grades")
        if self.fitted.class_weights is not None and len(self.fitted.class_weights) != classes:
            raise ValueError("class_weights are not those of the classes")
        stack = self.fitted.stack
        if (self.method == "stack") != (stack is not None):
            raise ValueError("a stack goes with the method 'stack'")
        if stack is not None and (len(stack.intercepts) != classes or len(stack.centre) % count):
            raise ValueError("the stack has other classes or members")
        return self

    @property
    def mean(self) -> Mean:
        """How outputs are averaged."""
        return Mean(None if self.weights is None else [*self.weights.values()], self.average)

    def fitted_info(self) -> dict[str, Any]:
        """Return what was fitted, ready for JSON."""
        return self.fitted.model_dump(mode="json", exclude_defaults=True)

    def pool(self, task: Task, members: Sequence[Member]) -> Pool:
        """Return how the mean becomes probabilities and decisions."""
        own, points = self.fitted, self.fitted.cut_points
        calibration = Calibration(
            own.temperature,
            None if own.class_weights is None else np.array(own.class_weights),
            cut_points=None if points is None else np.array(points),
            scale=own.scale,
        )
        each = [one.own_calibration for one in members] if own.images is None else None
        return Pool(task, calibration, each, mean=self.mean)

    def check(self, task: Task, names: Sequence[str], raw: bool) -> None:
        """Refuse members that it was not fitted to.

        Raises:
            DataError: there are more or fewer, they predict other classes, or they are files
                where it was fitted to runs, or the other way round.
        """
        if (task.goal, task.classes) != (self.goal, self.classes):
            raise DataError(
                f"this ensemble was fitted to {self.goal} {listed(self.classes, 12)}, and its "
                f"members predict {task.goal} {listed(task.classes, 12)}"
            )
        if len(names) != len(self.members):
            raise DataError(
                f"this ensemble was fitted to {len(self.members)} members "
                f"({listed(self.members, 12)}), not to {len(names)}"
            )
        if raw != self.raw and self.method != "vote":
            kinds = ("files of predictions", "runs")
            raise DataError(
                f"this ensemble was fitted to {kinds[self.raw]}, and the members are {kinds[raw]}"
            )
        if tuple(names) != self.members:
            pairs = ", ".join(
                f"{name} as {other}" for name, other in zip(names, self.members, strict=True)
            )
            note(f"Members are taken in their order: {pairs}")


def read_kept(file: Path) -> Kept:
    """Return what an ensemble was fitted to be.

    Raises:
        DataError: the file is missing, or is not as fastmed writes it.
    """
    try:
        return Kept.model_validate(read_json(file))
    except OSError:
        raise DataError(f"there is no file {file}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        reason = f"{place}: {first['msg']}" if place else first["msg"]
        raise DataError(f"{file} is no ensemble as fastmed writes it: {reason}") from None
    except ValueError as error:
        raise DataError(f"{file} is no ensemble as fastmed writes it: {error}") from None
