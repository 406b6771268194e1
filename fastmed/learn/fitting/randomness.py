"""Random states: work that must leave no trace in the course of a training."""

from collections.abc import Iterator
from contextlib import contextmanager

from fastai.torch_core import get_random_states, set_random_states, set_seed


@contextmanager
def untouched_randomness(seed: int | None = None) -> Iterator[None]:
    """Put the random generators of Python, NumPy and PyTorch back as they were before.

    Making a loader and going through one draw from them, so what is done between two epochs would
    change all epochs that follow.

    Args:
        seed: of the work within; None lets it begin with the states that it finds.
    """
    before = get_random_states()
    try:
        if seed is not None:
            set_seed(seed)
        yield
    finally:
        set_random_states(**before)
