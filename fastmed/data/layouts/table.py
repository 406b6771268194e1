"""A table of names and labels beside folders of images."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from fastmed.data.layouts.folders import PART_NAMES
from fastmed.data.layouts.labels import to_classes
from fastmed.data.layouts.metadata_columns import metadata_columns
from fastmed.data.layouts.rows import groups_by_pattern, merge_repeated, rows_of, settle_missing
from fastmed.data.layouts.sheets import read_sheet, require_columns
from fastmed.errors import DataError, listed
from fastmed.settings.sources import AnySource, TableSource


def read_table_source(
    source: TableSource, root: Path, classes: Sequence[str], skip_bad: bool = False
) -> pd.DataFrame:
    """Return one row for each image that the table, or one of its given parts, names.

    Raises:
        DataError: a file or column is missing, a row contradicts another or has no image.
    """
    folders = folders_of(source)
    main = "train" if source.valid_file or source.test_file else ""
    sheets = {main: source.file, "valid": source.valid_file, "test": source.test_file}
    given = {part: file for part, file in sheets.items() if file}
    tables = [_read_part(source, root, file, part) for part, file in given.items()]
    rows = merge_repeated(pd.concat(tables, ignore_index=True))
    rows["target"] = to_classes(rows["label"], rows["place"], classes, source.rename)
    return settle_missing(rows, f"folder {listed(folders)}", skip_bad)


def folders_of(source: AnySource) -> tuple[str, ...]:
    """Return a source's folders of images, the first one first; none for arrays."""
    folder = getattr(source, "folder", ())
    return (folder,) if isinstance(folder, str) else folder


def parts_of(sheet: pd.DataFrame, column: str | None, file: str) -> pd.Series:
    """Return train, valid, test or nothing for each row of a sheet.

    Raises:
        DataError: the column holds something else.
    """
    if column not in sheet.columns:
        return pd.Series("", index=sheet.index)
    known = sheet[column].str.lower().map({**PART_NAMES, "": ""})
    unknown = sheet.loc[known.isna(), column]
    if len(unknown):
        raise DataError(
            f"{file}, line {unknown.index[0]}: '{unknown.iloc[0]}' is no part; "
            "expected train, valid or test"
        )
    return known


def _read_part(source: TableSource, root: Path, file: str, part: str) -> pd.DataFrame:
    sheet = read_sheet(root / file, source.separator)
    main = file == source.file
    column = source.group.column if source.group else None
    wanted = [source.image, source.label, *filter(None, [source.part if main else None, column])]
    wanted += source.meta.values()
    require_columns(sheet, wanted, root / file)
    names = sheet[source.image].rename(file)
    rows = rows_of(names, sheet[source.label], root, folders_of(source), [source.suffix])
    rows["split"] = parts_of(sheet, source.part, file) if main and source.part else part
    rows = rows.assign(**metadata_columns(sheet, source.meta))
    if column:
        rows["group"] = sheet[column]
    elif source.group is not None:
        rows["group"] = groups_by_pattern(rows["item"], source.group)
    return rows
