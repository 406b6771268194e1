"""Ctrl-C while batches and loader processes are at work."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from fastai.callback.core import Callback

from fastmed.processes import seat

Heed = Callable[[], None]
Agree = Callable[[bool], bool]


@contextmanager
def interrupt_between_batches(agree: Agree = bool) -> Iterator[Heed]:
    """Let Ctrl-C wait for the end of a batch, and leave loader processes alone.

    A terminal sends it to every process. A loader process that dies of it looks like a failure,
    and Python drops it where it comes while such a process is being made. Pressed once more, it
    ends the work at once; but torchrun passes it on to processes that have had it already, so it
    counts once where there are several.

    Args:
        agree: tells of several processes whether it was pressed for any of them, so that all end
            before the same batch.

    Yields:
        A function to call between batches; it raises KeyboardInterrupt if Ctrl-C was pressed.
    """
    here, before, several = os.getpid(), signal.getsignal(signal.SIGINT), seat().count > 1
    pressed: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if os.getpid() == here:
            if pressed and callable(before) and not several:
                before(number, frame)
            pressed.append(number)

    def heed() -> None:
        if agree(bool(pressed)):
            raise KeyboardInterrupt

    if not callable(before) or threading.current_thread() is not threading.main_thread():
        yield heed  # it is ignored; or Python would not let this thread handle it
        return
    signal.signal(signal.SIGINT, handle)
    try:
        yield heed
        heed()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN if pressed and several else before)


class StopWhenInterrupted(Callback):
    """Ends a training before the next batch if Ctrl-C was pressed."""

    def __init__(self, heed: Heed) -> None:
        self.heed = heed

    def before_batch(self) -> None:
        """Raise KeyboardInterrupt if it was pressed."""
        if self.iter < getattr(self.dl, "common_batches", self.n_iter):
            self.heed()
