"""A task: the frozen, typed description of what is learnt, from which files, and how."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Goal = Literal["category", "grade"]
Loss = Literal["cross_entropy", "smooth_l1", "mse", "l1"]
Optimizer = Literal["adam", "adamw", "adamax", "sgd", "rmsprop"]
Schedule = Literal["one_cycle", "flat_cosine", "cosine", "step", "constant"]
Metric = Literal["valid_loss", "accuracy", "balanced_accuracy", "macro_f1", "auroc", "kappa", "mae"]
View = Literal["plain", "hflip", "vflip", "rot90", "rot180", "rot270", "transpose", "transverse"]
CutRule = Literal["kappa", "macro_f1", "round"]
Pool = Literal["avg", "max", "concat"]
Fit = Literal["letterbox", "squish", "crop"]
Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos"]

LOSSES_OF: dict[str, tuple[str, ...]] = {
    "category": ("cross_entropy",),
    "grade": ("smooth_l1", "mse", "l1"),
}
METRICS_OF: dict[str, tuple[str, ...]] = {
    "category": ("valid_loss", "accuracy", "balanced_accuracy", "macro_f1", "auroc"),
    "grade": ("valid_loss", "accuracy", "balanced_accuracy", "macro_f1", "kappa", "mae"),
}
PARTS = ("train", "valid", "test")


class Part(BaseModel):
    """A piece of a task: unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Group(Part):
    """Which images belong to one patient; exactly one of three ways to know.

    Attributes:
        column: a column of the source's table.
        tag: a DICOM keyword, such as ``PatientID``.
        pattern: a regular expression searched in the file name; its first group (or the whole
            match) names the patient. An image without a match is a patient of its own.
    """

    column: str | None = None
    tag: str | None = None
    pattern: str | None = None

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"'{pattern}' is not a regular expression ({error})") from None
        return pattern

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(way is not None for way in (self.column, self.tag, self.pattern)) != 1:
            raise ValueError("expected exactly one of 'column', 'tag', 'pattern'")
        return self


class Source(Part):
    """What every kind of source has.

    Attributes:
        group: how patients are known; None where nothing is known about them.
        rename: what the files say -> the class of the task, for labels written otherwise.
    """

    group: Group | None = None
    rename: dict[str, str] = {}

    def _refuse_group(self, *ways: str) -> None:
        for way in ways:
            if self.group is not None and getattr(self.group, way) is not None:
                raise ValueError(f"group.{way} has no meaning for a source of this kind")


class FoldersSource(Source):
    """One folder a class, with or without ``train``/``valid``/``test`` folders above."""

    kind: Literal["folders"]
    folder: str = "."

    @model_validator(mode="after")
    def _groups(self) -> Self:
        self._refuse_group("column", "tag")
        return self


class TableSource(Source):
    """A table of names and labels, and one or several folders of images.

    Attributes:
        file: the table; ``valid_file`` and ``test_file`` hold given parts with the same columns.
        image, label: columns of the image's name and of its label.
        part: a column that says train, valid or test.
        folder: where the images are; with several folders the first that has the file wins.
        suffix: appended to the names, where the table leaves it out.
        separator: between columns; None finds it out.
    """

    kind: Literal["table"]
    file: str
    image: str
    label: str
    valid_file: str | None = None
    test_file: str | None = None
    part: str | None = None
    folder: str | tuple[str, ...] = "."
    suffix: str = ""
    separator: str | None = None

    @model_validator(mode="after")
    def _groups(self) -> Self:
        self._refuse_group("tag")
        return self


