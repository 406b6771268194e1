"""Images a second: a warm-up, then the median of some rounds."""

import time
from collections.abc import Callable

import torch

from fastmed.benching.pace import Pace
from fastmed.learn.fitting.interrupts import Heed, interrupt_between_batches
from fastmed.learn.fitting.ways import wait_for

ROUNDS = 5
_WARM_UP = 0.25  # of the seconds of a measurement
_FIRST = 2  # pieces of work that warm up, unless one takes all of the seconds

Work = Callable[[], int]


def pace(work: Work, seconds: float, device: torch.device) -> Pace:
    """Return how many images a second a repeated work takes.

    Args:
        work: does a piece of it, and returns of how many images that was.
        seconds: for all rounds; a warm-up of a quarter of them comes before. Each round has one
            piece at least, and there is one round at least.
        device: that is waited for.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed.
    """
    with interrupt_between_batches() as heed:
        _warm_up(work, seconds, device, heed)
        rounds: list[float] = []
        began = time.perf_counter()
        while len(rounds) < ROUNDS and not (rounds and time.perf_counter() - began > seconds):
            rounds.append(_round(work, seconds / ROUNDS, device, heed))
    return Pace(tuple(rounds))


def _warm_up(work: Work, seconds: float, device: torch.device, heed: Heed) -> None:
    began, done, passed = time.perf_counter(), 0, 0.0
    while passed < seconds and (done < _FIRST or passed < _WARM_UP * seconds):
        heed()
        work()
        wait_for(device)
        done, passed = done + 1, time.perf_counter() - began


def _round(work: Work, seconds: float, device: torch.device, heed: Heed) -> float:
    wait_for(device)
    began, images = time.perf_counter(), 0
    while not images or time.perf_counter() - began < seconds:
        heed()
        images += work()
    wait_for(device)
    return images / (time.perf_counter() - began)
