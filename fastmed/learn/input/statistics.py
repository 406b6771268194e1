"""What the training part decides about every image: normalisation, coding of metadata."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from fastmed.data.metadata import MetadataEncoder
from fastmed.data.store.cache import Cache
from fastmed.data.store.inspection import places_of
from fastmed.data.store.prepared import prepared_images
from fastmed.data.tables import part, root_of
from fastmed.learn.network.architectures import resolve_arch
from fastmed.learn.network.backbone import normalization_of
from fastmed.settings.image import Normalization
from fastmed.task import Task

MEASURED = 1000  # images that `normalize = "data"` looks at, spread over the training part


@dataclass(frozen=True)
class Statistics:
    """What the training part decides: mean and deviation of each channel, coding of metadata.

    Attributes:
        mean, std: of the pixels, on a scale of 0 to 1.
        metadata: None where the network sees none.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    metadata: MetadataEncoder | None = None

    def of_grey(self) -> "Statistics":
        """Return the mean over the channels, for a network that sees one."""
        return Statistics((float(np.mean(self.mean)),), (float(np.mean(self.std)),))


def measure(task: Task, items: pd.DataFrame, cache: bool = True) -> Statistics:
    """Return what the task's images are normalised by, and how its metadata is coded.

    Args:
        task: says how.
        items: with the training part.
        cache: take decoded images from the cache, where `read_items` has put them.
    """
    return with_metadata(_pixel_statistics(task, items, cache), task, items)


def _pixel_statistics(task: Task, items: pd.DataFrame, cache: bool) -> Statistics:
    rule = task.image.normalize
    if rule == "data":
        return _of_training_part(task, part(items, "train"), root_of(items), cache)
    if isinstance(rule, Normalization):
        found = Statistics(rule.mean, rule.std)
    else:
        download = task.train.pretrained and task.train.weights is None
        found = Statistics(*normalization_of(resolve_arch(task.train.arch, download)))
    return found if task.image.channels == 3 else found.of_grey()


def with_metadata(statistics: Statistics, task: Task, items: pd.DataFrame) -> Statistics:
    """Return the statistics with the coding of the task's metadata, if it has any."""
    if not task.meta or statistics.metadata is not None:
        return statistics
    return replace(statistics, metadata=MetadataEncoder.fit(part(items, "train"), task.meta))


def _of_training_part(task: Task, train: pd.DataFrame, root: Path, cache: bool) -> Statistics:
    chosen = np.unique(np.linspace(0, len(train) - 1, MEASURED).astype(int))
    places = places_of(train.iloc[chosen], root)
    sums = np.zeros((2, task.image.channels))
    for found in prepared_images(places, task.image, Cache(task.image) if cache else None):
        pixels = np.atleast_3d(found.pixels) / 255
        sums += [pixels.mean((0, 1)), (pixels**2).mean((0, 1))]
    mean, square = sums / len(chosen)
    deviation = np.sqrt(np.maximum(square - mean**2, 1e-6))
    return Statistics(tuple(mean.round(6).tolist()), tuple(deviation.round(6).tolist()))
