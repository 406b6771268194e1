"""Ctrl-C while batches and loader processes are at work."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from fastai.callback.core import Callback

Heed = Callable[[], None]


@contextmanager
def interrupt_between_batches() -> Iterator[Heed]:
    """Let Ctrl-C wait for the end of a batch, and leave loader processes alone.

    A terminal sends it to every process. A loader process that dies of it looks like a failure,
    and Python drops it where it comes while such a process is being made. Pressed once more, it
    ends the work at once.

    Yields:
        A function to call between batches; it raises KeyboardInterrupt if Ctrl-C was pressed.
    """
    here, before = os.getpid(), signal.getsignal(signal.SIGINT)
    pressed: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if os.getpid() == here:
            if pressed and callable(before):
                before(number, frame)
            pressed.append(number)

    def heed() -> None:
        if pressed:
            raise KeyboardInterrupt

    if not callable(before) or threading.current_thread() is not threading.main_thread():
        yield heed  # it is ignored; or Python would not let this thread handle it
        return
    signal.signal(signal.SIGINT, handle)
    try:
        yield heed
        heed()
    finally:
        signal.signal(signal.SIGINT, before)


class StopWhenInterrupted(Callback):
    """Ends a training before the next batch if Ctrl-C was pressed."""

    def __init__(self, heed: Heed) -> None:
        self.heed = heed

    def before_batch(self) -> None:
        """Raise KeyboardInterrupt if it was pressed."""
        self.heed()
