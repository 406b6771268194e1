"""Every hostile input through the real command: the line it prints, peak memory and seconds.

    python benchmarks/hostile.py --out hostile.md
    python benchmarks/hostile.py --only dicom

Every case is made in a folder of its own, beside a file that nothing may touch. Memory is the
largest sum over the command and its processes of what each holds (Pss of Linux, where memory that
processes share counts once).
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

TESTS = Path(__file__).parent.parent / "tests"
sys.path += [str(TESTS / "hostile"), str(TESTS / "data")]

SECONDS = 30
MEGABYTES = 2000
NETWORK = (
    "--arch", "test_resnet", "--epochs", "1", "--size", "32", "--batch", "8", "--device", "cpu",
    "--workers", "0", "--runs", "out/runs",
)  # fmt: skip
Make = Callable[[Path], Path]


@dataclass(frozen=True)
class Place:
    """Where everything is that cases share: phantom data, and a run trained on them."""

    data: Path
    run: Path


class Case(NamedTuple):
    """One input.

    Attributes:
        family, name: of the case.
        words: the command, given the input's path and what is shared.
        make: writes the input into a folder and returns its path.
        passes: True where the command goes on without what is wrong, and counts it.
        meddle: what happens to the data once the run has begun.
    """

    family: str
    name: str
    words: Callable[[Path, Place], list[str]]
    make: Make
    passes: bool = False
    meddle: Callable[[Path], None] | None = None


class Outcome(NamedTuple):
    """What a command did.

    Attributes:
        code: its exit code.
        line: the error, or the warning, that it printed.
        seconds, megabytes: that it took.
        wrong: what it should not have done.
    """

    code: int
    line: str
    seconds: float
    megabytes: float
    wrong: str


def predict(path: Path, place: Place) -> list[str]:
    """Return the command that predicts an image, a folder or a table."""
    return ["predict", str(path), "--run", str(place.run), "--device", "cpu", "--out", "out/p.csv"]


def predict_with(path: Path, place: Place) -> list[str]:
    """Return the command that predicts with a run that was tampered with."""
    return ["predict", str(place.data / "test_images"), "--run", str(path), "--device", "cpu"]


def evaluate(path: Path, place: Place) -> list[str]:
    """Return the command that scores a run that was tampered with."""
    return ["evaluate", str(path), "--split", "valid", "--device", "cpu"]


def train_from(path: Path, place: Place) -> list[str]:
    """Return the command that trains from a file of weights."""
    return ["train", "lungs", "--data", str(place.data), "--weights", str(path), *NETWORK]


def train_task(path: Path, place: Place) -> list[str]:
    """Return the command that trains a task of a task file."""
    return ["train", "mine", "--data", str(place.data), "--tasks", str(path), *NETWORK]


def train_data(path: Path, place: Place) -> list[str]:
    """Return the command that trains on a data folder for long enough to change it meanwhile."""
    return [
        "train", "lungs", "--data", str(path), "--no-pretrained", "--no-cache", *NETWORK,
        "--epochs", "200",
    ]  # fmt: skip


def fetch(path: Path, place: Place) -> list[str]:
    """Return the command that unpacks an archive."""
    return ["fetch", "cardiomegaly", "--data", "out/data", "--archive", f"main={path}"]


def cases(place: Place) -> Iterator[Case]:
    """Yield every case, those that other test modules know and those of whole folders."""
    import hostile_archives
    import hostile_dicom
    import hostile_folders
    import hostile_pictures
    import hostile_runs
    import hostile_tables
    import hostile_tasks
    import hostile_weights

    families: list[tuple[str, Mapping[str, Make], Callable[[Path, Place], list[str]]]] = [
        ("DICOM", hostile_dicom.CASES, predict),
        ("pictures and arrays", hostile_pictures.CASES, predict),
        ("archives", hostile_archives.CASES, fetch),
        ("weights", hostile_weights.CASES, train_from),
        ("weights of a run", _spoilt(place, hostile_weights.RUN_CASES, True), predict_with),
        ("runs", _spoilt(place, hostile_runs.CASES, False), evaluate),
        ("tables", hostile_tables.CASES, predict),
        ("tasks", hostile_tasks.CASES, train_task),
        ("folders", hostile_folders.REFUSED, predict),
        ("disks", _disks(place), _train_on_disk),
    ]
    for family, makers, words in families:
        yield from (Case(family, name, words, make) for name, make in makers.items())
    for name, make in hostile_folders.CASES.items():
        yield Case("folders", name, predict, make, passes=True)
    for name, make in hostile_folders.ODD.items():
        yield Case("names of files", name, predict, make, passes=True)
    for name, change in CHANGES.items():
        yield Case("changed images", name, train_data, _copy(place.data), meddle=change)
    yield Case("changed images", "after the training", evaluate, _changed_run(place))
    yield Case("classes", "labels of another task", _evaluate_other, _other_labels(place))


def _spoilt(
    place: Place, spoil: Mapping[str, Callable[[Path], None]], weights: bool
) -> dict[str, Make]:
    def maker(change: Callable[[Path], None]) -> Make:
        def make(folder: Path) -> Path:
            run = _copied_run(place, folder)
            change(run / "model.safetensors" if weights else run)
            return run

        return make

    return {name: maker(change) for name, change in spoil.items()}


def _copied_run(place: Place, folder: Path, data: Path | None = None) -> Path:
    run = shutil.copytree(place.run, folder / "run")
    info = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**info, "data": str(data or place.data)}))
    return run


def _copy(data: Path) -> Make:
    return lambda folder: Path(shutil.copytree(data, folder / "data"))


def _images(data: Path) -> list[Path]:
    return sorted((data / "train_images").iterdir())


CHANGES: dict[str, Callable[[Path], None]] = {
    "to text, in the training": lambda data: _overwrite(data, b"no image"),
    "to nothing, in the training": lambda data: _overwrite(data, b""),
    "to another image, in the training": lambda data: _overwrite(
        data, _images(data)[0].read_bytes()
    ),
    "removed, in the training": lambda data: [path.unlink() for path in _images(data)[1:]],
}  # type: ignore[dict-item]


def _overwrite(data: Path, content: bytes) -> None:
    for path in _images(data)[1:]:
        path.write_bytes(content)


def _changed_run(place: Place) -> Make:
    def make(folder: Path) -> Path:
        data = _copy(place.data)(folder)
        _overwrite(data, _images(data)[0].read_bytes())
        return _copied_run(place, folder, data)

    return make


def _other_labels(place: Place) -> Make:
    def make(folder: Path) -> Path:
        data = _copy(place.data)(folder)
        table = data / "train_labels.csv"
        text = table.read_text().replace(",0\n", ",benign\n").replace(",1\n", ",malign\n")
        table.write_text(text)
        return data

    return make


def _evaluate_other(path: Path, place: Place) -> list[str]:
    return ["evaluate", str(place.run), str(path), "--device", "cpu"]


def _disks(place: Place) -> dict[str, Make]:
    def full(folder: Path) -> Path:
        (folder / "runs").mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=500k", "none", str(folder / "runs")]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            raise NotImplementedError("this user can't mount a small disk")
        return folder / "runs"

    def read_only(folder: Path) -> Path:
        return Path("/sys/runs")

    return {"full at a checkpoint": full, "that nobody may write": read_only}


def _train_on_disk(path: Path, place: Place) -> list[str]:
    words = ["train", "lungs", "--data", str(place.data), "--no-pretrained", *NETWORK]
    return [*words[: words.index("--runs")], "--runs", str(path)]


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
    command = [sys.executable, "-m", "fastmed", *case.words(path, place)]
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
            out, err = process.communicate(timeout=4 * SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
        seconds = time.monotonic() - start
        watch.join()
    lines = [line for line in err.splitlines() if line.startswith(("Error: ", "Warning: "))]
    chosen = [line for line in lines if line.startswith("Error: ")] or lines
    line = chosen[-1].replace(str(path), path.name).replace(f"{root}/work/", "") if chosen else ""
    outcome = Outcome(process.returncode, line, seconds, watch.most / 1e6, "")
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
        f"more than {SECONDS} s": outcome.seconds > SECONDS,
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


def cell(text: str) -> str:
    """Return text as code in a cell of a Markdown table."""
    text = text.replace("|", "\\|")
    mark = "``" if "`" in text else "`"
    space = " " if "`" in text else ""
    return f"{mark}{space}{text}{space}{mark}" if text else ""


def table(found: list[tuple[Case, Outcome]]) -> str:
    """Return the outcomes as Markdown, a table a family."""
    parts = []
    for family in dict.fromkeys(case.family for case, _ in found):
        lines = [f"### {family}", "", "| input | exit | line | MB | s |", "|---|--:|---|--:|--:|"]
        for case, outcome in found:
            if case.family == family:
                figures = f"{outcome.megabytes:.0f} | {outcome.seconds:.1f}"
                said = cell(outcome.line) + (f" **{outcome.wrong}**" if outcome.wrong else "")
                lines.append(f"| {case.name} | {outcome.code} | {said} | {figures} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def main() -> int:
    """Run what the command line asks for; 1 if any case did what it should not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="a regular expression of FAMILY: NAME")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--out", type=Path, help="where the tables go; printed if left out")
    given = parser.parse_args()
    found: list[tuple[Case, Outcome]] = []
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        place = shared(Path(folder))
        chosen = [
            case for case in cases(place) if re.search(given.only, f"{case.family}: {case.name}")
        ]
        with ThreadPoolExecutor(given.processes) as pool:
            for case, outcome in zip(
                chosen, pool.map(lambda one: run_case(one, place), chosen), strict=True
            ):
                found.append((case, outcome))
                if outcome.wrong:
                    print(
                        f"{case.family}: {case.name}: {outcome.wrong}: {outcome.line}", flush=True
                    )
    wrong = sum(bool(outcome.wrong) for _, outcome in found)
    most = max(found, key=lambda pair: pair[1].megabytes)[1].megabytes
    slowest = max(found, key=lambda pair: pair[1].seconds)[1].seconds
    told = f"{len(found)} inputs, {wrong} wrong; at most {most:.0f} MB, {slowest:.1f} s"
    text = f"{told}\n\n{table(found)}\n"
    given.out.write_text(text, encoding="utf-8") if given.out else print(text)
    print(told)
    return int(wrong > 0)


if __name__ == "__main__":
    raise SystemExit(main())
