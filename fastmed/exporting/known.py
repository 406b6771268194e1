"""Metadata as inputs of an exported network: raw values, which are coded inside."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from fastmed.data.metadata import PREFIX, MetadataEncoder
from fastmed.data.metadata_fields import FARTHEST, CategoryField, NumberField

UNKNOWN = -1  # the place of a category that is not known


class Coded(nn.Module):
    """Codes raw metadata as `MetadataEncoder` does.

    A number comes as float32 (B,), not-a-number where it is unknown; a category as the place of its
    value among those of the training part, int64 (B,), and any other place where it is unknown.
    """

    def __init__(self, encoder: MetadataEncoder) -> None:
        super().__init__()
        self.fields = encoder.fields

    def forward(self, *values: Tensor) -> Tensor:
        """Return the coded metadata (B, width) of a value for each field."""
        pairs = zip(self.fields, values, strict=True)
        return torch.cat([_coded(field, given) for field, given in pairs], dim=1)


def _coded(field: NumberField | CategoryField, given: Tensor) -> Tensor:
    if isinstance(field, CategoryField):
        hot = given[:, None] == torch.arange(len(field.values))
        return torch.cat([hot, ~hot.any(1, keepdim=True)], dim=1).to(torch.float32)
    unknown = torch.isnan(given) | torch.isinf(given)
    scaled = ((given - field.mean) / field.std).clamp(-FARTHEST, FARTHEST)
    return torch.stack([torch.where(unknown, 0.0, scaled), unknown.to(torch.float32)], dim=1)


def input_name(field: NumberField | CategoryField) -> str:
    """Return the name of a field's input."""
    return PREFIX + field.name


def described(encoder: MetadataEncoder) -> list[dict[str, Any]]:
    """Return what a user has to know of each input, ready for JSON."""
    return [
        {
            "name": input_name(field),
            "type": "int64",
            "shape": ["batch"],
            "meaning": "the place of the value in 'values', from 0",
            "values": list(field.values),
            "unknown": UNKNOWN,
        }
        if isinstance(field, CategoryField)
        else {
            "name": input_name(field),
            "type": "float32",
            "shape": ["batch"],
            "meaning": f"a number; in training {field.known}",
            "unknown": "NaN",
        }
        for field in encoder.fields
    ]


def given_values(encoder: MetadataEncoder, items: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return the raw inputs (n,) of items, by name; a column that isn't there is unknown."""
    coded = np.split(encoder.encode(items), _ends(encoder.owners), axis=1)
    pairs = zip(encoder.fields, coded, strict=True)
    return {input_name(field): _raw(field, columns) for field, columns in pairs}


def examples(encoder: MetadataEncoder, count: int) -> list[Tensor]:
    """Return raw inputs (count,) of which nothing is known, to trace a network with."""
    return [
        torch.full((count,), UNKNOWN, dtype=torch.int64)
        if isinstance(field, CategoryField)
        else torch.full((count,), torch.nan)
        for field in encoder.fields
    ]


def _raw(field: NumberField | CategoryField, columns: np.ndarray) -> np.ndarray:
    """Return what columns (n, width) stand for."""
    unknown = columns[:, -1] == 1
    if isinstance(field, CategoryField):
        return np.where(unknown, UNKNOWN, columns[:, :-1].argmax(1)).astype(np.int64)
    numbers = columns[:, 0].astype(np.float64) * field.std + field.mean
    return np.where(unknown, np.nan, numbers).astype(np.float32)


def _ends(owners: Sequence[int]) -> np.ndarray:
    return np.flatnonzero(np.diff(owners)) + 1
