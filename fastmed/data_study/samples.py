"""Training images drawn for a look: shown, and measured as the network sees them."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from fastmed import console
from fastmed.data.store.cache import Cache
from fastmed.data.store.inspection import places_of
from fastmed.data.store.prepared import prepared_images
from fastmed.data.tables import group_keys, part, root_of
from fastmed.errors import DataError
from fastmed.task import Task

MEASURED = 500  # images of a class


class Looked(NamedTuple):
    """What a look at some training images gave.

    Attributes:
        pictures: class -> its sample images, uint8 (size, size) or (size, size, 3).
        items: class -> their names, in the same order.
        intensity: mean of the pixels from 0 to 255 by item, of those that were measured.
    """

    pictures: dict[str, list[np.ndarray]]
    items: dict[str, list[str]]
    intensity: pd.Series


def look_at_samples(
    items: pd.DataFrame, task: Task, count: int, seed: int, cache: Cache | None
) -> Looked:
    """Return sample images of each class, and the intensity of up to `MEASURED` images of each.

    Only training images are looked at: what is decided by looking must not know the test part.
    The draw depends on the seed and the names of the items; patients come in turn.

    Args:
        items: with parts, and the root in ``attrs``.
        count: samples of each class.
        seed: of the draw.
        cache: of decoded images.

    Raises:
        DataError: an image can't be read any more.
    """
    chosen = _drawn(items, task, max(MEASURED, count), seed)
    root = root_of(items)
    decoded = prepared_images(places_of(chosen, root), task.image, cache)
    looked = Looked({name: [] for name in task.classes}, {name: [] for name in task.classes},
                    pd.Series(np.nan, index=chosen["item"], name="intensity"))  # fmt: skip
    rows = zip(chosen["item"], chosen["target"], chosen["image"], decoded, strict=True)
    for item, name, image, found in console.progress(rows, "Measuring images", len(chosen)):
        if found.reason:
            raise DataError(f"{root / image}: {found.reason}")
        looked.intensity[item] = found.pixels.mean()
        if len(looked.pictures[name]) < count:
            looked.pictures[name].append(np.array(found.pixels))
            looked.items[name].append(item)
    return looked


def _drawn(items: pd.DataFrame, task: Task, most: int, seed: int) -> pd.DataFrame:
    """Return up to so many training images of each class, in the order of the draw."""
    training = part(items, "train").sort_values("item")
    generator = np.random.default_rng(seed)
    order = training.iloc[generator.permutation(len(training))]
    turn = order.groupby(["target", group_keys(order)]).cumcount()
    order = order.loc[turn.sort_values(kind="stable").index]
    return pd.concat([order[order["target"] == name].head(most) for name in task.classes])
