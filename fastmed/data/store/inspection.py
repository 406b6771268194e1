"""One look at every image before anything is learnt: it is decoded, checked and kept."""

import os
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from fastmed import console
from fastmed.data.store.cache import Cache
from fastmed.data.store.caches import free_bytes
from fastmed.data.store.decoding import Decoded, Place, decode, decode_all
from fastmed.data.store.keeping import put_or_warn
from fastmed.data.tables import LEFT_OUT
from fastmed.errors import DataError, listed
from fastmed.settings.image import ImageSettings

TOGETHER = 128  # images that are put into the cache at a time
_TOLD = ("content", "decoded", "decoder", "scaling")  # columns of items that a look fills
_NOT_KEPT = "decoded images can't be kept in {}; they are decoded each time"
SHARE_OF_DISK = 0.5  # of what is free may be taken by what is put there


class Look(NamedTuple):
    """What one image turned out to be; the fields are those of `Decoded`."""

    content: str
    decoded: str
    decoder: str
    scaling: str
    remark: str
    reason: str = ""


def inspect_images(
    items: pd.DataFrame,
    root: Path,
    settings: ImageSettings,
    skip_bad: bool = False,
    cache: Cache | None = None,
) -> pd.DataFrame:
    """Return the items with ``content``, ``decoded``, ``decoder`` and ``scaling`` filled.

    Every image is decoded once, so that a broken one is found now and not in the middle of a
    training; what is decoded goes into the cache.

    Args:
        items: to look at; those that are left out are not.
        root: of their paths.
        settings: how images are read and prepared.
        skip_bad: broken images are left out and counted, instead of refused.
        cache: of these settings; None keeps nothing.

    Raises:
        DataError: images can't be read, or were inspected before and are others now; the first
            is named, with its reason.
    """
    wanted = items[items["split"] != LEFT_OUT]
    looks = look_at(places_of(wanted, root), settings, cache)
    table = pd.DataFrame(looks, index=wanted.index, columns=Look._fields, dtype=str)
    _refuse_changed(wanted, table)
    _tell(table)
    items = items.copy()
    for column in _TOLD:
        items.loc[table.index, column] = table[column]
    bad = table[table["reason"] != ""]
    return _without(items, bad["reason"], root, skip_bad) if len(bad) else items


def places_of(items: pd.DataFrame, root: Path) -> list[Place]:
    """Return where the images of items are."""
    rows = items[["image", "array", "index"]].itertuples(index=False, name=None)
    return [Place(root, image, array, int(index)) for image, array, index in rows]


def look_at(
    places: Sequence[Place], settings: ImageSettings, cache: Cache | None = None
) -> list[Look]:
    """Return a look at each image; those that the cache doesn't know are decoded and put there."""
    kept = cache.find(places) if cache else {}
    looks = {place: Look(*entry[:5]) for place, entry in kept.items()}
    new = [place for place in dict.fromkeys(places) if place not in looks]
    cache = cache if cache and has_room(cache, len(new)) else None
    pairs = console.progress(_decoded(new, settings), "Reading images", len(new))
    while some := list(islice(pairs, TOGETHER)):
        good = [(place, found) for place, found in some if not found.reason]
        cache = put_or_warn(cache, good, _NOT_KEPT)
        looks.update((place, Look(*found[1:7])) for place, found in some)
    return [looks[place] for place in places]


def _decoded(places: Sequence[Place], settings: ImageSettings) -> Iterator[tuple[Place, Decoded]]:
    """Yield images with their places: files from processes of their own, arrays from threads."""
    files = [place for place in places if not place.array]
    arrays = [place for place in places if place.array]
    if files:
        yield from zip(files, decode_all(files, settings), strict=True)
    with warnings.catch_warnings(), ThreadPoolExecutor(os.cpu_count()) as pool:
        warnings.filterwarnings("ignore", module=r"(pydicom|PIL)\.")
        yield from zip(arrays, pool.map(lambda place: decode(place, settings), arrays), strict=True)


def has_room(cache: Cache, count: int) -> bool:
    """True if the disk has room for so many images more."""
    needed, free = count * cache.side**2 * 3, free_bytes()
    if needed <= free * SHARE_OF_DISK:
        return True
    console.warn(
        f"{count} decoded images would take up to {needed / 2**30:.1f} GB of {free / 2**30:.1f} GB "
        "that are free; they are decoded each time instead. Another disk is named by FASTMED_CACHE"
    )
    return False


def _refuse_changed(items: pd.DataFrame, looks: pd.DataFrame) -> None:
    """Refuse images that are not those that were inspected when the items were made."""
    known = (items["content"] != "") & (looks["content"] != "")
    changed = items.loc[known & (items["content"] != looks["content"]), "item"]
    if len(changed):
        raise DataError(
            f"{len(changed)} images are not those that were inspected before: "
            f"{listed(changed, 3)}; put the old files back, or train anew with the present ones"
        )


def _tell(looks: pd.DataFrame) -> None:
    """Say once what is to be known of kinds of files."""
    for remark, count in Counter(looks["remark"]).items():
        if remark:
            console.warn(f"{count} images: {remark}")


def _without(items: pd.DataFrame, reasons: pd.Series, root: Path, skip_bad: bool) -> pd.DataFrame:
    """Return the items with the unreadable ones left out, or refuse them."""
    first = f"{root / items.loc[reasons.index[0], 'image']}: {reasons.iloc[0]}"
    unreadable_images(len(reasons), len(items), first, skip_bad)
    items.loc[reasons.index, "split"] = LEFT_OUT
    items.loc[reasons.index, "note"] = reasons
    return items


def unreadable_images(count: int, total: int, first: str, skip_bad: bool) -> None:
    """Refuse images that can't be read, or say that they are left out.

    Args:
        count: of them. total: of all images.
        first: of them, with its reason.
        skip_bad: leave them out.

    Raises:
        DataError: they are not to be left out.
    """
    if not skip_bad:
        without = "; `--skip-bad` leaves them out" if count < total else ""
        raise DataError(f"{first} ({count} of {total} images can't be read{without})")
    console.warn(f"{count} images that can't be read are left out; the first: {first}")
