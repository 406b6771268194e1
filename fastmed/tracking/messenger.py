"""Telling a tracker in another process, without ever waiting for it or failing with it."""

import json
import math
import os
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from fastmed.console import warn
from fastmed.tracking.tracker import About, Values
from fastmed.tracking.trackers import TRACKERS
from fastmed.tracking.worker import FAILED

PATIENCE = 60  # seconds that the end of a training waits for what is still to be sent


class Messenger:
    """A tracker at work in a process of its own.

    There, it can neither hold up nor end the training, nor draw from its random generators. What
    its client says goes into a log file. If it fails, that is one warning.

    Args:
        name: of the tracker.
        about: the run.
        log: a file for what its client says.
        patience: seconds that `wait` waits.
    """

    def __init__(self, name: str, about: About, log: Path, patience: float = PATIENCE) -> None:
        self.label, self.log, self.patience = TRACKERS[name].label, log, patience
        self.lines: SimpleQueue[str | None] = SimpleQueue()
        self.warned = False
        self.process = self._started(name)
        self.thread = threading.Thread(target=self._feed, daemon=True)
        self.thread.start()
        self._say("about", {**asdict(about), "folder": str(about.folder.absolute())})

    def epoch(self, number: int, values: Values) -> None:
        """Pass on the measures of an epoch; measures without a value are left out."""
        self._say("epoch", number, _defined(values))
        self._warn_if_ended()

    def figure(self, name: str, file: Path, number: int) -> None:
        """Pass on a figure."""
        self._say("figure", name, str(file.absolute()), number)

    def end(self, status: str, scores: Values) -> None:
        """Pass on how the run ended."""
        self._say("end", status, _defined(scores))
        self.lines.put(None)

    def wait(self) -> None:
        """Wait a little until everything is kept."""
        if self.process is None:
            return
        try:
            self.process.wait(self.patience)
        except subprocess.TimeoutExpired:
            self._warn(f"it did not end in {self.patience:g} seconds, and is left to itself")
        self._warn_if_ended()

    def _started(self, name: str) -> subprocess.Popen[str] | None:
        command = [sys.executable, "-m", "fastmed.tracking.worker", name]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "CUDA_VISIBLE_DEVICES": ""}
        try:
            self.log.parent.mkdir(exist_ok=True)
            with self.log.open("a", encoding="utf-8") as log:
                return subprocess.Popen(  # noqa: S603 (a command of ours)
                    command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment,
                    text=True, encoding="utf-8", start_new_session=True,
                )  # fmt: skip
        except OSError as error:
            self._warn(str(error))
            return None

    def _say(self, what: str, *given: Any) -> None:
        self.lines.put(json.dumps([what, *given], default=str))

    def _feed(self) -> None:
        """Write the lines as fast as the process takes them; runs in a thread of its own."""
        pipe = self.process.stdin if self.process else None
        if pipe is None:
            return
        try:
            with pipe:
                while (line := self.lines.get()) is not None:
                    pipe.write(f"{line}\n")
                    pipe.flush()
        except OSError:
            return  # the process has ended, which is noticed after the epoch

    def _warn_if_ended(self) -> None:
        if self.process is not None and self.process.poll():
            self._warn(_reason(self.log))

    def _warn(self, reason: str) -> None:
        if not self.warned:
            self.warned = True
            warn(f"{self.label} keeps no track of this run ({reason}); the training goes on.")


def _defined(values: Values) -> dict[str, float]:
    return {name: float(value) for name, value in values.items() if math.isfinite(value)}


def _reason(log: Path) -> str:
    """Return why a process failed, as it wrote itself; it may have said other things later."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        return str(error)
    told = [line.removeprefix(FAILED) for line in lines if line.startswith(FAILED)]
    return told[-1] if told else f"its process has ended, see {log}"
