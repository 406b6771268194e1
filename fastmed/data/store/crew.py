"""Work on files in processes of their own, with limits of time and memory.

A file that makes a decoder crash, stall or swell is a bad file, and not a dead run.
"""

import faulthandler
import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, TimeoutError
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from pebble import ProcessExpired, ProcessPool

SECONDS = 30  # for one file
MEMORY = 2 * 2**30  # bytes for one process, beyond what it starts with
AHEAD = 2  # how often work is handed out before the first of it is done

Thing = TypeVar("Thing")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Crew(Generic[Thing, Result]):
    """Processes that do the same with many things.

    Attributes:
        work: what is done with some things; it has to be a function that can be pickled.
        failed: makes the result of a thing that could not be worked on, from the reason.
        together: things that are handed to a process at a time.
        processes: how many; None takes one a core.
        seconds: for what is handed out at a time; what takes longer has failed.
        memory: bytes that a process may take, where the system can limit it (Linux).
    """

    work: Callable[[Sequence[Thing]], list[Result]]
    failed: Callable[[str], Result]
    together: int
    processes: int | None = None
    seconds: float = SECONDS
    memory: int = MEMORY

    def results(self, things: Sequence[Thing]) -> Iterator[Result]:
        """Yield the result of each thing, in order.

        Of those among which one fails, each is worked on anew by itself, so that exactly the bad
        one is found.
        """
        with self.at_work() as results:
            yield from results(things)

    @contextmanager
    def at_work(self) -> "Iterator[Callable[[Sequence[Thing]], Iterator[Result]]]":
        """Keep the processes for several calls of the function that is yielded: `results`."""
        count = self.processes or os.cpu_count() or 1
        pool = ProcessPool(count, initializer=_start, initargs=[self.memory], context=_context())

        def hand_out(some: Sequence[Thing]) -> tuple[Sequence[Thing], Future[list[Result]]]:
            return some, pool.schedule(self.work, args=[some], timeout=self.seconds)

        def results(things: Sequence[Thing]) -> Iterator[Result]:
            waiting: deque[tuple[Sequence[Thing], Future[list[Result]]]] = deque()
            for start in range(0, len(things), self.together):
                waiting.append(hand_out(things[start : start + self.together]))
                if len(waiting) > count * AHEAD:
                    yield from self._each(*waiting.popleft(), hand_out)
            while waiting:
                yield from self._each(*waiting.popleft(), hand_out)

        try:
            yield results
        finally:
            pool.stop()  # type: ignore[no-untyped-call]
            pool.join()

    def _each(
        self,
        things: Sequence[Thing],
        future: "Future[list[Result]]",
        hand_out: "Callable[[Sequence[Thing]], tuple[Sequence[Thing], Future[list[Result]]]]",
    ) -> Iterator[Result]:
        try:
            yield from future.result()
        except (TimeoutError, ProcessExpired, MemoryError) as error:
            if len(things) == 1:
                yield self.failed(_reason(error, self.seconds))
                return
            for thing in things:
                yield from self._each(*hand_out([thing]), hand_out)


def too_large() -> str:
    """Return why a file is bad that took too much memory."""
    return f"it takes more than {MEMORY / 2**30:g} GB of memory to be read"


def _reason(error: Exception, seconds: float) -> str:
    match error:
        case TimeoutError():
            return f"it takes longer than {seconds:g} seconds to be read"
        case ProcessExpired():
            return f"its decoder crashed (exit code {error.exitcode})"
    return too_large()


def _context() -> multiprocessing.context.BaseContext:
    """Return how processes start: forked on Linux, so that a script needs no main guard."""
    return multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")


def _start(memory: int) -> None:
    """Prepare a process: Ctrl-C is its parent's matter, decoders keep quiet, memory has an end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.disable()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
