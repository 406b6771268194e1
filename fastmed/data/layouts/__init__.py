"""How data lie on disk: one module a layout, one line each in ``LAYOUTS``."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from fastmed.data.layouts.arrays import read_arrays
from fastmed.data.layouts.dicom import read_dicom_source
from fastmed.data.layouts.folders import read_folders
from fastmed.data.layouts.table import read_table_source
from fastmed.errors import DataError
from fastmed.settings.sources import AnySource

LAYOUTS: dict[str, Callable[..., pd.DataFrame]] = {
    "folders": read_folders,
    "table": read_table_source,
    "arrays": read_arrays,
    "dicom": read_dicom_source,
}


def read_source(
    source: AnySource, root: Path, classes: Sequence[str], skip_bad: bool = False
) -> pd.DataFrame:
    """Return the images of a source: item, image, target, split as given, group, meta_*.

    Args:
        skip_bad: rows without a file are left out and counted, instead of refused.

    Raises:
        DataError: the files are not as the source declares them.
    """
    rows = LAYOUTS[source.kind](source, root, classes, skip_bad)
    unlabelled = rows[rows["target"] == ""]
    if len(unlabelled):
        raise DataError(f"{unlabelled['place'].iloc[0]} has no label ({len(unlabelled)} in all)")
    return rows
