"""The task that reads a converted data set: same classes, same parts, same network input."""

from typing import Any

import pandas as pd
import tomli_w

from fastmed.conversion.listing import EXTRA, ITEMS
from fastmed.data.metadata import PREFIX
from fastmed.task import Task

# Settings that say how values of a source become 0 to 255; a converted picture has done that.
_READING = ("window", "scale", "percentiles", "value_range", "frame", "transparency")
# What is left of the image's settings once a picture is the network's input already.
_KEPT = ("size", "channels", "normalize")


def task_text(task: Task, images: pd.DataFrame, original_size: bool) -> str:
    """Return the task as TOML that ``--tasks`` takes, to train on the converted folder.

    Args:
        task: that was converted.
        images: with the tables that list them.
        original_size: whether the pictures are still to be prepared.
    """
    table = task.model_dump(mode="json", exclude_unset=True, exclude_none=True)
    for name in ("name", "extra", "fetch"):
        table.pop(name, None)
    table["source"] = {**_source(images, ITEMS), "part": "split"}
    if (images["table"] == EXTRA).any():
        table["extra"] = _source(images, EXTRA)
    table["image"] = _image(table.get("image", {}), original_size)
    checked = Task.model_validate({"name": task.name, **table})
    start = "# Reads the images beside this file; made by `fastmed convert`.\n\n"
    return start + tomli_w.dumps({checked.name: {key: table[key] for key in _order(table)}})


def _source(images: pd.DataFrame, table: str) -> dict[str, Any]:
    rows = images[images["table"] == table]
    names = [name for name in map(str, images.columns) if name.startswith(PREFIX)]
    meta = {name.removeprefix(PREFIX): name for name in names}
    source = {"kind": "table", "file": table, "image": "image", "label": "target"}
    group = {"group": {"column": "group"}} if (rows["group"] != "").any() else {}
    return {**source, **group, **({"meta": meta} if meta else {})}


def _image(settings: dict[str, Any], original_size: bool) -> dict[str, Any]:
    if original_size:
        return {key: value for key, value in settings.items() if key not in _READING}
    return {key: value for key, value in settings.items() if key in _KEPT}


def _order(table: dict[str, Any]) -> list[str]:
    """Return the keys as people write them: what is learnt, from where, then how."""
    return sorted(table, key=[*Task.model_fields].index)
