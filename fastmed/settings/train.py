"""The settings of training: the network, its start, and how it is fitted."""

from typing import Literal, Self

from pydantic import Field, model_validator

from fastmed.settings.part import Part

Loss = Literal["cross_entropy", "smooth_l1", "mse", "l1"]
Optimizer = Literal["adam", "adamw", "adamax", "sgd", "rmsprop"]
Schedule = Literal["one_cycle", "flat_cosine", "cosine", "step", "constant"]
Metric = Literal["valid_loss", "accuracy", "balanced_accuracy", "macro_f1", "auroc", "kappa", "mae"]

METADATA = "metadata"  # the name, in place of a backbone, of a network without images


class TrainSettings(Part):
    """How the network is trained.

    Attributes:
        arch: a timm backbone, or its torchvision name; ``metadata`` looks at no image, but only
            at the task's ``meta``.
        pretrained: start from weights (timm's, or ``weights``); False starts from random ones.
        weights: what to start from: a file of weights (safetensors or a plain state dict) for the
            body, or a run folder, whose head is taken over, too, as far as it fits.
        epochs: with the whole network; ``freeze_epochs`` come before, with a frozen pretrained
            body. A random body is never frozen.
        loss, label_smoothing, opt, lr, weight_decay: None takes the goal's or optimizer's own.
        lr_spread: how many times slower the first layers of a pretrained body learn.
        schedule: of the learning rate; ``step`` multiplies it by ``step_factor`` every
            ``step_epochs`` epochs.
        select: the metric on the validation part that chooses the epoch to keep; None takes
            ``auroc`` for categories and ``kappa`` for grades.
        seed: of weights, batches and augmentation.
    """

    arch: str = "resnet18"
    pretrained: bool = True
    weights: str | None = None
    epochs: int = Field(10, ge=1)
    freeze_epochs: int = Field(0, ge=0)
    batch: int = Field(32, ge=1)
    loss: Loss | None = None
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    opt: Optimizer = "adamw"
    lr: float = Field(1e-3, gt=0)
    lr_spread: float = Field(100.0, ge=1)
    weight_decay: float | None = Field(None, ge=0)
    schedule: Schedule = "one_cycle"
    step_epochs: int | None = Field(None, ge=1)
    step_factor: float | None = Field(None, gt=0, lt=1)
    select: Metric | None = None
    seed: int = Field(42, ge=0, lt=2**32)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.schedule != "step" and (self.step_epochs or self.step_factor):
            raise ValueError(
                f"step_epochs and step_factor have no effect with schedule = '{self.schedule}'"
            )
        if self.weights is not None and not self.pretrained:
            raise ValueError("weights have no effect with pretrained = false")
        return self
