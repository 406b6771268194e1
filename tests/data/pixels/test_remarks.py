"""Filters of warnings are as before, however many threads change them."""

import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from fastmed.data.pixels.remarks import remarks


def test_raised_or_ignored_within_the_block_only():
    with remarks("error", UserWarning), pytest.raises(UserWarning):
        warnings.warn("x", UserWarning, stacklevel=1)
    with remarks("ignore", UserWarning):
        warnings.warn("x", UserWarning, stacklevel=1)
    with pytest.warns(UserWarning, match="x"):
        warnings.warn("x", UserWarning, stacklevel=1)


def test_threads_leave_the_filters_as_they_were():
    def change(number: int) -> None:
        with remarks("error" if number % 2 else "ignore", UserWarning):
            pass

    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(change, range(2000)))
    assert warnings.filters == before
