"""The settings of the optimizer and its rates."""

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from fastmed.settings.part import Part

Optimizer = Literal[
    "adam", "adamw", "adamax", "nadam", "radam", "qhadam", "adagrad", "adadelta", "adafactor",
    "sgd", "asgd", "rmsprop", "ranger", "lamb", "lars", "larc",
]  # fmt: skip
Schedule = Literal["one_cycle", "flat_cosine", "cosine", "step", "constant"]

# The momentum that each optimizer takes by itself; for Adam and its kin it is the first beta.
MOMENTUM = {
    "adam": 0.9, "adamw": 0.9, "adamax": 0.9, "nadam": 0.9, "radam": 0.9, "qhadam": 0.999,
    "sgd": 0.9, "rmsprop": 0.0, "ranger": 0.95, "lamb": 0.9, "lars": 0.9, "larc": 0.9,
}  # fmt: skip
LR_SPREAD = 100.0  # where the task says neither lr_spread nor layer_decay
_UNFIT = {
    "lbfgs": "computes the loss several times in each step",
    "muon": "takes matrices alone, and a network has other weights too",
    "rprop": "needs all images in one batch",
    "sparseadam": "is for sparse gradients, which no network here has",
}


class RateSettings(Part):
    """The optimizer, its rates, and their course.

    Attributes:
        opt: by PyTorch's or fastai's name, in any case.
        momentum, weight_decay: None takes the optimizer's own.
        lr: the highest learning rate, of the head.
        lr_spread: how many times slower the first layers of a pretrained body learn; None means
            `LR_SPREAD`, unless there is a ``layer_decay``.
        layer_decay: the rate of each block of a pretrained body, as a share of the rate of the
            block after it.
        schedule: of the learning rate; ``step`` multiplies it by ``step_factor`` every
            ``step_epochs`` epochs.
        warmup_epochs: in which the rate rises from a hundredth of its course to all of it.
    """

    opt: Optimizer = "adamw"
    momentum: float | None = Field(None, ge=0, lt=1)
    lr: float = Field(1e-3, gt=0)
    lr_spread: float | None = Field(None, ge=1)
    layer_decay: float | None = Field(None, gt=0, lt=1)
    weight_decay: float | None = Field(None, ge=0)
    schedule: Schedule = "one_cycle"
    step_epochs: int | None = Field(None, ge=1)
    step_factor: float | None = Field(None, gt=0, lt=1)
    warmup_epochs: float | None = Field(None, gt=0)

    @field_validator("opt", mode="before")
    @classmethod
    def _in_any_case(cls, name: Any) -> Any:
        if not isinstance(name, str):
            return name
        plain = name.lower()
        if plain in _UNFIT:
            raise ValueError(f"'{name}' can't train here: it {_UNFIT[plain]}")
        return plain

    @model_validator(mode="after")
    def _momentum_has_effect(self) -> Self:
        if self.momentum is None:
            return self
        if self.opt not in MOMENTUM:
            raise ValueError(f"momentum has no effect with opt = '{self.opt}'")
        if self.schedule == "one_cycle" and self.cycles_momentum:
            raise ValueError(
                "momentum has no effect with schedule = 'one_cycle', which moves it between 0.95 "
                "and 0.85"
            )
        return self

    @model_validator(mode="after")
    def _schedule_fits_together(self) -> Self:
        if self.schedule != "step" and (self.step_epochs or self.step_factor):
            raise ValueError(
                f"step_epochs and step_factor have no effect with schedule = '{self.schedule}'"
            )
        if self.schedule == "one_cycle" and self.warmup_epochs:
            raise ValueError(
                "warmup_epochs has no effect with schedule = 'one_cycle', which rises by itself"
            )
        return self

    @model_validator(mode="after")
    def _one_way_to_slow(self) -> Self:
        if self.lr_spread is not None and self.layer_decay is not None:
            raise ValueError(
                "lr_spread and layer_decay both say how the body is slowed; leave one of them out"
            )
        return self

    @property
    def cycles_momentum(self) -> bool:
        """True if one-cycle moves the optimizer's momentum."""
        return MOMENTUM.get(self.opt, 0) > 0
