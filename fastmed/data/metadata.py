"""What is known about a patient beside the image, as numbers that a network can take."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from fastmed import console
from fastmed.data.metadata_fields import AnyField, Encoded, fit_field
from fastmed.errors import DataError, RunError, listed, nearest
from fastmed.settings.part import Part

PREFIX = "meta_"
_DEVICE = "tells the device, and with it the ward or the hospital, where diseases are more common"
# What tells how or where an image was taken, and can be learnt instead of what is on it.
SHORTCUTS = {
    "view": "AP films are of sicker patients, who can't stand up for a PA film",
    **dict.fromkeys(("modality", "manufacturer", "model", "spacing", "photometric"), _DEVICE),
    **dict.fromkeys(("rows", "columns"), _DEVICE),
}


class MetadataEncoder(Part):
    """Turns the ``meta_*`` columns of items into numbers, as it was fitted on the training part."""

    fields: tuple[AnyField, ...] = Field(min_length=1)

    @classmethod
    def fit(cls, train: pd.DataFrame, names: Sequence[str]) -> Self:
        """Return an encoder of the named metadata.

        Args:
            train: the items of the training part.

        Raises:
            DataError: a column is missing or empty, or has too many values for a category.
        """
        return cls(fields=tuple(fit_field(name, _column(train, name)) for name in names))

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
        unknown: NDArray[np.bool_] = self.encode(items)[:, ends] == 1
        return unknown


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


class Gaps:
    """Counts images that have no metadata, or values that the network has never seen."""

    def __init__(self, encoder: MetadataEncoder) -> None:
        self.encoder = encoder
        self.images = self.without = 0
        self._partly = np.zeros(len(encoder.names), dtype=int)
        self._strange: dict[str, Counter[Any]] = {name: Counter() for name in encoder.names}

    def add(self, items: pd.DataFrame) -> None:
        """Count items."""
        if items.empty:
            return
        unknown = self.encoder.unknown(items)
        self.images += len(items)
        self.without += int(unknown.all(axis=1).sum())
        self._partly += unknown[~unknown.all(axis=1)].sum(axis=0)
        for field in self.encoder.fields:
            self._strange[field.name].update(field.strange(_column(items, field.name)))

    def tell(self) -> None:
        """Warn of what was counted."""
        if self.without:
            console.warn(
                f"{self.without} of {self.images} images have no metadata "
                f"({', '.join(self.encoder.names)}): they are predicted without it"
            )
        if self._partly.any():
            counts = zip(self.encoder.names, self._partly, strict=True)
            gaps = ", ".join(f"{name} ({count})" for name, count in counts if count)
            console.warn(f"some images lack a part of their metadata: {gaps}")
        self.tell_of_strange()

    def tell_of_strange(self) -> None:
        """Warn of values that are not as those that the encoder was fitted on."""
        for field in self.encoder.fields:
            if found := self._strange[field.name]:
                console.warn(
                    f"meta_{field.name} has {listed(sorted(found), 3)}, {field.strangeness}: "
                    f"taken as unknown (images: {found.total()})"
                )


def tell_of_gaps(encoder: MetadataEncoder, items: pd.DataFrame) -> None:
    """Warn how many images have no metadata, or values that the network has never seen."""
    gaps = Gaps(encoder)
    gaps.add(items)
    gaps.tell()


def tell_of_strange(encoder: MetadataEncoder, items: pd.DataFrame) -> None:
    """Warn of values that are not as those that the encoder was fitted on."""
    gaps = Gaps(encoder)
    gaps.add(items)
    gaps.tell_of_strange()


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


def _column(items: pd.DataFrame, name: str) -> Sequence[Any]:
    """Return the values of one piece of metadata; nothing, where items don't have it."""
    column = PREFIX + name
    return items[column].tolist() if column in items.columns else [None] * len(items)


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
