"""Heat maps of a table of items, batch by batch."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from fastmed.console import progress
from fastmed.learn.fitting.interrupts import interrupt_between_batches
from fastmed.learn.heatmaps.aim import Aim
from fastmed.learn.heatmaps.methods import METHODS, heat_of
from fastmed.learn.input.loaders import loader_of
from fastmed.learn.input.statistics import Statistics


class Batch(NamedTuple):
    """Some images on their way through a network.

    Attributes:
        images: normalised, (B, C, H, W).
        metadata: (B, width), if the network takes any.
        columns: which output of an `Aim` is explained, (B,).
    """

    images: Tensor
    metadata: tuple[Tensor, ...]
    columns: Tensor


@dataclass(frozen=True)
class Batches:
    """Items batch by batch, as the network sees them, in their order; each pass is a fresh one.

    Attributes:
        aim: whose device is taken.
        items: that can be read.
        columns: which output is explained of each, (n,).
        statistics: that the network was trained with.
        what: is done, for the progress bar.
        cache: take decoded images from the cache.
    """

    aim: Aim
    items: pd.DataFrame
    columns: np.ndarray
    statistics: Statistics
    what: str
    cache: bool = True

    def __iter__(self) -> Iterator[Batch]:
        device, start = next(self.aim.parameters()).device, 0
        loader = loader_of(
            self.aim.task, self.items, self.statistics, device=str(device), cache=self.cache
        )
        with interrupt_between_batches() as heed:
            for batch in progress(loader, self.what, len(loader)):
                heed()
                images, *metadata = (given.as_subclass(Tensor) for given in batch)
                chosen = torch.as_tensor(self.columns[start : start + len(images)], device=device)
                start += len(images)
                yield Batch(images, tuple(metadata), chosen)


def heatmaps(aim: Aim, batches: Iterable[Batch], method: str) -> Iterator[np.ndarray]:
    """Yield the heat map of each image, (size, size) float32 from 0 to 1."""
    for batch in batches:
        yield from heat_of(METHODS[method], aim, *batch).float().cpu().numpy()
