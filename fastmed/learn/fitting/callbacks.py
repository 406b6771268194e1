"""What happens around the batches and epochs of a training."""

import math
import time
from typing import Any

import pandas as pd
from fastai.callback.core import Callback

from fastmed.data.tables import write_table
from fastmed.errors import TrainingError
from fastmed.learn.fitting.metrics import higher_is_better
from fastmed.learn.network.weights import save_weights
from fastmed.run import Run


class StopWhenNotFinite(Callback):
    """Ends the training with one clear sentence when the loss is no number any more."""

    run_valid = False

    def after_loss(self) -> None:
        """Check the loss before it reaches the weights."""
        loss = self.loss_grad.item()
        if not math.isfinite(loss):
            raise TrainingError(
                f"the loss became {loss} in batch {self.iter + 1} of "
                f"{self.n_iter}; try a smaller --lr (now {self.opt.hypers[-1]['lr']:.2g})"
            )


class History(Callback):
    """Writes one row an epoch to the run's ``history.csv``, through all phases of a fit.

    Attributes:
        rows: epoch (from 1), phase, train_loss, valid_loss, metrics, lr (of the head), seconds.
    """

    order = 55

    def __init__(self, run: Run) -> None:
        self.run_folder = run
        self.rows: list[dict[str, Any]] = []
        self.phase = ""

    def before_epoch(self) -> None:
        """Start the clock."""
        self.started = time.monotonic()

    def after_epoch(self) -> None:
        """Add and write the row."""
        names = self.recorder.metric_names[1:-1]
        values = [float(value) for value in self.recorder.values[-1]]
        self.rows.append(
            {
                "epoch": len(self.rows) + 1,
                "phase": self.phase,
                **dict(zip(names, values, strict=True)),
                "lr": float(self.opt.hypers[-1]["lr"]),
                "seconds": round(time.monotonic() - self.started, 2),
            }
        )
        write_table(pd.DataFrame(self.rows), self.run_folder.path / "history.csv")


class KeepBest(Callback):
    """Keeps the weights of the epoch that is best by a metric of the validation part.

    Attributes:
        best_epoch, best_value: of the best so far; 0 and None before the first epoch.
    """

    order = 56

    def __init__(self, run: Run, history: History, metric: str) -> None:
        self.run_folder, self.history, self.metric = run, history, metric
        self.best_epoch = 0
        self.best_value: float | None = None

    def after_epoch(self) -> None:
        """Write the weights unless they are worse; of equal epochs the later one is kept.

        An undefined metric counts as the worst.
        """
        row = self.history.rows[-1]
        value = row[self.metric]
        if self.best_value is None or not self._worse(value, self.best_value):
            save_weights(self.model, self.run_folder.weights)
            self.best_epoch, self.best_value = row["epoch"], value
            self.run_folder.update(best_epoch=self.best_epoch, best_value=value)

    def _worse(self, value: float, best: float) -> bool:
        if math.isnan(value) or math.isnan(best):
            return math.isnan(value) and not math.isnan(best)
        return value < best if higher_is_better(self.metric) else value > best
