"""The command line where several processes train together: one of them speaks for all."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from types import FrameType

from fastmed.processes import refuse_several, seat

TOGETHER = ("train", "resume")


def check_command(name: str | None) -> None:
    """Refuse a command that one process does alone, if several were started.

    Raises:
        TrainingError: names the command.
    """
    if name is not None and name not in TOGETHER:
        refuse_several(f"`fastmed {name}`")


@contextmanager
def one_voice() -> Iterator[None]:
    """Let the main process alone speak, and of a failure the process that failed first.

    If that is on another machine, the main process says it, too.
    """
    if seat().count == 1:
        yield
        return
    signal.signal(signal.SIGINT, _interrupt_once)
    try:
        with _quiet_unless_main():
            yield
    except SystemExit as ended:
        if not ended.code:
            _leave()
        raise
    except Exception as error:
        if _is_to_tell(error):
            raise
        sys.exit(1)


@contextmanager
def _quiet_unless_main() -> Iterator[None]:
    if seat().main:
        yield
        return
    with (
        Path(os.devnull).open("w", encoding="utf-8") as nowhere,
        redirect_stdout(nowhere),
        redirect_stderr(nowhere),
    ):
        yield


def _interrupt_once(number: int, frame: FrameType | None) -> None:
    """Heed Ctrl-C once: torchrun passes it on to processes that have had it already."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def _is_to_tell(error: Exception) -> bool:
    from fastmed.console import clear_sentence
    from fastmed.errors import TrainingError
    from fastmed.learn.distributed.board import board

    own = seat()
    try:
        first = board().fail(clear_sentence(error))
    except (TrainingError, RuntimeError):
        return True
    return first == own.rank or (own.main and first >= own.local_count)


def _leave() -> None:
    from fastmed.learn.distributed.team import leave_team

    leave_team()
