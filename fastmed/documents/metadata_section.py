"""Metadata of a card: age, sex and whatever else is known, as counts that tell of no one."""

from typing import Any

import numpy as np
import pandas as pd

from fastmed.data.metadata import PREFIX, SHORTCUTS
from fastmed.data.tables import group_keys
from fastmed.settings.sources import PARTS
from fastmed.task import Task

FEWEST = 5  # of whom a summary may tell
MOST_VALUES = 20  # of a category, beyond which it is no category
_UNKNOWN = ("", "na", "n/a", "nan", "null", "unknown", "?", "none")
_NUMBERS = 0.9  # share of known values that are numbers, of a column of numbers

Table = dict[str, Any]


def metadata_section(items: pd.DataFrame, task: Task) -> dict[str, Table]:
    """Return a summary of each piece of metadata, by part; each patient counts once.

    Values that fewer than `FEWEST` have are not named, and no smallest or largest one is told.
    """
    columns = [column for column in items.columns if column.startswith(PREFIX)]
    patients = {part: _patients(items, part) for part in PARTS if (items["split"] == part).any()}
    used = items["split"].isin(PARTS)
    return {
        column.removeprefix(PREFIX): _summary(
            column.removeprefix(PREFIX), _texts(items.loc[used, column]), patients, task
        )
        for column in columns
    }


def _patients(items: pd.DataFrame, part: str) -> pd.Index:
    """Return the first row of each patient of a part."""
    rows = items.loc[items["split"] == part, ["group", "item"]]
    return rows.index[~pd.Series(group_keys(rows)).duplicated()]


def _summary(name: str, texts: pd.Series, patients: dict[str, pd.Index], task: Task) -> Table:
    known = texts[texts != ""]
    numbers = pd.to_numeric(known, errors="coerce")
    number = bool(len(known)) and float(numbers.notna().mean()) >= _NUMBERS
    return {
        "kind": "number" if number else "category",
        "input": name in task.meta,
        "shortcut": name in SHORTCUTS,
        "parts": {part: _of_part(texts[rows], number) for part, rows in patients.items()},
    }


def _of_part(values: pd.Series, number: bool) -> Table:
    known = values[values != ""]
    counts = {"n": len(values), "known": len(known)}
    return {**counts, **(_numbers(known) if number else _categories(known))}


def _texts(column: pd.Series) -> pd.Series:
    texts = column.map(lambda value: "" if pd.isna(value) else _plain(value))
    return texts.astype(object)


def _plain(value: object) -> str:
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    text = str(value).strip()
    return "" if text.casefold() in _UNKNOWN else text


def _numbers(known: pd.Series) -> Table:
    numbers = pd.to_numeric(known, errors="coerce").dropna().to_numpy(dtype=float)
    if len(numbers) < FEWEST:
        return dict.fromkeys(("mean", "sd", "median", "lower_quartile", "upper_quartile"))
    quartiles = np.percentile(numbers, [25, 50, 75])
    return {
        "mean": round(float(numbers.mean()), 4),
        "sd": round(float(numbers.std(ddof=1)), 4),
        "median": float(quartiles[1]),
        "lower_quartile": float(quartiles[0]),
        "upper_quartile": float(quartiles[2]),
    }


def _categories(known: pd.Series) -> Table:
    counts = known.value_counts()
    common = counts[counts >= FEWEST]
    common = common if len(common) <= MOST_VALUES else common[:0]
    rest = int(counts.sum() - common.sum())
    return {"values": {str(name): int(count) for name, count in common.items()}, "others": rest}
