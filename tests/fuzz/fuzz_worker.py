"""A process that reads one spoilt file after another and says how each ended."""

import json
import os
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterable
from pathlib import Path

from fuzz_edits import applied, drawn
from fuzz_readers import read
from fuzz_seeds import NAMES, seed, whole

from fastmed.errors import FastmedError

MEMORY = 3 * 2**29  # bytes that reading may take


def spoilt(number: int, key: int) -> tuple[str, bytes]:
    """Return name and bytes of one input; the same numbers give the same file."""
    source = random.Random(f"{key}:{number}")
    name = NAMES[number % len(NAMES)]
    return name, whole(name, applied(seed(name), drawn(source)))


def outcome(name: str, content: bytes) -> tuple[str, str]:
    """Return ``read``, ``refused`` or ``defect``, and what was said."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try:
            read(path)
        except FastmedError as error:
            whole = str(path) in str(error) and "\n" not in str(error)
            return ("refused" if whole else "defect"), str(error)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # decoders in Rust panic with an exception of their own
            where = traceback.extract_tb(error.__traceback__)[-1]
            return "defect", f"{type(error).__name__}: {error} ({where.filename}:{where.lineno})"
        finally:
            shutil.rmtree(path.parent / "unpacked", ignore_errors=True)
    return "read", ""


def work(numbers: Iterable[int], key: int) -> None:
    """Read inputs and tell of each, when it begins and when it ends, in a line of JSON."""
    for number in numbers:
        _tell(number=number)
        name, content = spoilt(number, key)
        start = time.monotonic()
        how, said = outcome(name, content)
        _tell(number=number, name=name, how=how, said=said, seconds=time.monotonic() - start)


def _limit() -> None:
    """Load what is heavy, then give this process an end of its memory."""
    import torch

    warnings.simplefilter("ignore")

    torch.set_num_threads(1)
    for name in NAMES:
        seed(name)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _tell(**what: object) -> None:
    os.write(_OUT, json.dumps(what).encode() + b"\n")


_OUT = os.dup(1)

if __name__ == "__main__":
    first, last, step, given = map(int, sys.argv[1:])
    _limit()
    # What libraries print from here on goes nowhere, so that only lines of JSON are said.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    work(range(first, last, step), given)
