"""The images that are measured with: all that are decoded already, and a sample of the others."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from fastmed.benching.pace import Pace
from fastmed.console import note
from fastmed.data.items import found_items, parted_items
from fastmed.data.store.cache import Cache
from fastmed.data.store.inspection import inspect_images, places_of
from fastmed.data.tables import LEFT_OUT, root_of
from fastmed.task import Task

BATCHES = 3  # as many batches of images are decoded in any case,
FEWEST = 64  # and so many images,
OF_A_CLASS = 8  # of which so many are of each class in each part


@dataclass(frozen=True)
class Sample:
    """Images to measure with.

    Attributes:
        items: with their parts, as `read_items` returns them.
        share: of all images of the data, from 0 to 1.
        reading: how quickly images were decoded; None if all of them were before.
    """

    items: pd.DataFrame
    share: float = 1.0
    reading: Pace | None = None


def sample_of(
    task: Task, data: str | Path | pd.DataFrame, seconds: float, skip_bad: bool, cache: bool
) -> Sample:
    """Return images to measure with, of which new ones are decoded for about so many seconds.

    Args:
        task: how they are read.
        data: the folder, or items of `read_items`, which are taken as they are.
        seconds: for decoding; some batches are decoded in any case.
        skip_bad: leave out images that can't be read.
        cache: keep what is decoded.

    Raises:
        DataError: the data are not as the task declares them.
    """
    if isinstance(data, pd.DataFrame):
        return Sample(data)
    found = found_items(task, data, skip_bad)
    reader = _Reader(task, skip_bad or "Q1" in task.audit.accept, cache)
    known, new = reader.known_and_new(found)
    new = in_turn(new, task.train.seed)
    first = max(FEWEST, BATCHES * task.train.batch)
    looked = [reader.look(known), reader.look(new.iloc[:first])]
    if len(new) > first:
        more = int(reader.pace * seconds)
        looked.append(reader.look(new.iloc[first : first + more]))
    items = pd.concat([part for part in looked if len(part)]).sort_index()
    items.attrs = found.attrs
    share = len(items) / len(found)
    if share < 1:
        note(f"{len(items)} of {len(found)} images are measured with; the others are not decoded.")
    reading = Pace((reader.pace,)) if len(new) else None
    return Sample(parted_items(task, items.reset_index(drop=True)), share, reading)


def in_turn(items: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return items in an order of which every beginning has about the shares of all classes.

    A few of each class, in each part that the data give, come first.
    """
    mixed = items.sample(frac=1, random_state=seed)
    kinds = mixed.groupby(["target", "split"])["item"]
    place = kinds.cumcount()
    share = np.where(place < OF_A_CLASS, 0, place / kinds.transform("size"))
    ordered = mixed.iloc[np.argsort(share, kind="stable")]
    ordered.attrs = items.attrs
    return ordered


class _Reader:
    """Looks at images as a training does before its first step.

    Attributes:
        pace: images a second of the last look that had any.
    """

    def __init__(self, task: Task, skip_bad: bool, cache: bool) -> None:
        self.settings, self.skip_bad = task.image, skip_bad
        self.cache = Cache(task.image) if cache else None
        self.pace = 0.0

    def known_and_new(self, items: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the items that are decoded already, or left out, and those that are not."""
        places = places_of(items, root_of(items))
        kept = self.cache.find(places) if self.cache else {}
        known = np.array([place in kept for place in places], dtype=bool)
        known |= (items["split"] == LEFT_OUT).to_numpy()
        return items[known], items[~known]

    def look(self, items: pd.DataFrame) -> pd.DataFrame:
        """Return items that were looked at, and measure how long it took."""
        if items.empty:
            return items
        began = time.perf_counter()
        root = root_of(items)
        looked = inspect_images(items, root, self.settings, self.skip_bad, self.cache)
        self.pace = len(items) / (time.perf_counter() - began)
        return looked
