"""The process of a tracker: takes lines of JSON from its input until that ends.

Started as ``python -m fastmed.tracking.worker NAME`` by `fastmed.tracking.messenger`.
"""

import json
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fastmed.tracking.tracker import About, Tracker
from fastmed.tracking.trackers import TRACKERS

FAILED = "fastmed: "  # begins the line that says why


def follow(kind: type[Tracker], lines: Iterable[str]) -> None:
    """Tell a tracker what the lines say; if they end before the run does, that it was killed.

    Args:
        kind: of tracker.
        lines: each a JSON list: ``about``, then ``epoch``, ``figure``, and at last ``end``, each
            with its arguments.
    """
    messages = map(json.loads, lines)
    (_, about) = next(messages)
    tracker = kind(About(**{**about, "folder": Path(about["folder"])}))
    for message in messages:
        if _told(tracker, *message):
            return
    tracker.end("killed", {})


def _told(tracker: Tracker, what: str, *given: Any) -> bool:
    """Pass on a message; True if it was the last."""
    match what:
        case "epoch":
            tracker.epoch(*given)
        case "figure":
            name, file, number = given
            tracker.figure(name, Path(file), number)
        case "end":
            tracker.end(*given)
    return what == "end"


def main() -> None:
    """Follow the standard input; a failure is one line on the standard error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the training, which tells us
    try:
        follow(TRACKERS[sys.argv[1]], sys.stdin)
    except Exception as error:
        sentence = " ".join(str(error).split())
        sys.stderr.write(f"\n{FAILED}{type(error).__name__}: {sentence}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
