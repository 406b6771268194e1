"""What is known about a patient beside the image, as numbers that a network can take."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from fastmed import console
from fastmed.errors import DataError, RunError, listed, nearest
from fastmed.settings import Part

Encoded = NDArray[np.float32]

PREFIX = "meta_"
MOST_VALUES = 50  # of a category; what has more is a name or a date, which no network can learn
FARTHEST = 5.0  # deviations from the mean at which numbers are cut off
_EXACT = 2.0**53  # below it a float holds every whole number
_NOTHING = {"", "na", "n/a", "nan", "null", "unknown", "?"}
_DEVICE = "tells the device, and with it the ward or the hospital, where diseases are more common"
# What tells how or where an image was taken, and can be learnt instead of what is on it.
SHORTCUTS = {
    "view": "AP films are of sicker patients, who can't stand up for a PA film",
    **dict.fromkeys(("modality", "manufacturer", "model", "spacing", "rows", "columns"), _DEVICE),
}


class NumberField(Part):
    """A number, standardised by the training part: two columns, the number and 1 if missing.

    Attributes:
        mean, std: of the known values of the training part (std with n in the denominator).
    """

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


class MetadataEncoder(Part):
    """Turns the ``meta_*`` columns of items into numbers, as it was fitted on the training part."""

    fields: tuple[AnyField, ...] = Field(min_length=1)

    @classmethod
    def fit(cls, train: pd.DataFrame, names: Sequence[str]) -> Self:
        """Return an encoder of the named metadata.

        A column in which every known value is a number is a number, any other a category.

        Args:
            train: the items of the training part.

        Raises:
            DataError: a column is missing or empty, or has too many values for a category.
        """
        return cls(fields=tuple(_fit(name, _column(train, name)) for name in names))

    @classmethod
    def from_json(cls, content: Any) -> Self:
        """Return the encoder that a run keeps.

        Raises:
            RunError: the content is not what `to_json` gives.
        """
        try:
            return cls.model_validate({"fields": content})
        except ValidationError as error:
            problem = error.errors()[0]["msg"].lower()
            raise RunError(f"run.json: 'meta' does not encode metadata ({problem})") from None

    def to_json(self) -> list[dict[str, Any]]:
        """Return what `from_json` reads: the fields, plainly."""
        return [field.model_dump(mode="json") for field in self.fields]

    @property
    def names(self) -> list[str]:
        """The names of the metadata."""
        return [field.name for field in self.fields]

    @property
    def missing(self) -> Encoded:
        """The columns (width,) of an image about which nothing is known."""
        return np.array([number for field in self.fields for number in field.missing], np.float32)

    @property
    def owners(self) -> list[int]:
        """For each column the position of its field."""
        return [place for place, field in enumerate(self.fields) for _ in field.missing]

    def encode(self, items: pd.DataFrame) -> Encoded:
        """Return the metadata of items, (n, width); a column that isn't there is unknown."""
        return np.concatenate(
            [field.encode(_column(items, field.name)) for field in self.fields], axis=1
        )

    def encode_row(self, row: pd.Series) -> Encoded:
        """Return the metadata of one item, (width,)."""
        cells = [field.encode([row.get(PREFIX + field.name)])[0] for field in self.fields]
        return np.concatenate(cells)

    def decode(self, columns: Sequence[float]) -> str:
        """Return what columns (width,) say, as in ``age 49, sex F``."""
        parts = np.split(np.asarray(columns), np.flatnonzero(np.diff(self.owners)) + 1)
        told = zip(self.fields, parts, strict=True)
        return ", ".join(f"{field.name} {field.decode(part.tolist())}" for field, part in told)

    def unknown(self, items: pd.DataFrame) -> NDArray[np.bool_]:
        """Return (n, fields): True where nothing is known that the network could use."""
        ends = np.cumsum([len(field.missing) for field in self.fields]) - 1
        return self.encode(items)[:, ends] == 1


