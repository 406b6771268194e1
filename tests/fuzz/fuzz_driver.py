"""Workers are watched: one that crashes or stalls costs one input, and its successor goes on."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from fuzz_seeds import NAMES

SECONDS = 20  # for one input
TO_START = 100  # more for the first, since libraries are loaded
WORKER = Path(__file__).with_name("fuzz_worker.py")


class Result(NamedTuple):
    """How the reading of one spoilt file ended.

    Attributes:
        number: of the input.
        name: of the seed file.
        how: ``read``, ``refused``, ``defect``, ``crash`` or ``stall``.
        said: the sentence, or what went wrong.
        seconds: that it took.
    """

    number: int
    name: str
    how: str
    said: str
    seconds: float


def fuzz(
    inputs: int,
    *,
    key: int = 0,
    processes: int = 1,
    tell: Callable[[Result], None] | None = None,
    worker: Path = WORKER,
    seconds: float = SECONDS,
) -> list[Result]:
    """Return how reading so many spoilt files ended, in their order."""
    results: list[Result] = []

    def add(result: Result) -> None:
        results.append(result)
        if tell:
            tell(result)

    def one(first: int) -> None:
        while first < inputs:
            words = [sys.executable, str(worker), *map(str, (first, inputs, processes, key))]
            first = _watched(words, seconds, add) + processes

    with ThreadPoolExecutor(processes) as pool:
        list(pool.map(one, range(processes)))
    return sorted(results)


def _watched(words: list[str], seconds: float, add: Callable[[Result], None]) -> int:
    """Run one worker until it is done, dies or stalls; return the last number it began."""
    begun, done = None, None
    stalled = threading.Event()
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        for line in _lines_in_time(process, seconds, stalled):
            told = json.loads(line)
            begun = told["number"]
            if "how" in told:
                add(Result(**told))
                done = begun
        complaint = process.stderr.read().decode(errors="replace") if process.stderr else ""
    if begun is None:
        raise RuntimeError(f"the worker did not start: {complaint}")
    if done != begun:
        how = "stall" if stalled.is_set() else "crash"
        said = f"more than {seconds:g} s" if how == "stall" else f"exit code {process.returncode}"
        add(Result(begun, NAMES[begun % len(NAMES)], how, said, seconds))
    return int(begun)


def _lines_in_time(
    process: "subprocess.Popen[bytes]", seconds: float, stalled: threading.Event
) -> Iterator[bytes]:
    """Yield what a worker says; it is killed when it says nothing for too long."""

    def kill() -> None:
        stalled.set()
        process.kill()

    patience = seconds + TO_START
    while process.stdout:
        watch = threading.Timer(patience, kill)
        watch.start()
        line = process.stdout.readline()
        watch.cancel()
        if not line:
            return
        patience = seconds
        yield line
