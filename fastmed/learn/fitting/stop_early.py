"""The end of a phase that brings nothing better any more."""

import math
from typing import Any

from fastai.callback.core import Callback, CancelFitException

from fastmed.console import note
from fastmed.learn.fitting.metrics import higher_is_better


class StopEarly(Callback):
    """Ends a phase when the metric has not become better for some epochs.

    A phase is compared with itself: when a body is unfrozen, the metric may fall at first. A frozen
    phase that ends early is followed by the whole one. The end comes before the next epoch, so
    that all that follows an epoch is done, and a training that stopped there ends likewise when it
    is taken up.

    Args:
        metric: that chooses the epoch to keep.
        patience: how many epochs.
    """

    order = 59

    def __init__(self, metric: str, patience: int) -> None:
        self.metric, self.patience = metric, patience
        self.best: float | None = None
        self.waited = 0

    def before_epoch(self) -> None:
        """End the phase if patience has run out."""
        if self.waited >= self.patience:
            rows = self.learn.history.rows
            note(
                f"The {rows[-1]['phase']} phase ends after epoch {rows[-1]['epoch']}: "
                f"{self.metric} has not become better for {self.waited} epochs."
            )
            raise CancelFitException

    def after_epoch(self) -> None:
        """Count the epochs since the best."""
        value = self.learn.history.rows[-1][self.metric]
        if self._is_better(value):
            self.best, self.waited = value, 0
        else:
            self.waited += 1

    def _is_better(self, value: float) -> bool:
        if math.isnan(value):
            return False
        if self.best is None:
            return True
        return value > self.best if higher_is_better(self.metric) else value < self.best

    def state(self) -> dict[str, Any]:
        """Return the best value of this phase and the epochs since."""
        return {"best": self.best, "waited": self.waited}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from `state`."""
        self.best, self.waited = state["best"], state["waited"]
