"""Predictions as `fastmed.predict` makes them, and the network's part of it alone."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.amp import autocast

from fastmed.benching.clock import ROUNDS, pace
from fastmed.benching.pace import Pace
from fastmed.benching.ready import Ready
from fastmed.data.tables import LEFT_OUT
from fastmed.familiarity.likeness import Likeness
from fastmed.familiarity.watch import Watch
from fastmed.learn.through_views import Seer
from fastmed.prediction.networks import network_outputs
from fastmed.prediction.stream import Engine, Network

_LOOKED_AT = 500  # images that others are compared with, as in a run


@dataclass(frozen=True)
class Predictions:
    """What predictions took.

    Attributes:
        forward: images a second through the network alone, each as often as it has views.
        whole: images a second from the cache, or from files, to what a table is made of.
    """

    forward: Pace
    whole: Pace


def predictions_pace(ready: Ready, seconds: float, workers: int | None, cache: bool) -> Predictions:
    """Return how many images a second are predicted through the task's views.

    Args:
        ready: whose network predicts.
        seconds: of each of both measurements.
        workers: processes that decode; None takes one a core.
        cache: take decoded images from the cache.
    """
    task = ready.task
    seer = Seer(ready.learn, task, ready.statistics, task.predict.views, task.predict.average)
    with seer.at_work():
        forward = _forward(seer, seconds, ready.device)
    items = ready.items[ready.items["split"] != LEFT_OUT].reset_index(drop=True)
    items.attrs = ready.items.attrs
    likeness = _likeness(ready, items, int(forward.usual * seconds / ROUNDS), workers, cache)
    networks = [Network(seer, likeness)]
    with Engine(networks, cache=cache, workers=workers, images=len(items)) as engine:
        rows = int(np.clip(forward.usual * seconds / ROUNDS, seer.batch, engine.rows))
        parts = _parts(items, rows)
        whole = pace(lambda: len(engine.chunk(next(parts)).items), seconds, ready.device)
    return Predictions(forward, whole)


def _parts(items: pd.DataFrame, rows: int) -> Iterator[pd.DataFrame]:
    """Yield so many items at a time, again and again from the first to the last."""
    while True:
        for first in range(0, len(items), rows):
            part = items.iloc[first : first + rows].reset_index(drop=True)
            part.attrs = items.attrs
            yield part


def _forward(seer: Seer, seconds: float, device: torch.device) -> Pace:
    """Return the pace of the network on what a prediction gives it."""
    task, count = seer.task, seer.batch
    shape = (task.image.size,) * 2 + ((3,) if task.image.channels == 3 else ())
    noise = np.random.default_rng(0).integers(0, 256, (count, *shape), dtype=np.uint8)
    coder = seer.statistics.metadata
    coded = None if coder is None else np.tile(coder.missing, (count, 1)).astype(np.float32)
    calls = _Calls(device)
    with calls.listening(seer.model):
        seer.see(list(noise), coded)

    def forward() -> int:
        with torch.no_grad(), calls.casting():
            for _ in range(calls.count):
                seer.model(*calls.inputs)
        return count

    return pace(forward, seconds, device)


class _Calls:
    """How often a network is called, with what, and in which precision."""

    def __init__(self, device: torch.device) -> None:
        self.kind = device.type
        self.count = 0
        self.inputs: tuple[Tensor, ...] = ()
        self.small: torch.dtype | None = None

    def listening(self, model: nn.Module) -> AbstractContextManager[object]:
        """Listen to the calls of a network."""
        return model.register_forward_pre_hook(self._keep)

    def casting(self) -> AbstractContextManager[object]:
        """Compute in the precision of the calls."""
        return nullcontext() if self.small is None else autocast(self.kind, dtype=self.small)

    def _keep(self, _model: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self.count, self.inputs = self.count + 1, inputs
        casts = torch.is_autocast_enabled(self.kind)
        self.small = torch.get_autocast_dtype(self.kind) if casts else None


def _likeness(
    ready: Ready, items: pd.DataFrame, count: int, workers: int | None, cache: bool
) -> Likeness:
    """Return what images are like that new ones are compared with, as a run knows it."""
    some = items.head(int(np.clip(count, 1, _LOOKED_AT)))
    some.attrs = items.attrs
    watch = Watch(ready.statistics)
    network_outputs(
        ready.learn, ready.task, some, ready.statistics,
        views=ready.task.predict.views[:1], workers=workers, cache=cache, watch=watch,
    )  # fmt: skip
    sight = watch.sight(some)
    return Likeness.fit(sight, sight)
