"""One piece of metadata: a number or a category, and the columns that stand for it."""

import math
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from fastmed import console
from fastmed.errors import DataError, listed
from fastmed.settings.part import Part

Encoded = NDArray[np.float32]

MOST_VALUES = 50  # of a category; what has more is a name or a date, which no network can learn
FARTHEST = 5.0  # deviations from the mean at which numbers are cut off
_OTHERS = 0.1  # share of texts among numbers that are taken for slips of the pen
_LARGEST = 1e100  # of a number
_EXACT = 2.0**53  # below it a float holds every whole number
_NOTHING = {"", "na", "n/a", "nan", "null", "unknown", "?"}


class NumberField(Part):
    """A number, standardised by the training part: two columns, the number and 1 if missing.

    Attributes:
        mean, std: of the known values of the training part (std with n in the denominator).
    """

    strangeness: ClassVar = "which is no number"

    kind: Literal["number"] = "number"
    name: str
    mean: float
    std: float = Field(gt=0)

    @property
    def missing(self) -> list[float]:
        """The columns of an unknown value."""
        return [0.0, 1.0]

    @property
    def known(self) -> str:
        """What the training part had, in words."""
        return f"{self.mean:.4g} ± {self.std:.3g}"

    def encode(self, values: Iterable[Any]) -> Encoded:
        """Return (n, 2): deviations from the mean, at most `FARTHEST`, and the missing ones."""
        numbers = _numbers(_texts(values))
        missing = np.isnan(numbers)
        scaled = np.clip((numbers - self.mean) / self.std, -FARTHEST, FARTHEST)
        return np.stack([np.where(missing, 0, scaled), missing], axis=1).astype(np.float32)

    def decode(self, columns: Sequence[float]) -> str:
        """Return the number that columns (2,) stand for."""
        return "?" if columns[1] else f"{columns[0] * self.std + self.mean:.4g}"

    def strange(self, values: Iterable[Any]) -> list[str]:
        """Return what is there, but is no number."""
        texts = _texts(values)
        pairs = zip(texts, np.isnan(_numbers(texts)), strict=True)
        return [text for text, unread in pairs if text and unread]


class CategoryField(Part):
    """A text, one-hot by the values of the training part: a column for each, and 1 if missing.

    A value that the training part didn't have counts as missing.
    """

    strangeness: ClassVar = "which no training image has"

    kind: Literal["category"] = "category"
    name: str
    values: tuple[str, ...] = Field(min_length=1)

    @property
    def missing(self) -> list[float]:
        """The columns of an unknown value."""
        return [0.0] * len(self.values) + [1.0]

    @property
    def known(self) -> str:
        """What the training part had, in words."""
        return ", ".join(self.values[:8]) + (", ..." if len(self.values) > 8 else "")

    def encode(self, values: Iterable[Any]) -> Encoded:
        """Return (n, values + 1) of zeros and a one."""
        texts = np.array(_texts(values), dtype=object)
        hot = texts[:, None] == np.array(self.values, dtype=object)
        return np.concatenate([hot, ~hot.any(axis=1, keepdims=True)], axis=1).astype(np.float32)

    def decode(self, columns: Sequence[float]) -> str:
        """Return the value that columns (values + 1,) stand for."""
        return [*self.values, "?"][int(np.argmax(columns))]

    def strange(self, values: Iterable[Any]) -> list[str]:
        """Return values that the training part didn't have."""
        return [text for text in _texts(values) if text and text not in self.values]


AnyField = Annotated[NumberField | CategoryField, Field(discriminator="kind")]


def fit_field(name: str, values: Iterable[Any]) -> NumberField | CategoryField:
    """Return the field that values of the training part make.

    It is a number if at least nine of ten known values are numbers, else a category.

    Raises:
        DataError: no value is known, or there are too many different ones for a category.
    """
    texts = [text for text in _texts(values) if text]
    if not texts:
        raise DataError(
            f"meta = '{name}': no training image has it; check where it comes from, or leave it out"
        )
    if len(set(texts)) == 1:
        console.warn(f"meta_{name} is {texts[0]} in all training images, and so tells nothing")
    numbers = _numbers(texts)
    if np.isnan(numbers).mean() <= _OTHERS:
        return _number_field(name, numbers[~np.isnan(numbers)])
    distinct = sorted(set(texts))
    if len(distinct) > MOST_VALUES:
        raise DataError(
            f"meta = '{name}' has {len(distinct)} different texts in {len(texts)} training images, "
            f"such as {listed(distinct, 2)}; expected numbers, or at most {MOST_VALUES} categories"
        )
    return CategoryField(name=name, values=tuple(distinct))


def _number_field(name: str, numbers: NDArray[np.float64]) -> NumberField:
    return NumberField(name=name, mean=float(numbers.mean()), std=float(numbers.std()) or 1.0)


def _texts(values: Iterable[Any]) -> list[str]:
    """Return values as text; empty where nothing is known. Whole numbers have no decimals."""
    return [_text(value) for value in values]


def _text(value: Any) -> str:
    if pd.isna(value):
        return ""
    if isinstance(value, float | np.floating):
        number = float(value)
        return str(int(number)) if number.is_integer() and abs(number) < _EXACT else repr(number)
    text = str(value).strip()
    return "" if text.casefold() in _NOTHING else text


def _numbers(texts: Sequence[str]) -> NDArray[np.float64]:
    """Return texts as numbers; not-a-number where they are something else."""
    return np.array([_number(text) for text in texts], dtype=np.float64)


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return number if abs(number) < _LARGEST else math.nan
