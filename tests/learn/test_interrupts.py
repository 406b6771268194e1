import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from fastmed.learn.interrupts import interrupt_only_this_process

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has no SIGINT to send")


def test_an_interrupt_reaches_this_process_as_ever() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), interrupt_only_this_process():
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_child_lives_through_it() -> None:
    with interrupt_only_this_process():
        child = os.fork()
        if child == 0:
            os.kill(os.getpid(), signal.SIGINT)
            os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_an_interrupt_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupt_only_this_process():
            os.kill(os.getpid(), signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_may_train_too() -> None:
    def work() -> bool:
        with interrupt_only_this_process():
            return threading.current_thread() is not threading.main_thread()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(work).result()
