"""What is measured in each epoch beside the validation part, as columns of the history."""

from collections.abc import Iterable

import torch
from fastai.callback.core import Callback
from fastai.callback.mixup import MixHandler
from fastai.data.core import DataLoaders, TfmdDL
from fastai.learner import AvgLoss, Metric
from pandas import DataFrame

from fastmed.data.tables import part
from fastmed.errors import DataError
from fastmed.learn.distributed.merging import merge
from fastmed.learn.fitting.metrics import make_metrics
from fastmed.learn.fitting.randomness import untouched_randomness
from fastmed.learn.fitting.scalars import Batch
from fastmed.run import Run
from fastmed.task import Task

TRAIN_METRICS = ("accuracy", "macro_f1")


class Measure(Callback):
    """Adds columns to the row that the history writes after an epoch."""

    def columns(self) -> dict[str, float]:
        """Return what was measured in this epoch, by the name of the column."""
        raise NotImplementedError


class MeasureTrainPart(Measure):
    """Measures the training part on its batches as they pass.

    These are running predictions: of augmented images, by a network with dropout, whose weights
    change from batch to batch. So they lag behind the validation part and cost next to nothing.
    Batches that are mixed with each other have no class that a prediction could hit: with mixup or
    cutmix there is only the loss.
    """

    run_valid = False
    order = 45

    def __init__(self, task: Task) -> None:
        self.loss_mean = AvgLoss()
        self.fitting = [one for one in make_metrics(task) if one.name in TRAIN_METRICS]
        self.mixed = bool(task.train.mixup or task.train.cutmix)
        self.measured: list[Metric] = []

    def before_fit(self) -> None:
        """Choose what has a meaning in this fit."""
        mixed = self.mixed or any(isinstance(one, MixHandler) for one in self.learn.cbs)
        self.measured = [] if mixed else self.fitting

    def before_train(self) -> None:
        """Begin anew."""
        self.batches: list[Batch] = []

    def after_loss(self) -> None:
        """Take in the batch; it is looked at when the epoch is over."""
        self.batches.append(Batch.of(self.learn))

    def after_train(self) -> None:
        """Measure what this process and others saw."""
        for one in (self.loss_mean, *self.measured):
            one.reset()
            for batch in self.batches:
                one.accumulate(batch)
        self.batches = []
        merge([self.loss_mean, *self.measured])

    def columns(self) -> dict[str, float]:
        """Return ``train_loss``, the mean over the images of the epoch, and the metrics."""
        return {f"train_{one.name}": _value(one) for one in (self.loss_mean, *self.measured)}


class MeasureTestPart(Measure):
    """Measures the test part after each epoch, as the validation part is measured.

    The course of the training is the same, bit for bit, as without it.
    """

    order = 54  # after the row of the validation part, before the history

    def __init__(self, loader: TfmdDL) -> None:
        self.loader = loader
        self.found: dict[str, float] = {}

    def after_epoch(self) -> None:
        """Go through the test part with the network that was just validated."""
        measured = [self.recorder.loss, *self.learn.metrics]  # their values are written already
        for one in measured:
            one.reset()
        self.learn.dl = self.loader
        with untouched_randomness(), torch.no_grad():
            self.learn.all_batches()
        merge(measured)
        self.found = {f"test_{one.name}": _value(one) for one in measured}

    def columns(self) -> dict[str, float]:
        """Return ``test_loss`` and all metrics."""
        return self.found


def measures(run: Run, dls: DataLoaders) -> list[Measure]:
    """Return what the run's task has measured in each epoch; randomness is left as it was."""
    found: list[Measure] = [MeasureTrainPart(run.task)]
    if run.task.train.test_each_epoch:
        found.append(MeasureTestPart(labelled_loader(dls, part(run.items, "test"))))
    return found


def check_test_part(task: Task, items: DataFrame) -> None:
    """Refuse data without a test part if the task wants it measured.

    Raises:
        DataError: there is none.
    """
    if task.train.test_each_epoch and part(items, "test").empty:
        raise DataError(
            "--test-each-epoch needs a test part, and these data have none; draw one with "
            "--set split.test=0.2"
        )


def labelled_loader(dls: DataLoaders, items: DataFrame) -> TfmdDL:
    """Return a loader of items with their targets, prepared as the validation part is."""
    with untouched_randomness():
        loader = dls.test_dl(items.reset_index(drop=True), with_labels=True, num_workers=0)
    loader.fake_l.num_workers = dls.valid.fake_l.num_workers
    return loader


def columns_of(callbacks: Iterable[Callback]) -> dict[str, float]:
    """Return the columns of all measures among the callbacks."""
    found = [one.columns() for one in callbacks if isinstance(one, Measure)]
    return {name: value for columns in found for name, value in columns.items()}


def _value(metric: Metric) -> float:
    value = metric.value
    return float("nan") if value is None else float(value)
