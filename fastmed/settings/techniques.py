"""The settings of techniques: what is done to batches, gradients and weights while they train."""

from typing import Literal, Self

from pydantic import Field, model_validator

from fastmed.settings.part import Part

Precision = Literal["auto", "fp32", "bf16", "fp16"]
Speed = Literal["auto", "plain"]


class TechniqueSettings(Part):
    """What is done to batches, gradients and weights while a network trains.

    Attributes:
        accumulate: batches whose gradients are averaged for one step.
        clip: the largest norm of a step's gradient; a longer one is shortened to it.
        ema: decay of a moving average of the weights, which is validated and kept.
        mixup, cutmix: how strongly images are mixed: both parameters of the beta distribution
            that the shares are drawn from; 0 leaves them as they are.
        start_size: side of the training images in the first epoch; it grows to ``image.size``.
        grow_epochs: epochs in which it is smaller; None means two thirds of all.
        speed: ``auto`` computes steps in the way that is measured to be the quickest, ``plain`` as
            fastai does.
        precision: of the computations; ``auto`` leaves it to ``speed``: half precision on a GPU,
            full elsewhere, unless bf16 is measured to be quicker.
        channels_last: lay out images in memory pixel by pixel; None leaves it to ``speed``.
        compile: make the network's steps into one program, by ``torch.compile``; None leaves it
            to ``speed``.
        patience: epochs without a better one after which a phase ends.
    """

    accumulate: int = Field(1, ge=1)
    clip: float | None = Field(None, gt=0, allow_inf_nan=False)
    ema: float | None = Field(None, gt=0, lt=1)
    mixup: float = Field(0.0, ge=0, le=10)
    cutmix: float = Field(0.0, ge=0, le=10)
    start_size: int | None = Field(None, ge=8)
    grow_epochs: int | None = Field(None, ge=1)
    speed: Speed = "auto"
    precision: Precision = "auto"
    channels_last: bool | None = None
    compile: bool | None = None
    patience: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _techniques_fit_together(self) -> Self:
        if self.mixup and self.cutmix:
            raise ValueError("mixup and cutmix both mix the same batch; leave one of them out")
        if self.grow_epochs is not None and self.start_size is None:
            raise ValueError("grow_epochs has no effect without start_size")
        return self
