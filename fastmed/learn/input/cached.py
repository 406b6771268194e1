"""fastai's loader over the cache: whole batches at once where all images are kept there."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from fastai.data.core import TfmdDL
from fastai.data.load import fa_collate
from fastai.torch_core import TensorBase, to_detach
from fastai.vision.core import TensorImage, TensorImageBW
from torch import Tensor

from fastmed.data.store.cache import Cache, Kept
from fastmed.data.store.inspection import places_of
from fastmed.learn.input.share import Share


class Stored(NamedTuple):
    """Where the images of a loader are in a cache, in the order of the loader's items.

    Attributes:
        cache: that keeps them.
        colour, slots: of each image, (n,).
        channels: of the network's input.
    """

    cache: Cache
    colour: np.ndarray
    slots: np.ndarray
    channels: int

    def images(self, chosen: np.ndarray) -> Tensor:
        """Return images as a batch of uint8, (n, 3, side, side), or (n, 1, ...) if all are grey.

        Each channel of a grey image would be changed alike; so there is one until the batch is
        normalised for the network's input.
        """
        pixels = torch.from_numpy(self.cache.batch(self.colour[chosen], self.slots[chosen]))
        if pixels.ndim == 4:
            return pixels.permute(0, 3, 1, 2).as_subclass(TensorImage)
        kind = TensorImageBW if self.channels == 1 else TensorImage
        return pixels.unsqueeze(1).as_subclass(kind)


def stored_items(cache: Cache | None, items: pd.DataFrame, root: Any) -> Stored | None:
    """Return where the images of items are; None if any is not in the cache, or has changed."""
    if cache is None or not isinstance(items, pd.DataFrame) or items.empty:
        return None
    places = places_of(items, root)
    found = cache.find(places)
    if any(place not in found for place in places):
        return None
    kept: list[Kept] = [found[place] for place in places]
    colour = np.array([entry.colour for entry in kept], dtype=bool)
    slots = np.array([entry.slot for entry in kept], dtype=np.int64)
    return Stored(cache, colour, slots, cache.settings.channels)


class CachedLoader(TfmdDL):
    """A fastai loader that takes its images from a cache, a batch at a time.

    What else belongs to an item (its target, its metadata) is encoded once by the transforms of
    the DataBlock and indexed. A loader whose images are not all kept works as fastai's does.

    Attributes:
        share: of each batch that this process takes; ``bs`` is then the size of that share.
    """

    share = Share()

    def draw(self) -> list[int]:
        """Return the positions of an epoch's images for all processes, in its order."""
        return super().get_idxs()

    def get_idxs(self) -> list[int]:
        """Return the positions of the images that this process takes in an epoch."""
        drawn = self.draw()
        return drawn if self.share.count == 1 else self.share.of(drawn, self.bs, self.drop_last)

    def __len__(self) -> int:
        """Return the number of this process's batches."""
        if self.share.count == 1:
            return super().__len__()
        return self.share.batches(self.n, self.bs, self.drop_last)

    @property
    def common_batches(self) -> int:
        """The number of batches that each process has."""
        return self.share.common_batches(self.n, self.bs, self.drop_last)

    def to_detach(self, batch: Any, cpu: bool = True, gather: bool = True) -> Any:
        """Return tensors without their history; fastai would gather them from all processes."""
        return to_detach(batch, cpu=cpu, gather=False)

    @cached_property
    def stored(self) -> Stored | None:
        """Where the images are; None if they are opened one by one."""
        opener = _opener(self.dataset)
        return None if opener is None else opener.stored(self.dataset.items)

    @cached_property
    def others(self) -> list[Tensor]:
        """What belongs to the items beside the image, encoded, each (n, ...)."""
        lists = self.dataset.tls[1:]
        return [fa_collate([tl[i] for i in range(len(tl))]) for tl in lists]

    def create_batches(self, samps: Iterable[int]) -> Iterator[Any]:
        """Yield batches: from the cache if it has them, else item by item."""
        if self.dataset is None or self.stored is None:
            yield from super().create_batches(samps)
            return
        for chosen in self.chunkify(iter(samps)):
            yield self._gather(self.stored, np.asarray(list(chosen)))

    def _gather(self, stored: Stored, chosen: np.ndarray) -> tuple[Tensor, ...]:
        rows = torch.from_numpy(chosen)
        return stored.images(chosen), *(_rows(values, rows) for values in self.others)


def _rows(values: Tensor, rows: Tensor) -> Tensor:
    chosen = values.as_subclass(Tensor)[rows] if isinstance(values, TensorBase) else values[rows]
    return chosen.as_subclass(type(values))


def _opener(dataset: Any) -> Any:
    """Return the transform that opens the dataset's images."""
    lists: Sequence[Any] = getattr(dataset, "tls", ())
    transforms = lists[0].tfms.fs if lists else ()
    return next((step for step in transforms if hasattr(step, "stored")), None)
