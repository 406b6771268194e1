"""A task: the frozen, typed description of what is learnt, from which files, and how."""

import re
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from fastmed.image_settings import ImageSettings
from fastmed.settings import (
    AugmentSettings,
    BalanceSettings,
    CutRule,
    HeadSettings,
    Part,
    PredictSettings,
    SplitSettings,
    TrainSettings,
)
from fastmed.sources import AnySource

Goal = Literal["category", "grade"]

LOSSES_OF: dict[str, tuple[str, ...]] = {
    "category": ("cross_entropy",),
    "grade": ("smooth_l1", "mse", "l1"),
}
METRICS_OF: dict[str, tuple[str, ...]] = {
    "category": ("valid_loss", "accuracy", "balanced_accuracy", "macro_f1", "auroc"),
    "grade": ("valid_loss", "accuracy", "balanced_accuracy", "macro_f1", "kappa", "mae"),
}


class Task(Part):
    """What is learnt, from which files, and how; see `fastmed tasks` for the built-in ones."""

    name: str
    title: str
    goal: Goal
    classes: tuple[str, ...] = Field(min_length=2)
    source: AnySource
    extra: AnySource | None = None
    image: ImageSettings = ImageSettings()
    split: SplitSettings = SplitSettings()
    balance: BalanceSettings = BalanceSettings()
    augment: AugmentSettings = AugmentSettings()
    head: HeadSettings = HeadSettings()
    train: TrainSettings = TrainSettings()
    predict: PredictSettings = PredictSettings()

    @field_validator("name")
    @classmethod
    def _names_a_folder(cls, name: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", name):
            raise ValueError(f"the name '{name}' may hold only letters, digits, '_' and '-'")
        return name

    @field_validator("classes")
    @classmethod
    def _plain_distinct_classes(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        seen: dict[str, str] = {}
        for name in classes:
            if not name.strip() or name != name.strip() or not name.isprintable():
                raise ValueError(f"class {name!r} is empty, padded or not printable")
            if name.casefold() in seen:
                raise ValueError(f"classes '{seen[name.casefold()]}' and '{name}' are the same")
            seen[name.casefold()] = name
        return classes

    @model_validator(mode="after")
    def _fits_goal(self) -> Self:
        loss, select = self.train.loss, self.train.select
        if loss is not None and loss not in LOSSES_OF[self.goal]:
            raise ValueError(_misfit("train.loss", loss, self.goal, LOSSES_OF[self.goal]))
        if select is not None and select not in METRICS_OF[self.goal]:
            raise ValueError(_misfit("train.select", select, self.goal, METRICS_OF[self.goal]))
        if self.goal == "grade" and self.balance.method == "class_weights":
            raise ValueError(
                "balance.method = 'class_weights' needs goal = 'category'; "
                "a grade is balanced by method = 'per_class'"
            )
        if self.goal == "grade" and self.train.label_smoothing:
            raise ValueError("train.label_smoothing has no effect with goal = 'grade'")
        if self.goal == "category" and self.predict.cut_points:
            raise ValueError("predict.cut_points has no effect with goal = 'category'")
        return self

    @model_validator(mode="after")
    def _renames_to_classes(self) -> Self:
        for place, source in (("source", self.source), ("extra", self.extra)):
            for name in source.rename.values() if source else ():
                if name not in self.classes:
                    raise ValueError(f"{place}.rename leads to '{name}', which is not a class")
        return self

    @property
    def loss(self) -> str:
        """The loss to train with: the task's, or the goal's own."""
        return self.train.loss or LOSSES_OF[self.goal][0]

    @property
    def select(self) -> str:
        """The metric that chooses the epoch to keep."""
        return self.train.select or ("auroc" if self.goal == "category" else "kappa")

    @property
    def cut_points(self) -> CutRule:
        """How cut points of grades are found."""
        return self.predict.cut_points or "kappa"

    @property
    def outputs(self) -> int:
        """How many numbers the network gives for an image."""
        return len(self.classes) if self.goal == "category" else 1

    def with_changes(self, changes: dict[str, Any]) -> "Task":
        """Return the task with dotted keys changed, e.g. ``{"train.lr": 0.01}``, validated anew.

        Raises:
            TaskError: a key is unknown or a value doesn't fit.
        """
        from fastmed.taskfile import changed

        return changed(self, changes)


def _misfit(key: str, value: str, goal: str, fitting: tuple[str, ...]) -> str:
    return f"{key} = '{value}' does not fit goal = '{goal}', which takes {', '.join(fitting)}"
