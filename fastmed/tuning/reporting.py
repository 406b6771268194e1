"""A trial is told how each epoch went, and may end there."""

import math
from collections.abc import Callable

from fastai.callback.core import Callback

from fastmed.errors import FastmedError

Report = Callable[[int, float], None]


class PrunedError(FastmedError):
    """A trial has fallen behind; the rest of its epochs is not worth the time."""


class ReportEpochs(Callback):
    """Reports the metric of each epoch, those of before an interruption included.

    Args:
        metric: that the search goes by.
        report: takes an epoch, from 1, and its value; may raise `PrunedError`.
    """

    order = 70  # after everything of the epoch is written

    def __init__(self, metric: str, report: Report) -> None:
        self.metric, self.report = metric, report
        self.done = 0

    def after_epoch(self) -> None:
        """Report what is new; an undefined value says nothing."""
        for row in self.learn.history.rows[self.done :]:
            self.done = row["epoch"]
            if not math.isnan(row[self.metric]):
                self.report(row["epoch"], row[self.metric])
