"""From a task and a folder to a checked, split and balanced table of images."""

from pathlib import Path

import pandas as pd

from fastmed import console
from fastmed.data.balance import balance_items
from fastmed.data.layouts import read_source
from fastmed.data.metadata import check_metadata
from fastmed.data.pseudonyms import hide_items, hide_names
from fastmed.data.split import split_items
from fastmed.data.store.cache import Cache
from fastmed.data.store.inspection import inspect_images
from fastmed.data.tables import LEFT_OUT, items_table
from fastmed.errors import DataError, listed
from fastmed.settings.sources import PARTS, AnySource
from fastmed.task import Task


def read_items(
    task: Task, root: str | Path, skip_bad: bool = False, cache: bool = True
) -> pd.DataFrame:
    """Return the images of a task, one row each, ready to train with.

    Args:
        root: the folder of the data.
        skip_bad: images that are missing or can't be read are left out and counted.
        cache: keep the decoded images on disk, so that none is decoded again.

    Raises:
        DataError: the data are not as the task declares them.
    """
    return parted_items(task, inspected_items(task, root, skip_bad, cache))


def parted_items(task: Task, items: pd.DataFrame) -> pd.DataFrame:
    """Return inspected items split and balanced, under pseudonyms where the task wants them.

    Raises:
        DataError: the parts can't be drawn.
    """
    items = split_items(items, task.split, task.classes)
    items = balance_items(items, task.balance, task.classes, task.split.seed)
    return hide_items(items, task.pseudonymise)


def inspected_items(
    task: Task, root: str | Path, skip_bad: bool = False, cache: bool = True
) -> pd.DataFrame:
    """Return the images of a task, each of them decoded once; ``split`` is as the data give it.

    Args and errors are those of `read_items`.
    """
    items = found_items(task, root, skip_bad)
    kept = Cache(task.image) if cache else None
    skip_bad = skip_bad or "Q1" in task.audit.accept
    return inspect_images(items, Path(root), task.image, skip_bad, kept)


def found_items(task: Task, root: str | Path, skip_bad: bool = False) -> pd.DataFrame:
    """Return the images of a task as the data name them; none of them is decoded.

    Args and errors are those of `read_items`.
    """
    root = Path(root)
    if not root.is_dir():
        raise DataError(
            f"there is no data folder {root}; give yours with --data DIR, or make up data with "
            f"`fastmed phantom {task.name} {root}`"
        )
    hide_names(root, task.pseudonymise)
    items = items_table(_rows(task, root, skip_bad or "Y4" in task.audit.accept), root)
    check_metadata(items, task.meta, task.source.kind)
    return items


def summarize(items: pd.DataFrame, classes: tuple[str, ...]) -> pd.DataFrame:
    """Return how many images each class (rows) has in each part and left out (columns)."""
    counts = pd.crosstab(items["target"], items["split"])
    return counts.reindex(index=[*classes], columns=[*PARTS, LEFT_OUT], fill_value=0)


def _rows(task: Task, root: Path, skip_bad: bool) -> pd.DataFrame:
    """Return the rows of the source, and of the extra source where it is there."""
    main = read_source(task.source, root, task.classes, skip_bad)
    _check_classes(main, task, root)
    if task.extra is None:
        return main
    place = _place(task.extra, root)
    if not place.exists():
        console.warn(f"there is no {place}: training goes on without the extra images")
        return main
    extra = read_source(task.extra, root, task.classes, skip_bad)
    return pd.concat([main, extra.assign(origin="extra")], ignore_index=True)


def _place(source: AnySource, root: Path) -> Path:
    """Return what is there if a source is there at all."""
    return root / (source.folder if source.kind == "folders" else source.file)


def _check_classes(rows: pd.DataFrame, task: Task, root: Path) -> None:
    """Refuse a source without any image of a class."""
    present = rows[rows["split"] != LEFT_OUT]
    missing = [name for name in task.classes if name not in set(present["target"])]
    if missing:
        found = listed(sorted(present["label"].unique()), 12)
        raise DataError(
            f"the data in {root} have no image of {listed(missing, 12)}, only the labels {found}; "
            "say what they hold with `--set 'classes=[...]'`"
        )
