"""The settings of augmentation: random changes of training images."""

from typing import Self

from pydantic import Field, model_validator

from fastmed.settings.part import Part


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
