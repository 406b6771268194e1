"""From the rows of a sheet to images: files found, repetitions merged, contradictions refused."""

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from fastmed import console
from fastmed.data.layouts.places import check_inside, locate
from fastmed.data.tables import LEFT_OUT
from fastmed.errors import DataError, listed
from fastmed.settings.sources import Group


def rows_of(
    names: pd.Series,
    labels: pd.Series,
    root: Path,
    folders: Sequence[str],
    suffixes: Sequence[str],
) -> pd.DataFrame:
    """Return one row for each row of a sheet: item, image, label and the place in the sheet.

    ``image`` is empty where no file is found.

    Args:
        names: of the images; the index is the line number, the series' name the sheet's.

    Raises:
        DataError: a name leads out of the data folder.
    """
    places = [f"{names.name}, line {line}" for line in names.index]
    checked = [check_inside(name, place) for name, place in zip(names, places, strict=True)]
    found = [locate(name, root, folders, suffixes) for name in checked]
    items = [image or name for image, name in zip(found, checked, strict=True)]
    columns = {"item": items, "image": found, "label": labels.to_list(), "place": places}
    return pd.DataFrame(columns, index=names.index, dtype=str)


def merge_repeated(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row an image.

    Raises:
        DataError: an image has two labels, or stands in two parts.
    """
    for column in ("label", "split"):
        kinds = rows.groupby("item")[column].nunique()
        torn = rows[rows["item"].isin(kinds[kinds > 1].index)]
        if len(torn):
            item = torn["item"].iloc[0]
            said = listed(sorted(torn.loc[torn["item"] == item, column].unique()))
            raise DataError(
                f"{torn['place'].iloc[0]}: '{item}' stands there more than once, with the "
                f"{'labels' if column == 'label' else 'parts'} {said} "
                f"({torn['item'].nunique()} such images in all)"
            )
    merged = rows.drop_duplicates("item")
    if len(merged) < len(rows):
        console.note(f"{len(rows) - len(merged)} rows that repeat an image are merged")
    return merged.reset_index(drop=True)


def settle_missing(rows: pd.DataFrame, where: str, skip_bad: bool) -> pd.DataFrame:
    """Return the rows with those that have no file left out, if the user asked for that.

    Raises:
        DataError: rows have no file, or none has.
    """
    missing = rows["image"] == ""
    if not missing.any():
        return rows
    first = listed(rows.loc[missing, "item"], 3)
    if missing.all() or not skip_bad:
        way_out = "" if missing.all() else "; `--skip-bad` leaves them out"
        raise DataError(
            f"{missing.sum()} of {len(rows)} images are not in {where}: {first}{way_out}"
        )
    console.warn(f"{missing.sum()} rows are left out: no file {first} in {where}")
    rows = rows.copy()
    rows.loc[missing, "split"] = LEFT_OUT
    rows.loc[missing, "note"] = "no file"
    return rows


def groups_by_pattern(images: pd.Series, group: Group) -> pd.Series:
    """Return the patient in each file name: the pattern's first group, or its whole match."""
    pattern = re.compile(group.pattern or "")
    matches = images.map(lambda image: pattern.search(Path(image).name))
    return matches.map(lambda match: match[min(pattern.groups, 1)] or "" if match else "")
