"""The few fields of a header that reach a table, by a list of allowed ones."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from fastmed.data.pixels.dicom import square
from fastmed.data.pixels.dicom.container import open_container
from fastmed.data.pixels.dicom.fields import Fields
from fastmed.data.pixels.dicom.limits import STANDARD, Limits
from fastmed.data.pixels.dicom.read import clear_reason
from fastmed.data.pixels.dicom.square import spacing_of

Value = float | str

UNKNOWN = float("nan")
_OLDEST = 120  # years; what is older is a slip of the pen
_LONGEST = 64  # letters of a field (PS3.5, 6.2)
_AGE = re.compile(r"(\d{1,4}(?:\.\d+)?)\s*([a-z]*)\.?", re.IGNORECASE)
_YEARS = {"d": 1 / 365.25, "w": 7 / 365.25, "m": 1 / 12, "y": 1.0, "": 1.0}
_UNITS = {"day": "d", "week": "w", "wk": "w", "month": "m", "mo": "m", "year": "y", "yr": "y"}
_SEXES = {"m": "M", "male": "M", "f": "F", "female": "F", "o": "O", "other": "O"}


def years(age: str) -> float:
    """Return an age in years, not-a-number if it is unknown or can't be true.

    ``049Y``, ``49``, ``49 Y``, ``006M``, ``3D``, ``2 weeks`` and the like: the unit is years
    where none is given.
    """
    match = _AGE.fullmatch(age.strip())
    if not match:
        return UNKNOWN
    word = match[2].lower()
    unit = _UNITS.get(word.removesuffix("s"), word)
    value = float(match[1]) * _YEARS.get(unit, UNKNOWN)
    return value if value <= _OLDEST else UNKNOWN


class Header(NamedTuple):
    """What of a header may reach a table.

    Attributes:
        meta: column -> value, not-a-number or empty where the file doesn't say it.
        identifier: text of the field that was asked for; it names a person, and must be made a
            pseudonym before it is written anywhere.
    """

    meta: dict[str, Value]
    identifier: str


def read_header(path: Path, tag: str | None = None, limits: Limits = STANDARD) -> Header:
    """Return the allowed fields of a header, and one more that tells patients apart.

    Raises:
        DataError: the file is not DICOM or is broken.
    """
    keywords = {keyword for _, keyword in _COLUMNS.values()}.union(
        square.FIELDS, [tag] if tag else []
    )
    with clear_reason(path), open_container(path, limits) as container:
        fields = Fields(container.dataset([*keywords]))
        meta = {column: read(fields, keyword) for column, (read, keyword) in _COLUMNS.items()}
        return Header(meta, fields.text(tag) if tag else "")


def _age(fields: Fields, keyword: str) -> Value:
    return years(fields.text(keyword))


def _sex(fields: Fields, keyword: str) -> Value:
    return _SEXES.get(fields.text(keyword).lower(), "")


def _code(fields: Fields, keyword: str) -> Value:
    return _plain(fields.text(keyword)).upper()


def _name(fields: Fields, keyword: str) -> Value:
    return _plain(fields.text(keyword))


def _count(fields: Fields, keyword: str) -> Value:
    number = fields.whole(keyword)
    return UNKNOWN if number is None else number


def _spacing(fields: Fields, keyword: str) -> Value:
    size = spacing_of(fields, index=0)
    return UNKNOWN if size is None else size.height


def _plain(text: str) -> str:
    """Return a text in one line, without what doesn't print."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.split())[:_LONGEST]


# Column of items -> how it is read, and from which field. No other field reaches a table.
_COLUMNS: dict[str, tuple[Callable[[Fields, str], Value], str]] = {
    "meta_age": (_age, "PatientAge"),
    "meta_sex": (_sex, "PatientSex"),
    "meta_view": (_code, "ViewPosition"),
    "meta_modality": (_code, "Modality"),
    "meta_manufacturer": (_name, "Manufacturer"),
    "meta_model": (_name, "ManufacturerModelName"),
    "meta_spacing": (_spacing, "PixelSpacing"),
    "meta_rows": (_count, "Rows"),
    "meta_columns": (_count, "Columns"),
    "meta_photometric": (_code, "PhotometricInterpretation"),
}
HEADER = tuple(_COLUMNS)
_NUMBERS = (_age, _spacing, _count)
BLANK = Header(
    {name: UNKNOWN if read in _NUMBERS else "" for name, (read, _) in _COLUMNS.items()}, ""
)
