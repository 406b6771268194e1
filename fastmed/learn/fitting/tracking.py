"""Trackers are told of each epoch."""

from collections.abc import Sequence

from fastai.callback.core import Callback

from fastmed.learn.fitting.callbacks import History
from fastmed.tracking.messenger import Messenger

_NO_MEASURE = ("epoch", "phase")


class TellTrackers(Callback):
    """Tells trackers each row of the history; it never waits for them."""

    order = 62  # after the row and the checkpoint are written

    def __init__(self, history: History, messengers: Sequence[Messenger]) -> None:
        self.told_history, self.messengers = history, list(messengers)

    def after_epoch(self) -> None:
        """Pass on the row of this epoch."""
        row = self.told_history.rows[-1]
        values = {name: value for name, value in row.items() if name not in _NO_MEASURE}
        for one in self.messengers:
            one.epoch(row["epoch"], values)
