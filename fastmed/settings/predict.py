"""The settings of prediction: views, cut points, and what probabilities mean."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from fastmed.settings.codes import Code
from fastmed.settings.part import Part
from fastmed.settings.views import check_views

Average = Literal["probabilities", "logits"]
CutRule = Literal["kappa", "macro_f1", "round"]
Prior = Literal["natural", "balanced"]


class PredictSettings(Part):
    """How predictions are made.

    Attributes:
        views: fixed views of each image, predicted and averaged (test-time augmentation).
        average: for categories, and grades with steps: what is averaged over the views,
            ``probabilities`` or ``logits``, which weighs sure views more; None means
            ``probabilities``. Of values of grades it is the value.
        cut_points: for grades: where the network's value turns into the next grade, fitted on
            the validation part for quadratic kappa or macro F1, or plainly rounded.
        calibrate: correct the probabilities of the network by what the validation part shows.
        prior: with a balanced training: correct probabilities to the class shares of the training
            part before it was balanced (``natural``), or leave those that the network met
            (``balanced``); None means ``natural``.
        positive: for categories: the class of interest, which operating points are for; None
            means the last of two classes.
        codes: class -> what it is called in a terminology, for DICOM; others have private codes.
    """

    views: tuple[str, ...] = ("plain",)
    average: Average | None = None
    cut_points: CutRule | None = None
    calibrate: bool = True
    prior: Prior | None = None
    positive: str | None = None
    codes: dict[str, Code] = Field(default_factory=dict)

    @field_validator("views")
    @classmethod
    def _are_views(cls, views: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(check_views(views))

    @model_validator(mode="after")
    def _average_of_several(self) -> Self:
        if self.average is not None and len(self.views) == 1:
            raise ValueError(f"average = '{self.average}' has no effect with one view")
        return self
