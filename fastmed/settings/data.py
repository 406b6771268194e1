"""The settings of data: patients, parts, balance, and where they are fetched from."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from fastmed.settings.part import Part

_KAGGLE = re.compile(r"competitions/[\w-]+|datasets/[\w-]+/[\w-]+(/versions/\d+)?", re.ASCII)


def _plain(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
        raise ValueError(
            f"the name '{name}' of metadata may hold only small letters, digits and '_'"
        )
    return name


# The name of a piece of metadata; items have it in the column ``meta_<name>``.
MetaName = Annotated[str, AfterValidator(_plain)]


class SplitSettings(Part):
    """How images are parted into train, valid and test.

    Attributes:
        method: ``auto`` keeps given parts and draws the missing ones, stratified by class and
            grouped by patient where patients are known; ``grouped`` is the same and refuses
            where no patient is known; ``stratified`` leaves patients aside; ``given`` draws
            nothing and refuses a missing part.
        valid, test: shares of the images to draw; 0 draws none.
        seed: of the draw.
    """

    method: Literal["auto", "given", "stratified", "grouped"] = "auto"
    valid: float = Field(0.2, ge=0, lt=1)
    test: float = Field(0.0, ge=0, lt=1)
    seed: int = Field(42, ge=0, lt=2**32)

    @model_validator(mode="after")
    def _leaves_training(self) -> Self:
        if self.valid + self.test >= 1:
            raise ValueError(f"valid + test = {self.valid + self.test:g} leaves nothing to train")
        return self


class BalanceSettings(Part):
    """How rare classes are made up for, in the training part only.

    Attributes:
        method: ``per_class`` brings each class to ``count`` images (the source's own first,
            then the extra source's, above that a sample); ``sampler`` draws the images of each
            epoch anew, so that every class comes as often; ``class_weights`` weights the loss
            by the inverse frequency of each class.
        repeat: with ``per_class``, images of a class that stays short are used again.
        beta: with ``class_weights``, weights by the inverse of each class's effective number of
            images instead (arXiv 1901.05555); near 1 that is the frequency.
    """

    method: Literal["none", "per_class", "sampler", "class_weights"] = "none"
    count: int | None = Field(None, ge=1)
    repeat: bool = False
    beta: float | None = Field(None, gt=0, lt=1)

    @model_validator(mode="after")
    def _count_with_per_class(self) -> Self:
        if (self.method == "per_class") != (self.count is not None):
            raise ValueError("method = 'per_class' and count belong together")
        if self.repeat and self.method != "per_class":
            raise ValueError("repeat has an effect only with method = 'per_class'")
        if self.beta is not None and self.method != "class_weights":
            raise ValueError("beta has an effect only with method = 'class_weights'")
        return self


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