class ArraysSource(Source):
    """NPZ files of uint8 images (N, H, W) or (N, H, W, 3) and labels (N,) or (N, 1).

    Attributes:
        file: the arrays ``data`` and ``labels``, or MedMNIST's ``train_images``,
            ``train_labels``, ``val_...`` and ``test_...`` in one file.
        valid_file, test_file: given parts, with the same array names.
        label_file: where the labels of ``file`` are, if they lie in a second NPZ file.
        data, labels: the names of the arrays.
    """

    kind: Literal["arrays"]
    file: str
    valid_file: str | None = None
    test_file: str | None = None
    label_file: str | None = None
    data: str = "data"
    labels: str = "labels"

    @model_validator(mode="after")
    def _groups(self) -> Self:
        self._refuse_group("column", "tag", "pattern")
        return self


class DicomSource(Source):
    """A folder of DICOM files and a table of labels; rows that repeat an image are merged.

    Attributes:
        file, image, label, separator: the table of labels, as for a table source.
        folder: where the files are; ``suffix`` is appended to the table's names.
    """

    kind: Literal["dicom"]
    file: str
    image: str
    label: str
    folder: str = "."
    suffix: str = ".dcm"
    separator: str | None = None


AnySource = Annotated[
    FoldersSource | TableSource | ArraysSource | DicomSource, Field(discriminator="kind")
]


class Normalization(Part):
    """The mean and standard deviation of each channel, on a scale of 0 to 1."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


class ImageSettings(Part):
    """How an image becomes the network's square input.

    Attributes:
        size: side of the input, in pixels.
        fit: ``letterbox`` keeps all of the image and its shape, ``squish`` keeps all and
            distorts, ``crop`` resizes the shorter side to ``resize`` and cuts the centre.
        resize: only for ``crop``: the shorter side before the cut; None means ``size``.
        normalize: ``backbone`` takes the mean and deviation that the backbone was made for,
            ``data`` measures the training part, or both are given.
    """

    size: int = Field(224, ge=8, le=4096)
    fit: Fit = "letterbox"
    resize: int | None = Field(None, ge=8, le=8192)
    interpolation: Interpolation = "bilinear"
    normalize: Literal["backbone", "data"] | Normalization = "backbone"

    @model_validator(mode="after")
    def _resize_fits(self) -> Self:
        if self.resize is not None and self.fit != "crop":
            raise ValueError(f"resize has no effect with fit = '{self.fit}'; use fit = 'crop'")
        if self.resize is not None and self.resize < self.size:
            raise ValueError(f"resize = {self.resize} is smaller than size = {self.size}")
        return self


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
    seed: int = 42
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
        affine_probability, light_probability: of rotation, zoom and warp, and of light.
        first_epoch, last_epoch: the epochs (from 1) with augmentation; None means the last.
    """

    flip_horizontal: float = Field(0.0, ge=0, le=1)
    flip_vertical: float = Field(0.0, ge=0, le=1)
    rotate: float = Field(0.0, ge=0, le=180)
    zoom: float = Field(1.0, ge=1, le=4)
    warp: float = Field(0.0, ge=0, le=1)
    light: float = Field(0.0, ge=0, lt=1)
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
        return bool(flips or self.rotate or self.zoom > 1 or self.warp or self.light)


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


class TrainSettings(Part):
    """How the network is trained.

    Attributes:
        arch: a timm backbone, or its torchvision name.
        pretrained: start from weights (timm's, or ``weights``); False starts from random ones.
        weights: a file of weights (safetensors or a plain state dict) to start from.
        epochs: with the whole network; ``freeze_epochs`` come before, with a frozen pretrained
            body. A random body is never frozen.
        loss, label_smoothing, opt, lr, weight_decay: None takes the goal's or optimizer's own.
        lr_spread: how many times slower the first layers of a pretrained body learn.
        schedule: of the learning rate; ``step`` multiplies it by ``step_factor`` every
            ``step_epochs`` epochs.
        select: the metric on the validation part that chooses the epoch to keep; None takes
            ``macro_f1`` for categories and ``kappa`` for grades.
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
    seed: int = 42

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
        return self.train.select or ("macro_f1" if self.goal == "category" else "kappa")

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
