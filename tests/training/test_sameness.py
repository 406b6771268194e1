import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import tiny_task
from stopped import stopped_before

from fastmed.errors import DataError, FastmedError, RunError
from fastmed.files import read_json, write_json
from fastmed.run import Run
from fastmed.run.versions import package_versions
from fastmed.training import sameness
from fastmed.training.resume import resume
from fastmed.training.train import train

CPU = {"device": "cpu", "workers": 0}


@pytest.fixture(scope="module")
def stopped_run(phantoms: dict, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data and a run of two epochs that was stopped in the second."""
    place = tmp_path_factory.mktemp("sameness")
    shutil.copytree(phantoms["lungs"], place / "data")
    with stopped_before(7):
        train(tiny_task("lungs"), place / "data", runs=place / "runs", name="a", **CPU)
    return place


@pytest.fixture
def run(stopped_run: Path, tmp_path: Path) -> Run:
    """The run and its data, to be changed."""
    place = Path(shutil.copytree(stopped_run, tmp_path / "copy"))
    return Run.open(place / "runs" / "lungs" / "a")


def with_setting(key: str, value: object) -> Callable[[Run], None]:
    def change(run: Run) -> None:
        task = read_json(run.path / "task.json")
        part, _, name = key.rpartition(".")
        (task[part] if part else task)[name] = value
        write_json(run.path / "task.json", task)

    return change


def other_image(run: Run) -> None:
    first = run.data / run.items["image"][0]
    second = run.data / run.items["image"][1]
    first.write_bytes(second.read_bytes())


def no_image(run: Run) -> None:
    (run.data / run.items["image"][0]).unlink()


def no_data(run: Run) -> None:
    shutil.rmtree(run.data)


def other_split(run: Run) -> None:
    file = run.path / "items.csv"
    text = file.read_text()
    assert ",valid," in text
    file.write_text(text.replace(",valid,", ",train,", 1))


CHANGES: dict[str, tuple[Callable[[Run], None], type[FastmedError], str]] = {
    "rate": (with_setting("train.lr", 0.5), RunError, r"json was changed .*train\.lr was .*0.5"),
    "classes": (
        with_setting("classes", ["healthy", "covid", "other"]), RunError,
        r"task.json was changed after the training began: classes was",
    ),
    "epochs": (with_setting("train.epochs", 9), RunError, r"epochs was 2 and is 9.*--weights"),
    "split": (other_split, RunError, "items.csv was changed after the training began"),
    "image": (other_image, DataError, "1 images are not those that were inspected before"),
    "missing": (no_image, DataError, "can't be read"),
    "data": (no_data, DataError, "the data folder .* is gone; put it back"),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_what_has_changed_is_refused_in_one_sentence(what: str, run: Run) -> None:
    change, error, sentence = CHANGES[what]
    change(run)
    before = {file.name: file.read_bytes() for file in run.path.iterdir() if file.is_file()}
    with pytest.raises(error, match=sentence) as caught:
        resume(run)
    assert "\n" not in str(caught.value)
    assert before == {file.name: file.read_bytes() for file in run.path.iterdir() if file.is_file()}


def test_other_versions_are_refused_but_of_what_makes_tables(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = package_versions()
    monkeypatch.setattr(sameness, "package_versions", lambda: {**installed, "timm": "9.9"})
    said = f"was trained with timm {installed['timm']}, and 9.9 is installed"
    with pytest.raises(RunError, match=re.escape(said)):
        resume(run)
    monkeypatch.setattr(sameness, "package_versions", lambda: {**installed, "pandas": "9.9"})
    assert resume(run).info["status"] == "done"


def test_another_number_of_threads_is_told(
    run: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sameness, "_threads", lambda: 64)
    (run.data / "notes.txt").write_text("a new file beside the images is no matter")
    moved = run.path.parent.parent / "elsewhere" / "b"
    shutil.copytree(run.path, moved)
    assert resume(moved).info["status"] == "done"
    assert "goes on with 64" in caplog.text
