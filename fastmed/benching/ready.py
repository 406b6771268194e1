"""A task and its images as a training has them before its first step, and a run that is nowhere."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from fastai.data.core import DataLoaders
from fastai.learner import Learner

from fastmed.learn.fitting.schedule import Phase
from fastmed.learn.fitting.ways import Way
from fastmed.learn.input.statistics import Statistics
from fastmed.learn.memory import memory_kept
from fastmed.run import Run
from fastmed.task import Task
from fastmed.training.speed import choose_speed, way_of
from fastmed.training.train import prepare

# What makes epochs differ or ends them; those that are measured are to be alike.
_OF_EPOCHS: dict[str, Any] = {
    "train.start_size": None,
    "train.grow_epochs": None,
    "train.patience": None,
    "train.save_every": None,
    "train.test_each_epoch": False,
    "augment.first_epoch": 1,
    "augment.last_epoch": None,
}


@dataclass(frozen=True)
class Ready:
    """All that is measured.

    Attributes:
        task: whose epochs are all alike.
        items: of the images.
        statistics: of the pixels.
        learn: at its start.
        phase: of the fit; the last one, in which the whole network learns.
        run: an empty one, in a folder that is removed at the end.
        way: how steps are computed.
    """

    task: Task
    items: pd.DataFrame
    statistics: Statistics
    learn: Learner
    phase: Phase
    run: Run
    way: Way

    @property
    def loaders(self) -> DataLoaders:
        """The loaders of the training and the validation part."""
        return self.learn.dls

    @property
    def device(self) -> torch.device:
        """Where all is computed."""
        return torch.device(self.learn.dls.device)

    @property
    def decoded(self) -> bool:
        """True if the loaders take their images from the cache."""
        return self.learn.dls.train.stored is not None


@contextmanager
def made_ready(  # noqa: PLR0917
    task: Task,
    items: pd.DataFrame,
    share: float,
    device_name: str | None,
    workers: int | None,
    cache: bool,
) -> Iterator[Ready]:
    """Prepare a task as a training does; nothing is left of the run.

    Args:
        task: as it would be trained.
        items: with their parts.
        share: of all images that the items are, so that the length of the training is known.
        device_name: ``cpu``, ``cuda``, ...; None takes the best.
        workers: loader processes; None chooses.
        cache: take decoded images from the cache.
    """
    alike = task.with_changes(_OF_EPOCHS)
    prepared = prepare(alike, items, device_name, workers, cache)
    learn = prepared.learn
    speed = choose_speed(alike, learn, round(prepared.steps / share))
    device = torch.device(learn.dls.device)
    with (
        tempfile.TemporaryDirectory(prefix="fastmed-bench-") as folder,
        memory_kept(device, alike.train.speed == "auto"),
    ):
        run = Run.create(Path(folder), alike, items.iloc[:0])  # no one looks for images in it
        run.update(device=str(device), **speed)
        way = way_of(run, device)
        phase = prepared.phases[-1]
        yield Ready(alike, items, prepared.statistics, learn, phase, run, way)
