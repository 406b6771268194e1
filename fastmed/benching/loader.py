"""The loader alone: images as the network is given them, and no network."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fastai.data.core import TfmdDL
from fastcore.foundation import L
from fasttransform import Transform

from fastmed.benching.clock import pace
from fastmed.benching.pace import Pace
from fastmed.benching.ready import Ready
from fastmed.learn.input.augment import without_augmentation


def loader_pace(ready: Ready, seconds: float, augmented: bool = True) -> Pace:
    """Return how many training images a second are ready on the device, in random order.

    Args:
        ready: with the loader; it is left as it was.
        seconds: of the measurement.
        augmented: False leaves out the random changes.
    """
    loader = ready.loaders.train
    steps = list(loader.after_batch.fs)
    batches = _batches(loader)
    with _steps_of(loader, steps if augmented else without_augmentation(steps)):
        try:
            return pace(lambda: len(next(batches)[-1]), seconds, ready.device)
        finally:
            batches.close()


def _batches(loader: TfmdDL) -> Generator[tuple[Any, ...], None, None]:
    """Yield the batches of one epoch after the other."""
    while True:
        yield from loader


@contextmanager
def _steps_of(loader: TfmdDL, steps: Sequence[Transform]) -> Iterator[None]:
    before = list(loader.after_batch.fs)
    loader.after_batch.fs = L(steps)
    try:
        yield
    finally:
        loader.after_batch.fs = L(before)
