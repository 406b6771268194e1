"""Whole epochs of a training, with all that a training does in them."""

import time
from dataclasses import dataclass, replace

from fastai.callback.core import (
    Callback,
    CancelFitException,
    CancelTrainException,
    CancelValidException,
)

from fastmed.benching.pace import Pace
from fastmed.benching.ready import Ready
from fastmed.learn.fitting.callbacks import History, KeepBest
from fastmed.learn.fitting.checkpoint import KeepCheckpoints
from fastmed.learn.fitting.ways import wait_for
from fastmed.training.fitting import fit_phases

_MOST = 10_000  # epochs; time ends them
_WARM_UP = 0.25  # of the seconds of a measurement


@dataclass(frozen=True)
class Epochs:
    """What epochs from the second on took.

    Attributes:
        training, validation: their parts, each epoch a round.
        keeping: seconds after the validation of an epoch: weights, state and history are written.
    """

    training: Pace
    validation: Pace
    keeping: float


def epochs_pace(ready: Ready, seconds: float) -> Epochs:
    """Train for about so many seconds, after a first epoch that warms up.

    Args:
        ready: whose network learns.
        seconds: of training from the second epoch on. A longer epoch is ended early, and so are
            the first one after a quarter of them, and validations after half of them.

    Raises:
        TrainingError: the device's memory is too small, or the loss is no number any more.
    """
    run, task = ready.run, ready.task
    history = History(run)
    best = KeepBest(run, history, task.select)
    watch = Stopwatch(seconds)
    endless = replace(ready.phase, epochs=_MOST)
    told = [watch, best, KeepCheckpoints(history, best, 0, {})]
    fit_phases(ready.learn, task, [endless], history, told=told)
    return watch.found()


class Stopwatch(Callback):
    """Times both parts of each epoch, and ends what takes too long.

    Args:
        seconds: of training from the second epoch on.
    """

    order = 1000  # after all that happens in a batch, an epoch

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.trained: list[float] = []
        self.checked: list[float] = []
        self.kept: list[float] = []
        self.spent = {"train": 0.0, "valid": 0.0}

    def before_train(self) -> None:
        """Start the clock of the training part."""
        self._start("train", self.seconds)

    def before_validate(self) -> None:
        """Start the clock of the validation part."""
        self._start("valid", self.seconds / 2)

    def after_batch(self) -> None:
        """Count the images, and end the part if its time is over."""
        self.images += len(self.yb[0])
        if time.perf_counter() - self.began > self.left:
            raise CancelTrainException if self.part == "train" else CancelValidException

    def after_cancel_train(self) -> None:
        """Let what was seen count as the whole part."""
        self.learn.recorder.cancel_train = False

    def after_cancel_validate(self) -> None:
        """Let what was seen count as the whole part."""
        self.learn.recorder.cancel_valid = False

    def after_train(self) -> None:
        """Take the time of the training part."""
        self._stop(self.trained)

    def after_validate(self) -> None:
        """Take the time of the validation part."""
        self._stop(self.checked)
        self.began = time.perf_counter()

    def after_epoch(self) -> None:
        """Take the time of the rest; end the training if all is measured."""
        if self.epoch == 0:
            return
        self.kept.append(time.perf_counter() - self.began)
        if self.spent["train"] >= self.seconds:
            raise CancelFitException

    def found(self) -> Epochs:
        """Return what was measured."""
        keeping = sum(self.kept) / len(self.kept)
        return Epochs(Pace(tuple(self.trained)), Pace(tuple(self.checked)), keeping)

    def _start(self, part: str, seconds: float) -> None:
        wait_for(self.dls.device)
        self.part, self.images, self.began = part, 0, time.perf_counter()
        self.left = seconds * _WARM_UP if self.epoch == 0 else seconds - self.spent[part]

    def _stop(self, rates: list[float]) -> None:
        wait_for(self.dls.device)
        took = time.perf_counter() - self.began
        if self.epoch > 0:
            self.spent[self.part] += took
            rates.append(self.images / took)
