"""The settings of pixels: how a file becomes grey values or colours, and these the input."""

from typing import Any, Literal, Self, get_args

from pydantic import Field, FiniteFloat, field_validator, model_validator

from fastmed.settings.part import Part

Fit = Literal["letterbox", "pad", "squish", "crop"]
Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos"]
OperationName = Literal[
    "crop_background", "grayscale", "invert", "equalize", "clahe", "brightness", "contrast",
    "sharpness", "resize", "local_colour", "stain_normalize",
]  # fmt: skip
WindowName = Literal["lung", "bone", "soft_tissue", "mediastinum", "brain", "liver"]
WindowFunction = Literal["linear", "linear_exact", "sigmoid"]

# What each operation's amount may be: least, greatest, and what is taken where none is given;
# without that, one has to be given.
AMOUNTS: dict[str, tuple[float, float, float | None]] = {
    "crop_background": (0, 0.5, 0.02),  # margin around what is found, as a share of its sides
    "clahe": (1, 40, 2.0),  # clip limit, in multiples of an even histogram
    "brightness": (0.1, 10, None),  # factor
    "contrast": (0.1, 10, None),  # factor
    "sharpness": (0, 10, None),  # factor; below 1 softens
    "resize": (8, 8192, None),  # longer side, in pixels
    "local_colour": (0.002, 0.5, 1 / 60),  # width of the blur, as a share of the longer side
}
EXAMPLES = {"brightness": 1.2, "contrast": 1.2, "sharpness": 2, "resize": 1024}
FACTORS = ("brightness", "contrast", "sharpness")  # their amount 1 changes nothing
COLOUR_OPERATIONS = ("stain_normalize",)  # mean nothing for a grey image


class Normalization(Part):
    """The mean and standard deviation of each channel, on a scale of 0 to 1."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


class Window(Part):
    """A window of the values after the modality transformation (DICOM PS3.3 C.11.2)."""

    center: float = Field(allow_inf_nan=False)
    width: float = Field(gt=0, allow_inf_nan=False)
    function: WindowFunction = "linear"


class Operation(Part):
    """A fixed change of every image, in training, validation and prediction alike.

    Written as a table, or as text: ``"clahe"``, ``"clahe=3"``.

    Attributes:
        name: of the operation.
        amount: its one number; None takes the operation's own, and most have none.
    """

    name: OperationName
    amount: float | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, given: Any) -> Any:
        if not isinstance(given, str):
            return given
        name, sign, amount = (part.strip() for part in given.partition("="))
        return {"name": name, "amount": amount} if sign else {"name": name}

    @model_validator(mode="after")
    def _amount_fits(self) -> Self:
        if self.name not in AMOUNTS:
            if self.amount is not None:
                raise ValueError(f"{self.name} takes no amount")
            return self
        least, greatest, default = AMOUNTS[self.name]
        if self.amount is None and default is None:
            raise ValueError(
                f"{self.name} needs an amount between {least:g} and {greatest:g}, as in "
                f"'{self.name}={EXAMPLES[self.name]:g}'"
            )
        if self.amount is not None and not least <= self.amount <= greatest:
            raise ValueError(
                f"{self.name} = {self.amount:g} is not between {least:g} and {greatest:g}"
            )
        if self.name in FACTORS and self.amount == 1:
            raise ValueError(f"{self.name} = 1 changes nothing; leave it out")
        if self.name == "resize" and not self.value.is_integer():
            raise ValueError(f"resize = {self.amount:g} is not a whole number of pixels")
        return self

    @property
    def value(self) -> float:
        """The amount, or the operation's own where none is given; 0 if it has none."""
        if self.amount is not None:
            return self.amount
        return AMOUNTS.get(self.name, (0, 0, 0))[2] or 0.0


