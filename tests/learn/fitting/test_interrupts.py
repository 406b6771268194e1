import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from fastmed.learn.fitting.interrupts import interrupt_between_batches

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has no SIGINT to send")


def press() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def work(done: list[int], pressed_in: tuple[int, ...], batches: int = 4) -> None:
    with interrupt_between_batches() as heed:
        for batch in range(batches):
            heed()
            if batch in pressed_in:
                press()
            done.append(batch)


def test_the_batch_is_finished_first() -> None:
    before, done = signal.getsignal(signal.SIGINT), []
    with pytest.raises(KeyboardInterrupt):
        work(done, pressed_in=(1,))
    assert done == [0, 1]
    assert signal.getsignal(signal.SIGINT) is before


def test_it_is_not_lost_in_the_last_batch() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt):
        work(done, pressed_in=(3,))
    assert done == [0, 1, 2, 3]


def test_pressed_twice_it_ends_the_batch() -> None:
    done = []

    def press_twice() -> None:
        with interrupt_between_batches():
            press()
            done.append("once")
            press()
            done.append("twice")

    with pytest.raises(KeyboardInterrupt):
        press_twice()
    assert done == ["once"]


def test_loader_processes_live_through_it() -> None:
    with interrupt_between_batches():
        child = os.fork()
        if child == 0:
            press()
            press()
            os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_an_interrupt_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        work(done := [], pressed_in=(1, 2))
        assert done == [0, 1, 2, 3]
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_may_work_too() -> None:
    done: list[int] = []
    with ThreadPoolExecutor(1) as pool:
        pool.submit(work, done, ()).result()
    assert done == [0, 1, 2, 3]
