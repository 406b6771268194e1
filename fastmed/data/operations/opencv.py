"""OpenCV kept within bounds: on one thread, and without a word on the terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

import cv2


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep OpenCV to the calling thread within a ``with`` block.

    Images are worked on side by side in processes of their own, and OpenCV's threads don't survive
    a fork: a process that is forked from one that has used them would wait for ever.
    """
    before = cv2.getNumThreads()
    cv2.setNumThreads(0)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


@contextmanager
def silence() -> Iterator[None]:
    """Keep OpenCV from writing on the terminal; version 5 has moved its levels."""
    levels = getattr(cv2.utils, "logging", cv2)
    before = levels.getLogLevel()
    levels.setLogLevel(0)
    try:
        yield
    finally:
        levels.setLogLevel(before)
