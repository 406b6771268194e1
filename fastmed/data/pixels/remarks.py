"""Warnings of the libraries that read images, handled by one thread at a time."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

_LOCK = threading.Lock()


@contextmanager
def remarks(action: Literal["ignore", "error"], category: type[Warning]) -> Iterator[None]:
    """Ignore warnings of a category, or raise them as errors, within a ``with`` block.

    Python keeps one list of filters for all threads, so the block must be short: it is entered
    by one thread after the other.
    """
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter(action, category)
        yield
