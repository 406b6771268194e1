"""What happens around the batches and epochs of a training."""

import math
import time
from typing import Any

import pandas as pd
import torch
from fastai.callback.core import Callback
from torch import Tensor

from fastmed.data.tables import write_table
from fastmed.errors import TrainingError
from fastmed.learn.distributed.team import team
from fastmed.learn.fitting.measures import columns_of
from fastmed.learn.fitting.metrics import higher_is_better
from fastmed.learn.network.weights import save_weights
from fastmed.run import Run
from fastmed.run.checkpoints import Checkpoint, put_in_place


class StopWhenNotFinite(Callback):
    """Ends the training with one clear sentence when the loss is no number any more.

    On a CPU it looks before the loss reaches the weights. A GPU would wait each time, so that it
    looks now and then there, and always before an epoch is kept.
    """

    run_valid = False

    def before_train(self) -> None:
        """Begin anew."""
        self.losses: list[Tensor] = []

    def after_loss(self) -> None:
        """Take in the loss, and check it in its turn."""
        self.losses.append(self.loss_grad.detach())
        if len(self.losses) == turn_of(self.loss_grad.device) or self.iter + 1 == self.n_iter:
            self._check()

    def _check(self) -> None:
        losses, self.losses = self.losses, []
        loss = team().mean(torch.stack(losses).sum())
        if not math.isfinite(loss):
            last = self.iter + 1
            first = last - len(losses) + 1
            where = f"batch {last}" if first == last else f"one of the batches {first} to {last}"
            raise TrainingError(
                f"the loss became {loss} in {where} of {self.n_iter}; try a smaller --lr (now "
                f"{self.opt.hypers[-1]['lr']:.2g})"
            )


def turn_of(device: torch.device) -> int:
    """Return after how many batches the loss is looked at."""
    return 1 if device.type == "cpu" else 20


class History(Callback):
    """Writes one row an epoch to the run's ``history.csv``, through all phases of a fit.

    Attributes:
        rows: epoch (from 1), phase, train_loss, valid_loss, metrics of the validation part, what
            `Measure` callbacks add, lr (of the head), seconds.
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
                **columns_of(self.learn.cbs),
                "lr": float(self.opt.hypers[-1]["lr"]),
                "seconds": round(time.monotonic() - self.started, 2),
            }
        )
        self._write()

    def state(self) -> dict[str, Any]:
        """Return the rows so far."""
        return {"rows": [dict(row) for row in self.rows]}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on below rows of before; later ones in the file are gone."""
        self.rows[:] = [dict(row) for row in state["rows"]]
        self._write()

    def _write(self) -> None:
        file = self.run_folder.path / "history.csv"
        if self.rows:
            write_table(pd.DataFrame(self.rows), file)
        else:
            file.unlink(missing_ok=True)


class KeepBest(Callback):
    """Keeps the weights of each epoch, and of the one that is best by a metric under a second name.

    The metric is one of the validation part. Which older epochs stay is not decided here.

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
        kept = Checkpoint(self.run_folder.path, row["epoch"])
        save_weights(self.model, kept.weights)
        if self.best_value is None or not self._worse(value, self.best_value):
            put_in_place(kept.weights, self.run_folder.weights)
            self.best_epoch, self.best_value = row["epoch"], value
            self.run_folder.update(best_epoch=self.best_epoch, best_value=value)

    def state(self) -> dict[str, Any]:
        """Return the best epoch so far, and its value."""
        return {"best_epoch": self.best_epoch, "best_value": self.best_value}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a best epoch of before; what was kept of epochs after it is gone.

        If its weights are not kept any more, a better one followed, and will again.
        """
        epoch = state["best_epoch"]
        kept = Checkpoint(self.run_folder.path, epoch)
        if epoch and kept.weights.is_file():
            self.best_epoch, self.best_value = epoch, state["best_value"]
            put_in_place(kept.weights, self.run_folder.weights)
            self.run_folder.update(best_epoch=self.best_epoch, best_value=self.best_value)
        else:
            self.best_epoch, self.best_value = 0, None
            self.run_folder.weights.unlink(missing_ok=True)
            self.run_folder.forget("best_epoch", "best_value")

    def _worse(self, value: float, best: float) -> bool:
        if math.isnan(value) or math.isnan(best):
            return math.isnan(value) and not math.isnan(best)
        return value < best if higher_is_better(self.metric) else value > best
