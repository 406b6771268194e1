"""Running one hostile input, and looking at memory, time, what is printed and what is written."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from hostile_cases import NETWORK, Case, Place

SECONDS = 30  # of the processor
PATIENCE = 120  # seconds of the clock
MEGABYTES = 2000
# Runs a command and leaves the seconds that it took of the processor, with its processes.
TIMED = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
open(sys.argv[1], "w").write(str(used.ru_utime + used.ru_stime))
sys.exit(code if code >= 0 else 128 - code)
"""


class Outcome(NamedTuple):
    """What a command did.

    Attributes:
        code: its exit code.
        line: the error, or the warning, that it printed.
        processor, seconds: that it took, of the processor and by the clock.
        megabytes: of memory that it held at most.
        wrong: what it should not have done.
    """

    code: int
    line: str
    processor: float
    seconds: float
    megabytes: float
    wrong: str


def run_case(case: Case, place: Place) -> Outcome:
    """Make a case in a folder of its own, run its command there, and look at what it did."""
    with tempfile.TemporaryDirectory(prefix="hostile-") as scratch:
        root = Path(scratch)
        for name in ("home", "tmp", "work/made", "work/out"):
            (root / name).mkdir(parents=True)
        try:
            path = case.make(root / "work" / "made")
            return _run(case, path, place, root)
        finally:
            subprocess.run(["umount", root / "work/made/runs"], capture_output=True, check=False)


def _run(case: Case, path: Path, place: Place, root: Path) -> Outcome:
    before = _tree(root)
    used = root / "used"
    words = [sys.executable, "-m", "fastmed", *case.words(path, place)]
    command = [sys.executable, "-c", TIMED, str(used), *words]
    environment = {
        **os.environ, "HOME": str(root / "home"), "TMPDIR": str(root / "tmp"),
        "FASTMED_HOME": str(root / "home"), "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg",
        "FASTMED_CACHE": str(root / "home" / "cache"),
    }  # fmt: skip
    start = time.monotonic()
    with subprocess.Popen(
        command, cwd=root / "work", env=environment, text=True, errors="replace",
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    ) as process:  # fmt: skip
        watch = Watch(process.pid, lambda: _meddle(case, path, root))
        watch.start()
        try:
            out, err = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
        seconds = time.monotonic() - start
        watch.join()
    lines = [line for line in err.splitlines() if line.startswith(("Error: ", "Warning: "))]
    chosen = [line for line in lines if line.startswith("Error: ")] or lines
    line = chosen[-1].replace(str(path), path.name).replace(f"{root}/work/", "") if chosen else ""
    processor = float(used.read_text()) if used.exists() else seconds
    used.unlink(missing_ok=True)
    outcome = Outcome(process.returncode, line, processor, seconds, watch.most / 1e6, "")
    return outcome._replace(wrong=_wrong(case, outcome, out, err, _written(before, root)))


def _meddle(case: Case, path: Path, root: Path) -> bool:
    """Change the data once the run has begun; True when that is done or not wanted."""
    if case.meddle is None:
        return True
    started = any(
        json.loads(file.read_text()).get("status") == "training"
        for file in (root / "work/out/runs").rglob("run.json")
    )
    if started:
        time.sleep(1)
        case.meddle(path)
    return started


def _wrong(case: Case, outcome: Outcome, out: str, err: str, written: list[str]) -> str:
    errors = [line for line in err.splitlines() if line.startswith("Error: ")]
    checks = {
        "traceback": "Traceback" in err + out,
        "exit code": outcome.code != (0 if case.passes else 1),
        "not one line of error": len(errors) != (0 if case.passes else 1),
        "last line is not the error": not case.passes
        and not err.rstrip("\n").rpartition("\n")[2].startswith("Error: "),
        "steers the terminal": any(not line.isprintable() for line in (out + err).split("\n")),
        f"more than {SECONDS} s": outcome.processor > SECONDS or outcome.seconds > PATIENCE,
        f"more than {MEGABYTES} MB": outcome.megabytes > MEGABYTES,
        f"written: {written[:3]}": bool(written),
    }
    return ", ".join(name for name, failed in checks.items() if failed)


def _tree(root: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of everything below a folder, not following links."""
    found = {}
    for place, folders, files in os.walk(root):
        for name in [*folders, *files]:
            path = Path(place) / name
            state = path.lstat()
            if not path.is_dir() or path.is_symlink():
                found[str(path.relative_to(root))] = state.st_size, state.st_mtime_ns
    return found


def _written(before: Mapping[str, tuple[int, int]], root: Path) -> list[str]:
    """Return what was written outside of where runs, predictions and the cache go."""
    allowed = ("work/out/", "work/made/runs/", "work/made/run/", "work/made/data/", "home/")
    now = _tree(root)
    changed = [name for name in now if before.get(name) != now[name]]
    return [name for name in [*changed, *(before.keys() - now)] if not name.startswith(allowed)]


class Watch(threading.Thread):
    """Looks twenty times a second at how much memory a process and its children hold.

    Attributes:
        most: bytes, the largest seen.
    """

    def __init__(self, pid: int, ready: Callable[[], bool]) -> None:
        super().__init__(daemon=True)
        self.pid, self.ready, self.most = pid, ready, 0.0

    def run(self) -> None:
        """Look until the process has ended."""
        waiting = True
        while _alive(self.pid):
            self.most = max(self.most, sum(map(_held, _family(self.pid))))
            waiting = waiting and not self.ready()
            time.sleep(0.05)


def _alive(pid: int) -> bool:
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def _family(pid: int) -> list[int]:
    """Return a process and all of its descendants."""
    try:
        tasks = Path(f"/proc/{pid}/task").iterdir()
        inner = [child for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return [pid]
    return [pid, *(one for child in inner for one in _family(int(child)))]


def _held(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    found = re.search(r"^Pss: +(\d+) kB", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def shared(folder: Path) -> Place:
    """Make phantom data and train a network on them."""
    from fastmed.demo.phantoms import write_phantom

    data = write_phantom("lungs", folder / "lungs", count=48, size=32)
    words = ["train", "lungs", "--data", str(data), "--no-pretrained", *NETWORK, "--name", "run"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "FASTMED_CACHE": str(folder / "cache")}
    (folder / "out").mkdir()
    subprocess.run(
        [sys.executable, "-m", "fastmed", "-q", *words], cwd=folder, env=environment, check=True,
        capture_output=True,
    )  # fmt: skip
    return Place(data, folder / "out" / "runs" / "lungs" / "run")
