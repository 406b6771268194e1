"""The hostile inputs, and the command that each of them is given to."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

TESTS = Path(__file__).parent.parent / "tests"
sys.path += [str(TESTS / "hostile"), str(TESTS / "data")]

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


def good_image(place: Place) -> Make:
    """Return the maker of an image that nothing is wrong with, to compare with."""
    image = _images(place.data)[0]
    return lambda folder: Path(shutil.copy(image, folder))


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
