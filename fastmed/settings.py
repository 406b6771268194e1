"""The settings of a task, part by part; names that a typo could miss are closed lists."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

Loss = Literal["cross_entropy", "smooth_l1", "mse", "l1"]
Optimizer = Literal["adam", "adamw", "adamax", "sgd", "rmsprop"]
Schedule = Literal["one_cycle", "flat_cosine", "cosine", "step", "constant"]
Metric = Literal["valid_loss", "accuracy", "balanced_accuracy", "macro_f1", "auroc", "kappa", "mae"]
View = Literal["plain", "hflip", "vflip", "rot90", "rot180", "rot270", "transpose", "transverse"]
CutRule = Literal["kappa", "macro_f1", "round"]
Pool = Literal["avg", "max", "concat"]

_KAGGLE = re.compile(r"competitions/[\w-]+|datasets/[\w-]+/[\w-]+(/versions/\d+)?", re.ASCII)

METADATA = "metadata"  # the name, in place of a backbone, of a network without images


def _plain(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
        raise ValueError(
            f"the name '{name}' of metadata may hold only small letters, digits and '_'"
        )
    return name


# The name of a piece of metadata; items have it in the column ``meta_<name>``.
MetaName = Annotated[str, AfterValidator(_plain)]


class Part(BaseModel):
    """A piece of a task: unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SplitSettings(Part):
    """How images are parted into train, valid and test.

    Attributes:
        method: ``auto`` keeps given parts and draws the missing ones, stratified by class and
            grouped by patient where patients are known; ``grouped`` is the same and refuses
            where no patient is known; ``stratified`` leaves patients aside; ``given`` draws
            nothing and refuses a missing part.
        valid, test: shares of the images to draw; 0 draws none.
        seed: of the draw.
        shared_patients: what to do where a given split has a patient on two sides.
    """

    method: Literal["auto", "given", "stratified", "grouped"] = "auto"
    valid: float = Field(0.2, ge=0, lt=1)
    test: float = Field(0.0, ge=0, lt=1)
    seed: int = Field(42, ge=0, lt=2**32)
    shared_patients: Literal["refuse", "accept"] = "refuse"

    @model_validator(mode="after")
    def _leaves_training(self) -> Self:
        if self.valid + self.test >= 1:
            raise ValueError(f"valid + test = {self.valid + self.test:g} leaves nothing to train")
        return self


class BalanceSettings(Part):
    """How rare classes are made up for, in the training part only.

    Attributes:
        method: ``per_class`` brings each class to ``count`` images (the source's own first,
            then the extra source's, above that a sample); ``class_weights`` weights the loss
            by the inverse frequency of each class.
        repeat: with ``per_class``, images of a class that stays short are used again.
    """

    method: Literal["none", "per_class", "class_weights"] = "none"
    count: int | None = Field(None, ge=1)
    repeat: bool = False

    @model_validator(mode="after")
    def _count_with_per_class(self) -> Self:
        if (self.method == "per_class") != (self.count is not None):
            raise ValueError("method = 'per_class' and count belong together")
        if self.repeat and self.method != "per_class":
            raise ValueError("repeat has an effect only with method = 'per_class'")
        return self


class AugmentSettings(Part):
    """Random changes of training images, drawn anew for each batch.

    Attributes:
        flip_horizontal, flip_vertical: probability of mirroring.
        rotate: largest angle, in degrees. zoom: largest factor. warp: largest perspective shift.
        light: largest relative change of brightness and contrast.
        hed: largest relative change of each dye of stained tissue; 0.1 is weak, 0.3 strong.
        affine_probability, light_probability: of rotation, zoom and warp, and of light.
        first_epoch, last_epoch: the epochs (from 1) with augmentation; None means the last.
    """

    flip_horizontal: float = Field(0.0, ge=0, le=1)
    flip_vertical: float = Field(0.0, ge=0, le=1)
    rotate: float = Field(0.0, ge=0, le=180)
    zoom: float = Field(1.0, ge=1, le=4)
    warp: float = Field(0.0, ge=0, le=1)
    light: float = Field(0.0, ge=0, lt=1)
    hed: float = Field(0.0, ge=0, lt=1)
    affine_probability: float = Field(0.75, ge=0, le=1)
    light_probability: float = Field(0.75, ge=0, le=1)
    first_epoch: int = Field(1, ge=1)
    last_epoch: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _epochs_in_order(self) -> Self:
        if self.last_epoch is not None and self.last_epoch < self.first_epoch:
            raise ValueError(
                f"last_epoch = {self.last_epoch} comes before first_epoch = {self.first_epoch}"
            )
        return self

    @property
    def active(self) -> bool:
        """True if any change can happen."""
        flips = self.flip_horizontal or self.flip_vertical
        turns = self.rotate or self.zoom > 1 or self.warp
        return bool(flips or turns or self.light or self.hed)


class HeadSettings(Part):
    """What stands on the backbone: pooling, BatchNorm, hidden layers with ReLU, dropout.

    Attributes:
        pool: of the backbone's feature map; ``concat`` is average and maximum side by side.
        hidden: widths of hidden linear layers; empty means one linear layer.
        dropout: before the last layer and between hidden ones.
        batch_norm: normalise the pooled features.
    """

    pool: Pool = "concat"
    hidden: tuple[Annotated[int, Field(ge=1)], ...] = (512,)
    dropout: float = Field(0.5, ge=0, lt=1)
    batch_norm: bool = True


class FetchSettings(Part):
    """Where the data set is fetched from.

    Attributes:
        kaggle: ``competitions/NAME`` or ``datasets/OWNER/NAME``; the first has the images of the
            source, the second those of the extra source.
        by_hand: where to get the data that no command can download, in words.
    """

    kaggle: tuple[str, ...] = Field((), max_length=2)
    by_hand: str | None = None

    @field_validator("kaggle")
    @classmethod
    def _named_as_on_kaggle(cls, handles: tuple[str, ...]) -> tuple[str, ...]:
        for handle in handles:
            if not _KAGGLE.fullmatch(handle):
                raise ValueError(
                    f"'{handle}' is not 'competitions/NAME' or 'datasets/OWNER/NAME', as in the "
                    "address of a page on kaggle.com"
                )
        return handles

    @field_validator("by_hand")
    @classmethod
    def _one_line(cls, text: str | None) -> str | None:
        if text is not None and not (text.strip() and text.isprintable()):
            raise ValueError(f"{text!r} is not a line of text")
        return text


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


class PredictSettings(Part):
    """How predictions are made.

    Attributes:
        views: fixed views of each image, predicted and averaged (test-time augmentation).
        cut_points: for grades: where the network's value turns into the next grade, fitted on
            the validation part for quadratic kappa or macro F1, or plainly rounded.
    """

    views: tuple[View, ...] = Field(("plain",), min_length=1)
    cut_points: CutRule | None = None

    @field_validator("views")
    @classmethod
    def _each_once(cls, views: tuple[str, ...]) -> tuple[str, ...]:
        repeated = sorted({view for view in views if views.count(view) > 1})
        if repeated:
            raise ValueError(f"view '{repeated[0]}' stands twice")
        return views
