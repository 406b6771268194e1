"""Metadata that a table of labels holds, as the columns ``meta_*`` of items."""

import math
import re
from collections.abc import Mapping

import pandas as pd

from fastmed.data.metadata import PREFIX
from fastmed.data.pixels.dicom import years

_AGE = re.compile(r"\d+(\.\d+)?\s*[A-Za-z]*")


def metadata_columns(sheet: pd.DataFrame, columns: Mapping[str, str]) -> dict[str, pd.Series]:
    """Return the columns of a sheet that hold metadata, named as in items.

    Ages may be written as in DICOM, such as ``058Y``; one that can't be true is unknown.

    Args:
        columns: name of the metadata -> column; columns that the sheet doesn't have are left out.
    """
    found = {name: sheet[column] for name, column in columns.items() if column in sheet.columns}
    if "age" in found:
        found["age"] = found["age"].map(_age)
    return {f"{PREFIX}{name}": column for name, column in found.items()}


def _age(text: str) -> str:
    age = years(text)
    if math.isnan(age):
        return "" if _AGE.fullmatch(text) else text
    return f"{age:.6g}"
