"""Ctrl-C while loader processes are at work."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interrupt_only_this_process() -> Iterator[None]:
    """Let Ctrl-C, which a terminal sends to loader processes too, end only the work of this one.

    A loader process that dies of it would look like a failure before this process hears of it.
    """
    here, before = os.getpid(), signal.getsignal(signal.SIGINT)

    def handle(number: int, frame: FrameType | None) -> None:
        if os.getpid() == here and callable(before):
            before(number, frame)

    if not callable(before) or threading.current_thread() is not threading.main_thread():
        yield  # Python lets only the main thread handle signals
        return
    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
