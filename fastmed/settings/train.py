"""The settings of training: the network, its start, and how it is fitted."""

from typing import Literal, Self

from pydantic import Field, model_validator

from fastmed.settings.objective import LossSettings
from fastmed.settings.rates import RateSettings
from fastmed.settings.techniques import TechniqueSettings

Metric = Literal["valid_loss", "accuracy", "balanced_accuracy", "macro_f1", "auroc", "kappa", "mae"]

METADATA = "metadata"  # the name, in place of a backbone, of a network without images


class TrainSettings(LossSettings, RateSettings, TechniqueSettings):
    """How the network is trained; the loss, the rates and the techniques have their own rooms.

    Attributes:
        arch: a timm backbone or its torchvision name, a Python file of the user's
            (``my_net.py:Net``), or a model of a hub (``hf-hub:OWNER/NAME``); ``metadata`` looks at
            no image, but only at the task's ``meta``.
        pretrained: start from weights (timm's, or ``weights``); False starts from random ones.
        weights: what to start from: a file of weights (safetensors or a plain state dict) for the
            body, or a run folder, whose head is taken over, too, as far as it fits.
        epochs: with the whole network; ``freeze_epochs`` come before, with a frozen pretrained
            body. A random body is never frozen. 0 leaves the body as it is.
        select: the metric on the validation part that chooses the epoch to keep; None takes
            ``auroc`` for categories and ``kappa`` for grades.
        seed: of weights, batches and augmentation.
        test_each_epoch: measure the test part after each epoch, too; it never chooses an epoch.
        save_every: keep the checkpoint of every Nth epoch, beside the best and the last one.
    """

    arch: str = "resnet18"
    pretrained: bool = True
    weights: str | None = None
    epochs: int = Field(10, ge=0)
    freeze_epochs: int = Field(0, ge=0)
    batch: int = Field(32, ge=1)
    select: Metric | None = None
    seed: int = Field(42, ge=0, lt=2**32)
    test_each_epoch: bool = False
    save_every: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.weights is not None and not self.pretrained:
            raise ValueError("weights have no effect with pretrained = false")
        if self.layer_decay is not None and not self.pretrained:
            raise ValueError("layer_decay has no effect with pretrained = false")
        return self

    @model_validator(mode="after")
    def _mixes_with_another_image(self) -> Self:
        if (self.mixup or self.cutmix) and self.batch < 2:
            raise ValueError(f"images can't be mixed with batch = {self.batch}; use 2 or more")
        return self

    @model_validator(mode="after")
    def _epochs_are_enough(self) -> Self:
        if not self.all_epochs:
            raise ValueError("epochs = 0 trains nothing without frozen epochs of a pretrained body")
        if self.warmup_epochs is not None and self.warmup_epochs >= self.epochs:
            raise ValueError(
                f"warmup_epochs = {self.warmup_epochs:g} leaves none of {self.epochs} epochs at "
                "the full rate"
            )
        if self.start_size is not None and (self.grow_epochs or 1) >= self.all_epochs:
            raise ValueError(
                f"start_size leaves none of {self.all_epochs} epochs at the full size; have more "
                "epochs, or fewer grow_epochs"
            )
        if self.save_every is not None and self.save_every >= self.all_epochs:
            raise ValueError(
                f"save_every = {self.save_every} has no effect in {self.all_epochs} epochs: the "
                "best and the last one are kept anyway"
            )
        longest = max(self.epochs, self.all_epochs - self.epochs)
        if self.patience is not None and self.patience + 1 >= longest:
            raise ValueError(f"patience = {self.patience} has no effect in {longest} epochs")
        return self

    @property
    def all_epochs(self) -> int:
        """Epochs of all phases together."""
        return self.epochs + (self.freeze_epochs if self.pretrained else 0)
