"""The images of a data folder that no label speaks of."""

from pathlib import Path

import pandas as pd

from fastmed.data.layouts.dicom import with_headers
from fastmed.data.layouts.places import files_below, relative
from fastmed.data.layouts.rows import groups_by_pattern
from fastmed.data.pixels.image import is_image
from fastmed.data.pseudonyms import hide_items
from fastmed.data.tables import items_table
from fastmed.task import Task


def unlabelled_items(task: Task, items: pd.DataFrame, root: Path) -> pd.DataFrame:
    """Return every image file below the data folder that is none of the items, sorted by name.

    Patients and header fields are read as for the items. The table is empty if there are none.
    """
    known = set(items["image"])
    paths = [(relative(file, root), file) for file in files_below(root)]
    found = sorted(name for name, file in paths if name not in known and is_image(file))
    if not found:
        return items.iloc[:0]
    rows = pd.DataFrame({"item": found, "image": found}, dtype=str)
    group = task.source.group
    if group is not None and group.pattern:
        rows["group"] = groups_by_pattern(rows["item"], group)
    if task.source.kind == "dicom":
        rows = with_headers(rows, root, group.tag if group else None)
    return hide_items(items_table(rows, root), task.pseudonymise)
