"""Running one hostile input, and looking at memory, time, what is printed and what is written."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from hostile_cases import NETWORK, Case, Place

SECONDS = 30  # of the processor
PATIENCE = 120  # seconds of the clock
MEGABYTES = 2000
SERVER = Path(__file__).with_name("hostile_server.py")


class Outcome(NamedTuple):
    """What a command did.

    Attributes:
        code: its exit code.
        line: the error, or the warning, that it printed.
        processor: seconds of the processor that it took, beyond loading PyTorch.
        seconds: by the clock.
        megabytes: of memory that it held at most, beyond what is loaded at the start.
        wrong: what it should not have done.
    """

    code: int
    line: str
    processor: float
    seconds: float
    megabytes: float
    wrong: str


class Server:
    """A process that has loaded fastmed and runs commands, one at a time.

    Attributes:
        processor, megabytes: that loading took.
    """

    def __init__(self, folder: Path) -> None:
        environment = {
            **os.environ, "HOME": str(folder), "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg",
        }  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, str(SERVER)], env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.processor = float(self._answer()["processor"])
        self.megabytes = _held(self.process.pid, ("Pss",)) / 1e6

    def start(self, **job: Any) -> int:
        """Start a command and return its process."""
        print(json.dumps(job), file=self.process.stdin, flush=True)
        return int(self._answer()["process"])

    def end(self) -> tuple[int, float]:
        """Return the exit code and the seconds of the processor, once the command has ended."""
        answer = self._answer()
        return int(answer["code"]), float(answer["processor"])

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def run_case(case: Case, place: Place, server: Server) -> Outcome:
    """Make a case in a folder of its own, run its command there, and look at what it did."""
    with tempfile.TemporaryDirectory(prefix="hostile-") as scratch:
        root = Path(scratch)
        for name in ("home", "tmp", "scene/made", "scene/out"):
            (root / name).mkdir(parents=True)
        try:
            path = case.make(root / "scene" / "made")
            return _run(case, path, place, root, server)
        finally:
            subprocess.run(["umount", root / "scene/made/runs"], capture_output=True, check=False)


def _run(case: Case, path: Path, place: Place, root: Path, server: Server) -> Outcome:
    before = _tree(root)
    out, err = root / "stdout", root / "stderr"
    environment = {
        "HOME": str(root / "home"), "TMPDIR": str(root / "tmp"),
        "FASTMED_HOME": str(root / "home"), "FASTMED_CACHE": str(root / "home" / "cache"),
    }  # fmt: skip
    start = time.monotonic()
    process = server.start(
        words=case.words(path, place), folder=str(root / "scene"), environment=environment,
        out=str(out), err=str(err),
    )  # fmt: skip
    watch = Watch(process, lambda: _meddle(case, path, root))
    watch.start()
    too_long = threading.Timer(PATIENCE, os.killpg, [process, signal.SIGKILL])
    too_long.start()
    code, processor = server.end()
    too_long.cancel()
    seconds = time.monotonic() - start
    watch.join()
    said, told = out.read_text(errors="replace"), err.read_text(errors="replace")
    out.unlink()
    err.unlink()
    lines = [line for line in told.splitlines() if line.startswith(("Error: ", "Warning: "))]
    chosen = [line for line in lines if line.startswith("Error: ")] or lines
    line = chosen[-1].replace(str(path), path.name).replace(f"{root}/scene/", "") if chosen else ""
    outcome = Outcome(code, line, processor, seconds, watch.most / 1e6, "")
    return outcome._replace(wrong=_wrong(case, outcome, said, told, _written(before, root)))


def _meddle(case: Case, path: Path, root: Path) -> bool:
    """Change the data once the run has begun; True when that is done or not wanted."""
    if case.meddle is None:
        return True
    started = any(
        json.loads(file.read_text()).get("status") == "training"
        for file in (root / "scene/out/runs").rglob("run.json")
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
    for place, folders, files, here in os.fwalk(root):
        for name in [*folders, *files]:
            state = os.stat(name, dir_fd=here, follow_symlinks=False)
            if not stat.S_ISDIR(state.st_mode):
                found[os.path.relpath(f"{place}/{name}", root)] = state.st_size, state.st_mtime_ns
    return found


def _written(before: Mapping[str, tuple[int, int]], root: Path) -> list[str]:
    """Return what was written outside of where runs, predictions and the cache go."""
    allowed = ("scene/out/", "scene/made/runs/", "scene/made/run/", "scene/made/data/", "home/")
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


def _held(pid: int, kinds: Iterable[str] = ("Private_Clean", "Private_Dirty")) -> float:
    """Return the bytes that a process holds: by itself, or its part of what it shares too."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    found = re.findall(rf"^(?:{'|'.join(kinds)}): +(\d+) kB", text, re.MULTILINE)
    return 1024 * sum(map(int, found))


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
