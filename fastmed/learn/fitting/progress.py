"""The progress of a training: a growing table on a terminal, plain lines elsewhere."""

from typing import Any

from fastai.callback.core import Callback
from fastai.data.core import TfmdDL
from rich.console import Group
from rich.live import Live
from rich.progress import TaskID
from rich.table import Table

from fastmed.console import cell_text, note, on_terminal, progress_bar
from fastmed.learn.fitting.callbacks import History, KeepBest
from fastmed.learn.fitting.measures import MeasureTestPart

_LEFT_OUT = ("phase", "lr")  # and the metrics of the training part
SECOND_VALIDATION = (
    "The test part is looked at after each epoch. That makes it a second validation part: whoever "
    "decides anything by it needs other images for an honest score."
)


class ShowProgress(Callback):
    """Shows a row after each epoch, and on a terminal a bar of batches within it.

    Args:
        history: whose rows are shown.
        best: whose choice is marked with a star.
        epochs: in all phases together.
    """

    order = 57

    def __init__(self, history: History, best: KeepBest, epochs: int) -> None:
        self.history, self.best, self.epochs = history, best, epochs
        self.live: Live | None = None
        self.told = False

    def before_fit(self) -> None:
        """Open the live table, once for all phases."""
        if self._tested() and not self.told:
            note(SECOND_VALIDATION)
            self.told = True
        if on_terminal() and self.live is None:
            self.bar = progress_bar()
            self.batches: TaskID = self.bar.add_task("")
            self.live = Live(self._view())
            self.live.start()

    def before_epoch(self) -> None:
        """Start the bar of this epoch."""
        if self.live:
            done = len(self.history.rows)
            total = sum(map(len, [self.learn.dls.train, self.learn.dls.valid, *self._tested()]))
            text = f"Epoch {done + 1} of {self.epochs}"
            self.bar.reset(self.batches, total=total, description=text)

    def after_batch(self) -> None:
        """Move the bar."""
        if self.live:
            self.bar.advance(self.batches)

    def after_epoch(self) -> None:
        """Show the row of this epoch."""
        if self.live:
            self.live.update(self._view())
            return
        row = self.history.rows[-1]
        values = ", ".join(
            f"{name} {cell_text(value)}" for name, value in _shown(row).items() if name != "epoch"
        )
        print(f"Epoch {row['epoch']}/{self.epochs}: {values}{self._star(row)}", flush=True)  # noqa: T201

    def close(self) -> None:
        """Leave the table on the terminal and end the live display."""
        if self.live:
            self.live.update(self._table())
            self.live.stop()
            self.live = None

    def _tested(self) -> list[TfmdDL]:
        return [one.loader for one in self.learn.cbs if isinstance(one, MeasureTestPart)]

    def _star(self, row: dict[str, Any]) -> str:
        return " *" if row["epoch"] == self.best.best_epoch else ""

    def _view(self) -> Group:
        return Group(self._table(), self.bar)

    def _table(self) -> Table:
        table = Table(caption=f"* best epoch, by {self.best.metric}", caption_justify="left")
        rows = self.history.rows
        for column in _shown(rows[0]) if rows else ():
            table.add_column(column.replace("_", " "), justify="right")
        for row in rows:
            cells = [cell_text(value) for value in _shown(row).values()]
            table.add_row(*cells[:-1], cells[-1] + self._star(row))
        return table


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in row.items() if _is_shown(name)}
    return {**shown, "seconds": f"{row['seconds']:.1f}"}


def _is_shown(name: str) -> bool:
    of_training = name.startswith("train_") and name != "train_loss"
    return name not in _LEFT_OUT and not of_training