def check_metadata(items: pd.DataFrame, names: Sequence[str], kind: str) -> None:
    """Refuse metadata that the items don't have, and warn of known shortcuts.

    Args:
        kind: of the source, which says where metadata could come from.

    Raises:
        DataError: the first name that is unknown, and the nearest one.
    """
    known = [column.removeprefix(PREFIX) for column in items.columns if column.startswith(PREFIX)]
    for name in names:
        if name not in known:
            raise DataError(_cannot_be_had(name, known, kind))
    for name in names:
        if name in SHORTCUTS:
            console.warn(
                f"meta has '{name}', a known shortcut: {SHORTCUTS[name]}; what the network gains "
                "from it may be gone elsewhere"
            )


def tell_of_gaps(encoder: MetadataEncoder, items: pd.DataFrame) -> None:
    """Warn how many images have no metadata, or values that the network has never seen."""
    unknown = encoder.unknown(items)
    without, some = int(unknown.all(axis=1).sum()), int(unknown.any(axis=1).sum())
    named = ", ".join(encoder.names)
    if without:
        console.warn(
            f"{without} of {len(items)} images have no metadata ({named}): "
            "they are predicted without it"
        )
    if some > without:
        counts = zip(encoder.names, unknown[~unknown.all(axis=1)].sum(axis=0), strict=True)
        gaps = ", ".join(f"{name} of {count}" for name, count in counts if count)
        console.warn(f"of further images some metadata is unknown ({gaps})")
    for field in encoder.fields:
        strange = field.strange(_column(items, field.name))
        if strange:
            console.warn(
                f"meta_{field.name} has {listed(sorted(set(strange)), 3)}, unlike the training "
                f"part ({field.known}): taken as unknown in {len(strange)} images"
            )


def metadata_table(encoder: MetadataEncoder, train: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each field: its kind, how many training images have it, its values."""
    known = (~encoder.unknown(train)).sum(axis=0)
    return pd.DataFrame(
        {
            "metadata": encoder.names,
            "kind": [field.kind for field in encoder.fields],
            "known": [f"{count} of {len(train)}" for count in known],
            "values": [field.known for field in encoder.fields],
        }
    )


def _fit(name: str, column: Sequence[Any]) -> NumberField | CategoryField:
    texts = [text for text in _texts(column) if text]
    if not texts:
        raise DataError(
            f"meta = '{name}': no training image has it; check where it comes from, or leave it out"
        )
    numbers = _numbers(texts)
    if np.isfinite(numbers).all():
        return NumberField(name=name, mean=float(numbers.mean()), std=float(numbers.std()) or 1.0)
    values = sorted(set(texts))
    if len(values) > MOST_VALUES:
        raise DataError(
            f"meta = '{name}' has {len(values)} different texts in {len(texts)} training images, "
            f"such as {listed(values, 2)}; expected numbers, or at most {MOST_VALUES} categories"
        )
    return CategoryField(name=name, values=tuple(values))


def _column(items: pd.DataFrame, name: str) -> Sequence[Any]:
    """Return the values of one piece of metadata; nothing, where items don't have it."""
    column = PREFIX + name
    return items[column].tolist() if column in items.columns else [None] * len(items)


def _texts(values: Iterable[Any]) -> list[str]:
    """Return values as text; empty where nothing is known. Whole numbers have no decimals."""
    return [_text(value) for value in values]


def _text(value: Any) -> str:
    if pd.isna(value):
        return ""
    if isinstance(value, float | np.floating):
        whole = value == np.floor(value) and abs(value) < _EXACT
        return str(int(value)) if whole else repr(float(value))
    text = str(value).strip()
    return "" if text.casefold() in _NOTHING else text


def _numbers(texts: Sequence[str]) -> NDArray[np.float64]:
    """Return texts as finite numbers; not-a-number where they are something else."""
    numbers = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce").to_numpy(np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _cannot_be_had(name: str, known: Sequence[str], kind: str) -> str:
    if known:
        close = nearest(name, known) or f"; known are {', '.join(sorted(known))}"
        return f"there is no metadata '{name}'{close}"
    if kind == "table":
        return (
            f"there is no metadata '{name}': say which column of the table holds it, as in "
            f"`--set 'source.meta={{{name} = \"Column\"}}'`"
        )
    return (
        f"there is no metadata '{name}': {kind} hold only images and labels; use a source of kind "
        "table or dicom, or take `--set meta=[]`"
    )
