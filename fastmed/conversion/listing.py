"""Which images are converted, what their pictures are called, and which table lists them."""

from pathlib import Path

import numpy as np
import pandas as pd

from fastmed.data.items import read_items
from fastmed.data.metadata import PREFIX
from fastmed.data.pixels.safe_names import mirrored
from fastmed.data.store.cache import Cache
from fastmed.data.store.inspection import inspect_images
from fastmed.data.tables import LEFT_OUT
from fastmed.data.unlabelled import unlabelled_items
from fastmed.task import Task

PICTURES = "images"
ITEMS, EXTRA, UNLABELLED, OUT = "items.csv", "extra.csv", "unlabelled.csv", "left_out.csv"
TABLES = (ITEMS, EXTRA, UNLABELLED, OUT)

# Table -> its columns, beside the metadata that stands in all of them.
_COLUMNS = {
    ITEMS: ("image", "target", "split", "group", "original"),
    EXTRA: ("image", "target", "group", "original"),
    UNLABELLED: ("image", "group", "original"),
    OUT: ("image", "target", "origin", "group", "note", "original"),
}


def list_images(
    task: Task,
    root: Path,
    suffix: str,
    *,
    unlabelled: bool = True,
    skip_bad: bool = False,
    cache: Cache | None = None,
) -> pd.DataFrame:
    """Return the items, sorted, with ``table``, the file that lists them, and ``picture``.

    The parts are those before balancing, which the task does again when it reads them.
    ``picture`` is the path of the new file; empty where an image can't be read.

    Args:
        task: what the data are read as.
        root: of the data.
        suffix: of the pictures.
        unlabelled: also list images that no label speaks of.
        skip_bad: images that can't be read are left out and counted.
        cache: where decoded images are kept; None keeps none.

    Raises:
        DataError: the data are not as the task declares them.
    """
    plain = task.with_changes({"balance.method": "none"})
    items = read_items(plain, root, skip_bad, cache is not None)
    items["table"] = np.where(items["origin"] == "extra", EXTRA, ITEMS)
    others = unlabelled_items(task, items, root) if unlabelled else items.iloc[:0]
    if len(others):
        others = inspect_images(others, root, task.image, skip_bad, cache)
        items = pd.concat([items, others.assign(table=UNLABELLED)], ignore_index=True)
    items.loc[items["split"] == LEFT_OUT, "table"] = OUT
    return _with_pictures(items.sort_values("item", ignore_index=True), suffix, task.pseudonymise)


def sheet_of(images: pd.DataFrame, table: str) -> pd.DataFrame:
    """Return what one of the tables holds; ``original`` is the item's name in the source."""
    rows = images[images["table"] == table]
    rows = rows.assign(original=rows["item"], image=rows["picture"])
    meta = [name for name in map(str, rows.columns) if name.startswith(PREFIX)]
    *first, original = _COLUMNS[table]
    return rows[[*first, *meta, original]]


def _with_pictures(items: pd.DataFrame, suffix: str, hidden: bool) -> pd.DataFrame:
    """Return items with the paths of their pictures: as in the source, or by their pseudonyms."""
    readable = items["content"] != ""
    places = items.loc[readable, ["image", "array", "index"]].itertuples(index=False, name=None)
    paths = [f"{image}/{array}/{index}" if array else image for image, array, index in places]
    if hidden:
        paths = items.loc[readable, "item"].tolist()
    items["picture"] = ""
    items.loc[readable, "picture"] = [f"{PICTURES}/{name}" for name in mirrored(paths, suffix)]
    return items
