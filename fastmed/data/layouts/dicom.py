"""DICOM files beside a table of labels in which an image may stand several times."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from fastmed import console
from fastmed.data.dicom import HEADER, read_header, read_tag
from fastmed.data.layouts.labels import to_classes
from fastmed.data.layouts.metadata_columns import metadata_columns
from fastmed.data.layouts.rows import groups_by_pattern, merge_repeated, rows_of, settle_missing
from fastmed.data.layouts.sheets import read_sheet, require_columns
from fastmed.errors import DataError
from fastmed.sources import DicomSource


def read_dicom_source(
    source: DicomSource, root: Path, classes: Sequence[str], skip_bad: bool = False
) -> pd.DataFrame:
    """Return one row for each image of the table, with age, sex and view from its header.

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
    empty; the pixels of that file tell why.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(lambda image: _header(root, image, tag), rows["image"])
        headers = list(console.progress(found, "Reading headers", len(rows)))
    table = pd.DataFrame(headers, index=rows.index, columns=[*HEADER, "group"])
    there = [name for name in HEADER if name in rows]
    table = table.drop(columns=[*there, *(["group"] if tag is None else [])])
    return rows.drop(columns=table.columns, errors="ignore").join(table)


def _header(root: Path, image: str, tag: str | None) -> dict[str, float | str]:
    blank = {name: float("nan") if name == "meta_age" else "" for name in [*HEADER, "group"]}
    if not image:
        return blank
    try:
        group = read_tag(root / image, tag) if tag else ""
        return {**read_header(root / image), "group": group}
    except DataError:
        return blank
