"""The settings of prediction: views, cut points, and what probabilities mean."""

from typing import Literal

from pydantic import Field, field_validator

from fastmed.settings.part import Part

View = Literal["plain", "hflip", "vflip", "rot90", "rot180", "rot270", "transpose", "transverse"]
CutRule = Literal["kappa", "macro_f1", "round"]
Prior = Literal["natural", "balanced"]


class PredictSettings(Part):
    """How predictions are made.

    Attributes:
        views: fixed views of each image, predicted and averaged (test-time augmentation).
        cut_points: for grades: where the network's value turns into the next grade, fitted on
            the validation part for quadratic kappa or macro F1, or plainly rounded.
        calibrate: correct the probabilities of the network by what the validation part shows.
        prior: with a balanced training: correct probabilities to the class shares of the training
            part before it was balanced (``natural``), or leave those that the network met
            (``balanced``); None means ``natural``.
        positive: for categories: the class of interest, which operating points are for; None
            means the last of two classes.
    """

    views: tuple[View, ...] = Field(("plain",), min_length=1)
    cut_points: CutRule | None = None
    calibrate: bool = True
    prior: Prior | None = None
    positive: str | None = None

    @field_validator("views")
    @classmethod
    def _each_once(cls, views: tuple[str, ...]) -> tuple[str, ...]:
        repeated = sorted({view for view in views if views.count(view) > 1})
        if repeated:
            raise ValueError(f"view '{repeated[0]}' stands twice")
        return views
