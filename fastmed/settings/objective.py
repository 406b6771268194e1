"""The settings of the loss: what a training makes small."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from fastmed.settings.part import Part

Loss = Literal[
    "cross_entropy", "focal", "bce", "smooth_l1", "mse", "l1", "huber", "corn", "coral",
]  # fmt: skip
OwnLoss = Annotated[str, Field(pattern=r"^.+\.py:[A-Za-z_]\w*$")]  # FILE.py:NAME

LOSSES_OF: dict[str, tuple[str, ...]] = {
    "category": ("cross_entropy", "focal", "bce"),
    "grade": ("smooth_l1", "mse", "l1", "huber", "corn", "coral"),
}
ORDINAL = ("corn", "coral")  # have an output for each step from a grade to the next
WEIGHTED = ("cross_entropy", "focal", "bce")  # take weights of classes
SMOOTHED = ("cross_entropy", "bce")
OWN_NUMBER = {"focal_gamma": "focal", "smooth_l1_beta": "smooth_l1", "huber_delta": "huber"}


class LossSettings(Part):
    """What a training makes small.

    Attributes:
        loss: by its name here or in PyTorch, or a function of the user's as ``FILE.py:NAME``; None
            takes the goal's own.
        label_smoothing: how much of a label is spread over all classes.
        focal_gamma: how much less images count that are easy; None means 2.
        smooth_l1_beta, huber_delta: the distance from which a mistake counts by itself and no
            longer by its square; None means 1.
    """

    loss: Loss | OwnLoss | None = None
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    focal_gamma: float | None = Field(None, gt=0, le=10)
    smooth_l1_beta: float | None = Field(None, gt=0, allow_inf_nan=False)
    huber_delta: float | None = Field(None, gt=0, allow_inf_nan=False)

    @field_validator("loss", mode="before")
    @classmethod
    def _by_any_name(cls, name: Any) -> Any:
        if not isinstance(name, str) or ":" in name:
            return name
        if name.endswith(".py"):
            raise ValueError(f"'{name}' is a file; say which function of it, as in {name}:NAME")
        plain = re.sub(r"[\W_]", "", name).lower().removesuffix("loss")
        return _PLAIN.get(plain, name)

    @model_validator(mode="after")
    def _number_belongs_to_its_loss(self) -> Self:
        for setting, loss in OWN_NUMBER.items():
            if getattr(self, setting) is not None and self.loss not in (loss, None):
                raise ValueError(f"{setting} has no effect with loss = '{self.loss}'")
        return self


_PLAIN = {
    name.replace("_", ""): name for names in LOSSES_OF.values() for name in names
} | {"bcewithlogits": "bce"}  # fmt: skip


def is_own(loss: str) -> bool:
    """True for a function of the user's, ``FILE.py:NAME``."""
    return ":" in loss