class ImageSettings(Part):
    """How an image becomes the network's square input.

    Attributes:
        size: side of the input, in pixels.
        channels: 3, or 1 for a network that takes one grey channel.
        operations: fixed changes before the image is fitted, in this order.
        fit: ``letterbox`` keeps all of the image and its shape on black, ``pad`` does so and
            continues the image's border, ``squish`` keeps all and distorts, ``crop`` resizes
            the shorter side to ``resize`` and cuts the centre.
        resize: only for ``crop``: the shorter side before the cut; None means ``size``.
        normalize: ``backbone`` takes the mean and deviation that the backbone was made for,
            ``data`` measures the training part, or both are given.
        window: of DICOM values, by name or by centre and width; None takes the file's own.
        scale: how values of more than 8 bits without a window become 0 to 1: ``declared`` by the
            range that the file declares, ``percentiles`` between the two percentiles of the
            image, ``auto`` by percentiles for DICOM of more than 8 bits, else as declared.
        percentiles: the two, of the image's values.
        value_range: what becomes black and white of values of more than 8 bits that are not
            DICOM's; None takes what the file declares, and refuses one that declares nothing.
        frame: which frame or page of several is taken.
        transparency: the ground that transparent images stand on, or ``refuse``.
    """

    size: int = Field(224, ge=8, le=4096)
    channels: Literal[1, 3] = 3
    operations: tuple[Operation, ...] = ()
    fit: Fit = "letterbox"
    resize: int | None = Field(None, ge=8, le=8192)
    interpolation: Interpolation = "bilinear"
    normalize: Literal["backbone", "data"] | Normalization = "backbone"
    window: WindowName | Window | None = None
    scale: Literal["auto", "declared", "percentiles"] = "auto"
    percentiles: tuple[float, float] = (0.5, 99.5)
    value_range: tuple[FiniteFloat, FiniteFloat] | None = None
    frame: Literal["first", "middle", "last"] | int = "first"
    transparency: Literal["black", "white", "refuse"] = "black"

    @field_validator("operations", mode="before")
    @classmethod
    def _several(cls, given: Any) -> Any:
        return [part for part in given.split(",") if part] if isinstance(given, str) else given

    @field_validator("frame")
    @classmethod
    def _frame_counts_from_zero(cls, frame: str | int) -> str | int:
        if isinstance(frame, int) and frame < 0:
            raise ValueError(f"frame = {frame}: frames are counted from 0")
        return frame

    @field_validator("percentiles", "value_range")
    @classmethod
    def _in_order(cls, pair: tuple[float, float] | None) -> tuple[float, float] | None:
        if pair is not None and not pair[0] < pair[1]:
            raise ValueError(f"{pair[0]:g} is not below {pair[1]:g}")
        return pair

    @field_validator("percentiles")
    @classmethod
    def _are_percent(cls, pair: tuple[float, float]) -> tuple[float, float]:
        if not (pair[0] >= 0 and pair[1] <= 100):
            raise ValueError(f"{pair[0]:g} and {pair[1]:g} are not between 0 and 100")
        return pair

    @model_validator(mode="after")
    def _resize_fits(self) -> Self:
        if self.resize is not None and self.fit != "crop":
            raise ValueError(f"resize has no effect with fit = '{self.fit}'; use fit = 'crop'")
        if self.resize is not None and self.resize < self.size:
            raise ValueError(f"resize = {self.resize} is smaller than size = {self.size}")
        return self

    @model_validator(mode="after")
    def _operations_have_their_colours(self) -> Self:
        names = [operation.name for operation in self.operations]
        if self.channels == 1 and "grayscale" in names:
            raise ValueError("grayscale has no effect with channels = 1, which is grey anyway")
        for name in COLOUR_OPERATIONS:
            if name in names and self.channels == 1:
                raise ValueError(f"{name} needs channels = 3")
            if name in names and "grayscale" in names[: names.index(name)]:
                raise ValueError(f"{name} needs colours, but grayscale comes before it")
        return self

    @model_validator(mode="after")
    def _one_rule_of_scale(self) -> Self:
        if self.value_range is not None and self.scale == "percentiles":
            raise ValueError(
                "value_range has no effect with scale = 'percentiles'; set one of them"
            )
        return self


OPERATION_NAMES: tuple[str, ...] = get_args(OperationName)
