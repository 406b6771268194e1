import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from conftest import tiny_task

from fastmed.data.tables import items_table
from fastmed.errors import RunError
from fastmed.files import read_json
from fastmed.run import Run, list_runs
from fastmed.run.places import relative_path
from fastmed.run.versions import package_versions


@pytest.fixture
def items(tmp_path: Path) -> pd.DataFrame:
    (tmp_path / "data").mkdir()
    rows = {"item": ["a.png", "b.png"], "image": ["a.png", "b.png"], "split": ["train", "valid"]}
    return items_table(pd.DataFrame(rows), tmp_path / "data")


@pytest.fixture
def create(items: pd.DataFrame, tmp_path: Path) -> Callable[..., Run]:
    def make(name: str = "", task: str = "lungs", **changes: object) -> Run:
        return Run.create(tmp_path / "runs", tiny_task(task, **changes), items, name)

    return make


def test_a_run_opens_as_it_was_made(create: Callable, items: pd.DataFrame, tmp_path: Path) -> None:
    made = create("first")
    assert made.path == tmp_path / "runs" / "lungs" / "first"
    run = Run.open(made.path)
    assert run.task == tiny_task("lungs")
    assert run.info["status"] == "created"
    assert run.info["versions"] == package_versions()
    assert run.data == tmp_path / "data"
    assert run.items.equals(items)
    assert run.items.attrs["root"] == str(tmp_path / "data")
    made.update(status="done", best_value=float("nan"))
    assert Run.open(made.path).info["status"] == "done"
    assert Run.open(made.path).info["best_value"] is None
    assert str(made.path) in repr(run)


def test_versions_are_those_that_are_installed() -> None:
    versions = package_versions()
    assert versions["pandas"] == pd.__version__
    assert "not installed" not in versions.values()


def test_a_run_and_its_data_move_together(create: Callable, tmp_path: Path) -> None:
    run = create("first")
    assert str(tmp_path) not in (run.path / "run.json").read_text()
    for folder in ("runs", "data"):
        shutil.move(tmp_path / folder, tmp_path / "elsewhere" / folder)
    moved = Run.open(tmp_path / "elsewhere" / "runs" / "lungs" / "first")
    assert moved.data == tmp_path / "elsewhere" / "data"


def test_default_names_never_collide(create: Callable) -> None:
    made = [create(train__arch="resnet50.a1_in1k") for _ in range(12)]
    assert len({run.path for run in made}) == 12
    assert all("resnet50" in run.path.name for run in made)


def test_the_newest_is_the_last_that_was_made_even_within_a_second(create: Callable) -> None:
    for name in ("b", "c", "a"):
        create(name)
    other = create("d", task="pneumonia")
    made = create()
    again = create()
    runs = again.path.parent.parent
    assert [run.path.name for run in list_runs(runs)] == [
        "b", "c", "a", "d", made.path.name, again.path.name,
    ]  # fmt: skip
    assert Run.newest(runs).path == again.path
    assert Run.newest(runs, "pneumonia").path == other.path
    assert Run.newest(runs / "pneumonia").path == other.path


def test_the_newest_stays_the_newest_when_another_is_worked_on(create: Callable) -> None:
    first, second = create("first"), create("second")
    first.update(status="done")
    (first.path / "task.json").write_text((first.path / "task.json").read_text())
    assert Run.newest(second.path.parent.parent).path == second.path


def test_names_that_are_taken_or_no_folders_are_refused(create: Callable) -> None:
    create("first")
    with pytest.raises(RunError, match="first' exists already; choose another --name"):
        create("first")
    for name in ("../up", "a/b", ".hidden", "a b", "x" * 101):
        with pytest.raises(RunError, match="may hold only letters"):
            create(name)


def test_runs_that_are_not_there_are_one_sentence(create: Callable, tmp_path: Path) -> None:
    run = create("first")
    with pytest.raises(RunError, match=r"no run folder .*frist'; did you mean '.*first'\?"):
        Run.open(run.path.with_name("frist"))
    with pytest.raises(RunError, match="is not a run: it has no run.json"):
        Run.open(tmp_path)
    with pytest.raises(RunError, match=r"no run in '.*none'; `fastmed train TASK` makes one"):
        Run.newest(tmp_path / "none")
    with pytest.raises(RunError, match="no run of task 'pneumonia'"):
        Run.newest(tmp_path / "runs", "pneumonia")
    assert list_runs(tmp_path / "none") == []


def test_a_folder_that_is_half_a_run_is_one_sentence(create: Callable) -> None:
    run = create("first")
    for read, missing in (
        (lambda: run.history, "has no history.csv"),
        (lambda: run.predictions("valid"), "has no predictions of 'valid'"),
    ):
        with pytest.raises(RunError, match=missing):
            read()
    (run.path / "items.csv").unlink()
    with pytest.raises(RunError, match="has no items.csv"):
        _ = run.items
    (run.path / "task.json").write_text('{"name": "lungs"}')
    with pytest.raises(RunError, match=r"task.json is no task to this fastmed; version \d"):
        _ = run.task
    (run.path / "run.json").write_text("{")
    with pytest.raises(RunError, match=r"run.json can't be read"):
        Run.open(run.path)


def test_runs_folder_that_can_not_be_made(items: pd.DataFrame, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="can't make a run folder in"):
        Run.create(tmp_path / "file", tiny_task("lungs"), items)


def test_relative_paths_lead_back(tmp_path: Path) -> None:
    assert relative_path(tmp_path / "data", tmp_path / "runs" / "a") == "../../data"
    assert relative_path(str(tmp_path / "x"), tmp_path) == "x"


def test_run_json_says_when(create: Callable) -> None:
    moment = read_json(create().path / "run.json")["created"]
    assert pd.Timestamp.now(tz="UTC") - pd.Timestamp(moment) < pd.Timedelta(minutes=5)
