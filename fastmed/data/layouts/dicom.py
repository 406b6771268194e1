"""DICOM files beside a table of labels in which an image may stand several times."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from fastmed import console
from fastmed.data.layouts.labels import to_classes
from fastmed.data.layouts.metadata_columns import metadata_columns
from fastmed.data.layouts.rows import groups_by_pattern, merge_repeated, rows_of, settle_missing
from fastmed.data.layouts.sheets import read_sheet, require_columns
from fastmed.data.pixels.dicom import BLANK, HEADER, Header, read_header
from fastmed.errors import DataError, nearest
from fastmed.settings.sources import DicomSource
from fastmed.state import pseudonyms


def read_dicom_source(
    source: DicomSource, root: Path, classes: Sequence[str], skip_bad: bool = False
) -> pd.DataFrame:
    """Return one row for each image of the table, with the allowed fields of its header.

    Raises:
        DataError: a file or column is missing, a row contradicts another or has no image.
    """
    sheet = read_sheet(root / source.file, source.separator)
    column = source.group.column if source.group else None
    wanted = [source.image, source.label, *filter(None, [column]), *source.meta.values()]
    require_columns(sheet, wanted, root / source.file)
    names = sheet[source.image].rename(source.file)
    rows = rows_of(names, sheet[source.label], root, [source.folder], [source.suffix])
    rows = rows.assign(split="", group=sheet[column] if column else "")
    rows = rows.assign(**metadata_columns(sheet, source.meta))
    rows = merge_repeated(rows)
    rows["target"] = to_classes(rows["label"], rows["place"], classes, source.rename)
    rows = settle_missing(rows, f"folder '{source.folder}'", skip_bad)
    if source.group is not None and source.group.pattern:
        rows["group"] = groups_by_pattern(rows["item"], source.group)
    return with_headers(rows, root, source.group.tag if source.group else None)


def with_headers(rows: pd.DataFrame, root: Path, tag: str | None = None) -> pd.DataFrame:
    """Return the rows with the allowed header fields, and the patient from a tag if one is given.

    Metadata that the rows have already stays. A header that can't be read leaves its fields
    empty; the pixels of that file tell why. What the tag says is not kept, but a pseudonym of it.

    Raises:
        DataError: DICOM has no such tag.
    """
    if tag is not None:
        _check_keyword(tag)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(lambda image: _header(root, image, tag), rows["image"])
        headers = list(console.progress(found, "Reading headers", len(rows)))
    table = pd.DataFrame([header.meta for header in headers], index=rows.index, columns=HEADER)
    table = table.drop(columns=[name for name in HEADER if name in rows])
    if tag is not None:
        table["group"] = pseudonyms(header.identifier for header in headers)
    return rows.drop(columns=table.columns, errors="ignore").join(table)


def _check_keyword(tag: str) -> None:
    from pydicom.datadict import keyword_dict, tag_for_keyword

    if tag_for_keyword(tag) is None:
        raise DataError(
            f"source.group.tag = '{tag}' is no DICOM keyword{nearest(tag, keyword_dict)}"
        )


def _header(root: Path, image: str, tag: str | None) -> Header:
    if not image:
        return BLANK
    try:
        return read_header(root / image, tag)
    except (DataError, OSError):
        return BLANK
