"""Memory that networks free stays with the process while they compute, and no longer."""

import platform
import resource
from collections.abc import Iterator

import psutil
import pytest
import torch

from fastmed.learn import memory
from fastmed.learn.memory import memory_kept

CPU = torch.device("cpu")
BYTES = 256 * 2**20
HUGE_PAGES = BYTES // 2**21  # the fewest that a block can have

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="memory is glibc's to keep")


def faults(times: int) -> int:
    """Return how many pages are cleared while a large block is taken, filled and freed."""
    torch.ones(BYTES, dtype=torch.uint8)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        torch.ones(BYTES, dtype=torch.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    assert memory._users == 0


@glibc
def test_pages_are_cleared_once_only() -> None:
    with memory_kept(CPU):
        kept = faults(5)
    assert kept < HUGE_PAGES
    assert faults(5) > 5 * HUGE_PAGES


@glibc
def test_all_of_it_is_given_back_after_the_last_user() -> None:
    process = psutil.Process()
    before = process.memory_info().rss
    with memory_kept(CPU):
        with memory_kept(CPU):
            torch.ones(BYTES, dtype=torch.uint8)
        assert process.memory_info().rss > before + BYTES / 2
    assert process.memory_info().rss < before + BYTES / 2


@glibc
def test_an_error_ends_it_too() -> None:
    with pytest.raises(ZeroDivisionError), memory_kept(CPU):
        raise ZeroDivisionError
    assert faults(5) > 5 * HUGE_PAGES


@pytest.mark.parametrize("nothing", [(torch.device("cuda"), True), (CPU, False)], ids=str)
def test_other_devices_and_plain_trainings_are_left_alone(nothing: tuple) -> None:
    with memory_kept(*nothing):
        assert memory._users == 0


def test_another_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_glibc", lambda: None)
    with memory_kept(CPU):
        assert memory._users == 0
