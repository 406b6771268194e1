"""What networks free on a processor stays with the process, until they are done.

The C library gives large blocks back to the system at once, and the system clears each page again
before the next layer may write on it. Several cores that compute wait for each other meanwhile.
"""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

import torch

# The settings of glibc, as in its malloc.h, with what they are at most where nothing is set.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4
_KEEPING = {_TRIM_THRESHOLD: 2**31 - 1, _MMAP_MAX: 0}
_USUAL = {_TRIM_THRESHOLD: 64 * 2**20, _MMAP_THRESHOLD: 32 * 2**20, _MMAP_MAX: 65536}

_users = 0
_lock = Lock()


@contextmanager
def memory_kept(device: torch.device, wanted: bool = True) -> Iterator[None]:
    """Keep what is freed for the next layer and batch, and give all of it back at the end.

    On other devices than a CPU, and with another C library than glibc, nothing happens.

    Args:
        device: that computes.
        wanted: False leaves everything as it is.
    """
    library = _glibc() if wanted and device.type == "cpu" else None
    if library is None:
        yield
        return
    _begin(library)
    try:
        yield
    finally:
        _end(library)


def _begin(library: Any) -> None:
    global _users  # noqa: PLW0603
    with _lock:
        _users += 1
        _set(library, _KEEPING)


def _end(library: Any) -> None:
    global _users  # noqa: PLW0603
    with _lock:
        _users -= 1
        if _users == 0:
            _set(library, _USUAL)
            library.malloc_trim(0)


def _set(library: Any, values: dict[int, int]) -> None:
    for name, value in values.items():
        library.mallopt(name, value)


@cache
def _glibc() -> Any:
    """Return the C library of this process if its memory can be steered, or else None."""
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    known = hasattr(library, "gnu_get_libc_version") and hasattr(library, "malloc_trim")
    return library if known else None
