"""What the user reads: notes, tables and progress; rich on a terminal, plain lines elsewhere."""

import logging
import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from numbers import Number
from typing import TypeVar

from rich.console import Console, JustifyMethod
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Task as BarTask
from rich.table import Table
from rich.text import Text

Thing = TypeVar("Thing")

log = logging.getLogger("fastmed")
_hidden: list[Callable[[str], str]] = []  # what hides names in all that is shown

_LONGEST = 1000  # characters of a message
_SILENT = 20  # seconds between two lines of progress
_LARGE = 10  # from here on, one decimal place is enough in a table


class _PlainHandler(logging.Handler):
    """Writes notes to stderr, with warnings and errors marked as such."""

    def emit(self, record: logging.LogRecord) -> None:
        label = "" if record.levelno < logging.WARNING else f"{record.levelname.capitalize()}: "
        print(f"{label}{visible(record.getMessage())}", file=sys.stderr, flush=True)


def listen(verbosity: int = 0) -> None:
    """Show fastmed's notes on stderr: 0 notes and warnings, 1 also details, -1 only warnings.

    Nothing is hidden in what is shown any more.
    """
    _hidden.clear()
    log.handlers = [_PlainHandler()]
    log.propagate = False
    log.setLevel({-1: logging.WARNING, 0: logging.INFO, 1: logging.DEBUG}[verbosity])


def hide(names: Callable[[str], str]) -> None:
    """Show from now on no text before it went through a function that hides names in it."""
    if names not in _hidden:
        _hidden.append(names)


def note(text: str) -> None:
    """Tell the user something that is worth knowing."""
    log.info(text)


def warn(text: str) -> None:
    """Tell the user something that may be wrong."""
    log.warning(text)


def visible(text: str) -> str:
    r"""Return text in one line of which nothing can steer a terminal or hide from the reader.

    Names of files and labels come from anywhere. Line breaks, escape sequences, characters
    without width, marks that turn the reading direction, and bytes that are not UTF-8 are shown
    as ``\n``, ``\x1b``, ``\u200b``, ``\u202e``, ``\udcff``; of a long text, its beginning and end.
    """
    for names in _hidden:
        text = names(text)
    if len(text) > _LONGEST:
        half = _LONGEST // 2
        text = f"{text[:half]} … {text[-half:]}"
    return text if text.isprintable() else "".join(map(_visible_character, text))


def _visible_character(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()


def clear_sentence(error: Exception) -> str:
    """Return an error's own sentence, without what fastai and loader processes put before it."""
    text = str(error).strip()
    if "Original Traceback" in text:
        text = text.splitlines()[-1].partition(": ")[2]
    return visible(" ".join(text.rpartition(":\n\t")[2].splitlines()))


def on_terminal() -> bool:
    """True if stdout is a terminal, so that bars and colours make sense."""
    return sys.stdout.isatty()


def print_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], width: int = 120
) -> None:
    """Print a table on stdout; numbers stand right, text left.

    Args:
        title: stands above.
        columns: their names.
        rows: of cells, as `cell_text` shows them.
        width: in characters, where no terminal says another one.
    """
    table = Table()
    rows = [list(row) for row in rows]
    for place, column in enumerate(columns):
        figures = bool(rows) and all(_is_figure(row[place]) for row in rows)
        justify: JustifyMethod = "right" if figures else "left"
        table.add_column(Text(visible(column)), justify=justify, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell_text(cell)) for cell in row))
    console = Console(width=None if on_terminal() else width)
    console.print(Text(visible(title), style="bold"))
    console.print(table)


def cell_text(cell: object) -> str:
    """Return what a table shows for a cell: floats with three places or one, None as a dash."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return "-"
    if isinstance(cell, float):
        return f"{cell:z.3f}" if abs(cell) < _LARGE else f"{cell:z.1f}"
    return visible(str(cell))


def _is_figure(cell: object) -> bool:
    return cell is None or isinstance(cell, Number)


def progress(things: Iterable[Thing], what: str, total: int) -> Iterator[Thing]:
    """Yield the things, with a bar on a terminal, and else a plain line every 20 seconds."""
    with counting(what, total) as count:
        for thing in things:
            yield thing
            count(1)


@contextmanager
def counting(what: str, total: int, done: int = 0) -> Iterator[Callable[[int], None]]:
    """Yield a function that is told how many more are done, and shows it as `progress` does.

    Args:
        what: is being done.
        total: of all things.
        done: before, and not to be counted with for the rate.
    """
    if on_terminal():
        with progress_bar() as bar:
            task = bar.add_task(what, total=total, completed=done)
            yield partial(bar.advance, task)
    else:
        yield _Lines(what, total, done)


def progress_bar() -> Progress:
    """Return the one progress bar that every command shows; it vanishes when done."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _RateColumn(),
        TimeRemainingColumn(),
        transient=True,
    )


class _RateColumn(ProgressColumn):
    """How many are done a second."""

    def render(self, task: BarTask) -> Text:
        """Return the rate of the last seconds; nothing at the start."""
        return Text(f"{_figures(task.speed)}/s" if task.speed else "")


class _Lines:
    """Tells every 20 seconds what is done, how quickly, and how long the rest will take."""

    def __init__(self, what: str, total: int, done: int) -> None:
        self.what, self.total, self.done = what, total, done
        self.before, self.begun = done, time.monotonic()
        self.spoken = self.begun

    def __call__(self, more: int) -> None:
        self.done += more
        now = time.monotonic()
        if now - self.spoken > _SILENT:
            self.spoken = now
            rate = (self.done - self.before) / (now - self.begun)
            left = f"{_figures(rate)}/s, {_span((self.total - self.done) / rate)} left"
            note(f"{self.what}: {self.done} of {self.total}, {left}")


def _figures(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= _LARGE else f"{rate:.1f}"


def _span(seconds: float) -> str:
    """Return a time as people say it."""
    for unit, name in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"
