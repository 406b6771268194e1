"""One look at every image before anything is learnt: can it be read, and what is in it."""

import hashlib
import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from fastmed import console
from fastmed.data.image import open_item
from fastmed.data.tables import LEFT_OUT
from fastmed.errors import DataError


class Look(NamedTuple):
    """What one image turned out to be: its SHA-256, or why it can't be read."""

    content: str
    reason: str


def inspect_images(items: pd.DataFrame, root: Path, skip_bad: bool = False) -> pd.DataFrame:
    """Return the items with ``content``, the SHA-256 of each image's bytes, filled.

    Every image is decoded once, so that a broken one is found now and not in the middle of a
    training.

    Args:
        skip_bad: broken images are left out and counted, instead of refused.

    Raises:
        DataError: images can't be read; the first is named, with its reason.
    """
    wanted = items[items["split"] != LEFT_OUT]
    rows = list(wanted[["image", "array", "index"]].itertuples(index=False, name=None))
    with warnings.catch_warnings(), ThreadPoolExecutor(os.cpu_count()) as pool:
        warnings.filterwarnings("ignore", module=r"(pydicom|PIL)\.")
        looks = pool.map(lambda row: _look(root, *row), rows)
        table = pd.DataFrame(
            list(console.progress(looks, "Inspecting images", len(rows))),
            index=wanted.index, columns=Look._fields, dtype=str,
        )  # fmt: skip
    items = items.copy()
    items.loc[table.index, "content"] = table["content"]
    bad = table[table["reason"] != ""]
    return _without(items, bad["reason"], root, skip_bad) if len(bad) else items


def _without(items: pd.DataFrame, reasons: pd.Series, root: Path, skip_bad: bool) -> pd.DataFrame:
    """Return the items with the unreadable ones left out, or refuse them."""
    first = f"{root / items.loc[reasons.index[0], 'image']}: {reasons.iloc[0]}"
    if not skip_bad:
        raise DataError(
            f"{first} ({len(reasons)} of {len(items)} images can't be read; "
            "`--skip-bad` leaves them out)"
        )
    console.warn(f"{len(reasons)} images that can't be read are left out; the first: {first}")
    items.loc[reasons.index, "split"] = LEFT_OUT
    items.loc[reasons.index, "note"] = reasons
    return items


def _look(root: Path, image: str, array: str, index: int) -> Look:
    try:
        pixels = open_item(root, image, array, index).pixels
        content = pixels.tobytes() if array else (root / image).read_bytes()
    except DataError as error:
        return Look("", str(error).removeprefix(f"{root / image}: "))
    return Look(hashlib.sha256(content).hexdigest(), "")
