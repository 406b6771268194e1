"""Spoil whole files of every format at random and read them: ``python tests/fuzz --inputs 10000``.

Each input is told by two numbers, ``--seed`` and its own, and can be made again:
``python tests/fuzz --seed 0 --number 1234 --keep DIR``.
"""

import argparse
import collections
import os
import sys
import time
from pathlib import Path

from fuzz_driver import Result, fuzz
from fuzz_seeds import NAMES


def table(results: list[Result]) -> str:
    """Return a Markdown table of how the files of each seed ended."""
    lines = [
        "| file | inputs | read | refused | defects, crashes, stalls | slowest, s |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    rows = {name: [result for result in results if result.name == name] for name in NAMES}
    for name, some in [*rows.items(), ("all", results)]:
        counts = collections.Counter(result.how for result in some)
        bad = len(some) - counts["read"] - counts["refused"]
        slowest = max((result.seconds for result in some), default=0)
        cells = name, len(some), counts["read"], counts["refused"], bad, f"{slowest:.1f}"
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def tell(result: Result) -> None:
    """Say what must not happen as soon as it does."""
    if result.how not in ("read", "refused"):
        say(f"{result.number} {result.name} {result.how}: {result.said[:300]}")


def say(text: str) -> None:
    """Write a line to the terminal at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def make(number: int, key: int, folder: Path) -> None:
    """Write one input to a folder and say how it ends."""
    from fuzz_worker import outcome, spoilt

    name, content = spoilt(number, key)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{key}-{number}-{name}").write_bytes(content)
    say(": ".join(outcome(name, content)))


def main() -> int:
    """Run what the command line asks for; 1 if anything but reading and refusing happened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--number", type=int, help="only this input, in this process")
    parser.add_argument("--keep", type=Path, default=Path("fuzz"), help="where it is written")
    given = parser.parse_args()
    if given.number is not None:
        make(given.number, given.seed, given.keep)
        return 0
    start = time.monotonic()
    results = fuzz(given.inputs, key=given.seed, processes=given.processes, tell=tell)
    say(table(results))
    say(f"\n{len(results)} inputs in {time.monotonic() - start:.0f} s")
    return int(any(result.how not in ("read", "refused") for result in results))


if __name__ == "__main__":
    raise SystemExit(main())
