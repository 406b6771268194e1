"""Predictions of any number of images into a file, with interruptions."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import tiny_task
from made import listening, write_png

from fastmed.data.tables import part, read_table, score_columns
from fastmed.errors import DataError, RunError
from fastmed.prediction import stream
from fastmed.prediction.export import Shape, predict_to_file
from fastmed.prediction.formats import write_predictions
from fastmed.prediction.ledger import Ledger, unfinished
from fastmed.prediction.manner import Manner
from fastmed.prediction.patients import patients_table
from fastmed.prediction.predictor import RunPredictor
from fastmed.prediction.story import predict, predict_stream
from fastmed.run import Run

CPU = {"device": "cpu", "workers": 1}
VIEWS = ["plain", "hflip"]
MANNER = {"views", "per_view", "sets", "abstain"}  # options that are not of the file


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Predicts four images at a time."""
    monkeypatch.setattr(stream, "MOST_ROWS", 4)
    monkeypatch.setattr(stream, "LEAST_ROWS", 4)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(11):
        write_png(tmp_path / "new" / f"{number % 2}" / f"{number}.png")
    return tmp_path / "new"


def export(run: Run, source: Path, file: Path | None, **options: object) -> object:
    manner = {key: options.pop(key) for key in MANNER & options.keys()}
    predictor = RunPredictor(run, Manner(device="cpu", **manner))
    return predict_to_file(predictor, source, file, workers=1, cache=False, **options)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("name", ["lungs", "retinopathy"])
def test_a_stream_gives_the_numbers_of_one_go(name: str, trained: dict[str, Run], folder: Path):
    run = trained[name]
    options = {"views": VIEWS, "per_view": True, "sets": 0.8}
    tables = list(predict_stream(run, folder, **options, **CPU))
    assert [len(table) for table in tables] == [4, 4, 3]
    assert all((table["reason"] == "").all() for table in tables)
    found = pd.concat(tables, ignore_index=True).drop(columns="reason")
    pd.testing.assert_frame_equal(found, predict(run, folder, **options, **CPU), check_exact=True)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("suffix", [".csv", ".json", ".npz"])
def test_a_file_is_that_of_one_go(
    suffix: str, trained: dict[str, Run], folder: Path, tmp_path: Path
):
    run = trained["retinopathy"]
    write_predictions(predict(run, folder, views=VIEWS, **CPU), tmp_path / f"one{suffix}")
    found = export(run, folder, tmp_path / f"many{suffix}", views=VIEWS)
    assert (found.rows, found.bad, len(found.first)) == (11, 0, 11)
    assert not unfinished(tmp_path / f"many{suffix}").exists()
    one, many = tmp_path / f"one{suffix}", tmp_path / f"many{suffix}"
    if suffix != ".npz":
        assert one.read_bytes() == many.read_bytes()
        return
    with np.load(one) as expected, np.load(many) as arrays:
        assert sorted(arrays) == sorted(expected)
        for name in arrays:
            np.testing.assert_array_equal(arrays[name], expected[name])


class StoppedError(Exception):
    """What a test stops an export with."""


@pytest.fixture
def stopping(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, type[BaseException]], None]:
    """Lets an export end with an error when it is about to keep a certain chunk."""
    add = Ledger.add

    def stop_at(chunk: int, error: type[BaseException]) -> None:
        chunks: Iterator[int] = iter(range(1, 100))

        def adding(ledger: Ledger, table: pd.DataFrame) -> None:
            if next(chunks) == chunk:
                raise error
            add(ledger, table)

        monkeypatch.setattr(Ledger, "add", adding)

    yield stop_at
    monkeypatch.setattr(Ledger, "add", add)


@pytest.mark.usefixtures("small_chunks")
def test_an_interrupted_export_goes_on(
    trained: dict[str, Run], folder: Path, tmp_path: Path, stopping: Callable,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    run, out = trained["lungs"], tmp_path / "out.csv"
    stopping(3, KeyboardInterrupt)
    with listening() as told, pytest.raises(KeyboardInterrupt):
        export(run, folder, out, views=VIEWS)
    assert "8 of 11 images are predicted and kept in" in told.text
    assert "--resume goes on" in told.text
    assert not out.exists()
    with pytest.raises(DataError, match="add --resume to go on, or remove it"):
        export(run, folder, out, views=VIEWS)
    monkeypatch.undo()
    monkeypatch.setattr(stream, "MOST_ROWS", 4)
    with listening() as told:
        export(run, folder, out, views=VIEWS, resume=True)
    assert "8 of 11 images are predicted already" in told.text
    write_predictions(predict(run, folder, views=VIEWS, **CPU), tmp_path / "one.csv")
    pd.testing.assert_frame_equal(
        read_table(out), read_table(tmp_path / "one.csv"), rtol=1e-6, atol=1e-6
    )
    assert not unfinished(out).exists()
    with pytest.raises(DataError, match="nothing to resume: '.*' is whole"):
        export(run, folder, out, views=VIEWS, resume=True)


@pytest.mark.usefixtures("small_chunks")
def test_only_the_same_predictions_go_on(
    own_run: Callable[[str], Run], folder: Path, tmp_path: Path, stopping: Callable
):
    run, out = own_run("lungs"), tmp_path / "out.csv"
    stopping(2, StoppedError)
    with pytest.raises(StoppedError):
        export(run, folder, out, views=VIEWS)

    def refused(words: str, **options: object) -> None:
        with pytest.raises(DataError, match=f"was begun with {words}; give the same command"):
            export(run, folder, out, **{"views": VIEWS, "resume": True, **options})

    refused("other views", views=["plain"])
    refused("or without the scores of each view", per_view=True)
    refused("other sets", sets=0.9)
    temperature = run.info["calibration"]["temperature"]
    run.update(calibration={**run.info["calibration"], "temperature": temperature * 1.5})
    refused("a run that was calibrated anew")
    run.update(calibration={**run.info["calibration"], "temperature": temperature})
    weights = run.weights.read_bytes()
    run.weights.write_bytes(weights[:-1] + bytes([weights[-1] ^ 1]))
    refused("other weights")
    run.weights.write_bytes(weights)
    os.utime(folder / "0" / "0.png", (1, 1))
    refused("other images, or some were changed")
    unfinished(out).write_bytes(b"no database, but of some length" * 100)
    with pytest.raises((DataError, RunError), match="out.csv.unfinished"):
        export(run, folder, out, views=VIEWS, resume=True)


def test_the_beginning_of_what_is_always_resumed(
    trained: dict[str, Run], folder: Path, tmp_path: Path
):
    with listening() as told:
        export(trained["lungs"], folder, tmp_path / "out.csv", resume=True)
    assert "There is nothing to resume" in told.text
    assert len(read_table(tmp_path / "out.csv")) == 11


def test_two_processes_never_write_one_file(tmp_path: Path):
    ledger = Ledger.begin(tmp_path / "out.csv", {}, resume=False)
    ledger.add(pd.DataFrame({"item": ["a"], "reason": [""]}))
    code = (
        "import sys; from pathlib import Path; from fastmed.prediction.ledger import Ledger\n"
        "try: Ledger.begin(Path(sys.argv[1]), {}, resume=True)\n"
        "except Exception as error: print(error)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "out.csv"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "another process is writing it" in said.stdout
    ledger.close()


def test_a_chunk_that_is_broken_off_is_not_there_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    ledger, table = (
        Ledger.begin(tmp_path / "out.csv", {}, resume=False),
        pd.DataFrame({"item": ["a", "b"], "reason": ""}),
    )
    insert = Ledger._insert

    def broken(self: Ledger, rows: pd.DataFrame) -> None:
        insert(self, rows)
        raise KeyboardInterrupt

    for kept in (0, 2):
        monkeypatch.setattr(Ledger, "_insert", broken)
        with pytest.raises(KeyboardInterrupt):
            ledger.add(table)
        assert len(ledger) == kept
        monkeypatch.setattr(Ledger, "_insert", insert)
        ledger.add(table)
    assert len(ledger) == 4
    ledger.close()


def test_a_ledger_to_which_nothing_was_added_goes(tmp_path: Path):
    for resume in (False, True, False):
        ledger = Ledger.begin(tmp_path / "out.csv", {}, resume=resume)
        assert unfinished(tmp_path / "out.csv").exists()
        ledger.close()
        assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="Windows has no SIGKILL")
def test_what_is_killed_loses_only_the_chunk_in_work(tmp_path: Path):
    code = (
        "import os, sys, pandas as pd; from pathlib import Path\n"
        "from fastmed.prediction.ledger import Ledger\n"
        "ledger = Ledger.begin(Path(sys.argv[1]), {'views': ['plain']}, resume=False)\n"
        "ledger.add(pd.DataFrame({'item': ['a', 'b'], 'reason': ''}))\n"
        "ledger._base.execute('BEGIN IMMEDIATE')\n"
        "ledger._base.execute(\"INSERT INTO rows VALUES ('c', '')\")\n"
        "os.kill(os.getpid(), 9)"
    )
    out = tmp_path / "out.csv"
    ended = subprocess.run([sys.executable, "-c", code, out], capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    ledger = Ledger.begin(out, {"views": ["plain"]}, resume=True)
    assert [row for table in ledger.tables() for row in table["item"]] == ["a", "b"]
    ledger.close()


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("name", ["lungs", "retinopathy"])
def test_bad_files_are_rows_with_a_reason(
    name: str, trained: dict[str, Run], folder: Path, tmp_path: Path
):
    run = trained[name]
    (folder / "0" / "0.png").write_bytes(b"no image")
    for number in (3, 5, 7, 9):  # one chunk whole
        (folder / "1" / f"{number}.png").write_bytes(b"")
    with listening() as told:
        found = export(run, folder, tmp_path / "out.csv", views=VIEWS, abstain=0.1)
    assert (found.rows, found.bad) == (11, 5)
    assert (
        "5 of 11 images can't be read, the column 'reason' says why; the first: 0/0.png: it is"
        in (told.text)
    )
    table = read_table(tmp_path / "out.csv").set_index("item")
    assert table.index.tolist() == sorted(table.index)
    assert table.loc["1/3.png", "reason"] == "the file is empty"
    bad = table[table["reason"] != ""]
    assert bad["predicted"].eq("").all()
    assert bad[score_columns(run.task.classes)].isna().all(axis=None)
    assert bad["abstained"].isna().all()
    good = table[table["reason"] == ""].drop(columns="reason").reset_index()
    expected = predict(run, folder, views=VIEWS, skip_bad=True, abstain=0.1, cache=False, **CPU)
    columns = [column for column in expected if expected[column].dtype.kind in "fi"]
    np.testing.assert_allclose(good[columns].astype(float), expected[columns], atol=1e-6)
    with listening() as told:
        shape = Shape(skip_bad=True)
        found = export(run, folder, tmp_path / "good.csv", views=VIEWS, shape=shape, abstain=0.1)
    assert "5 images that can't be read are left out; the first: 0/0.png" in told.text
    assert (found.rows, found.bad) == (6, 5)
    assert "reason" not in pd.read_csv(tmp_path / "good.csv")
    rows = json.loads((written(run, folder, tmp_path / "out.json")).read_text())
    assert [row["loss"] for row in rows] == [None] * 11
    assert sum(bool(row["reason"]) for row in rows) == 5


def written(run: Run, folder: Path, file: Path) -> Path:
    export(run, folder, file)
    return file


def test_nothing_that_can_be_read_is_an_error(
    trained: dict[str, Run], folder: Path, tmp_path: Path
):
    for file in folder.rglob("*.png"):
        file.write_bytes(b"no image")
    with pytest.raises(DataError, match=r"0/0.png: .* \(11 of 11 images can't be read\)"):
        export(trained["lungs"], folder, tmp_path / "out.csv")
    assert not list(tmp_path.glob("out*"))


def test_missing_files_of_a_table_are_rows(trained: dict[str, Run], folder: Path, tmp_path: Path):
    (folder / "list.csv").write_text("image\n0/0.png\nnone.png\n")
    export(trained["lungs"], folder / "list.csv", tmp_path / "out.csv")
    table = read_table(tmp_path / "out.csv").set_index("item")
    assert table.loc["none.png", "reason"].startswith("no file of this name is in folder")
    assert table.loc["0/0.png", "reason"] == ""


def test_patients_have_the_mean_of_their_images(
    own_run: Callable[[str], Run], folder: Path, tmp_path: Path
):
    for name in ("lungs", "retinopathy"):
        run = own_run(name)
        info = json.loads((run.path / "task.json").read_text())
        info["source"]["group"] = {"pattern": r"^(\d)\d?\.png"}
        (run.path / "task.json").write_text(json.dumps(info))
        run = Run.open(run.path)
        images = predict(run, folder, views=VIEWS, **CPU)
        assert sorted(set(images["group"])) == [str(number) for number in range(10)]
        columns = score_columns(run.task.classes)
        out = tmp_path / f"{name}.csv"
        export(run, folder, out, views=VIEWS, shape=Shape(per_patient=True))
        table = read_table(out)
        assert table["group"].tolist() == [str(number) for number in range(10)]
        assert table.set_index("group")["images"].to_dict()["1"] == 2
        expected = images.groupby("group")[[*columns, "spread"]].mean()
        np.testing.assert_allclose(table[[*columns, "spread"]], expected, atol=1e-12)
        if name == "lungs":
            decided = [run.task.classes[k] for k in table[columns].to_numpy().argmax(1)]
            assert table["predicted"].tolist() == decided
        else:
            points = run.info["cut_points"]
            assert (
                table["grade"].tolist() == np.searchsorted(points, table["value"], "right").tolist()
            )
        both = predict(run, folder, views=VIEWS, per_patient=True, **CPU)
        np.testing.assert_allclose(both[columns], table[columns], atol=1e-12)


def test_patients_without_any_image_are_rows_with_a_reason():
    columns = {"item": list("abcd"), "group": ["p", "p", "q", ""], "target": "", "split": ""}
    scores = {"score_healthy": 0.7, "score_COVID": 0.2, "score_other": 0.1, "predicted": "healthy"}
    table = pd.DataFrame({**columns, **scores, "spread": [0.1, 0.2, 0.3, 0.4]})
    table["reason"] = ["", "broken", "the file is empty", ""]
    found = patients_table(table, tiny_task("lungs")).set_index("item")
    assert found["images"].to_dict() == {"p": 1, "d": 1, "q": 0}
    assert found["reason"].to_dict() == {"p": "", "d": "", "q": "the file is empty"}
    assert found["spread"].fillna(-1).to_dict() == {"p": 0.1, "d": 0.4, "q": -1}
    assert found["group"].to_dict() == {"p": "p", "d": "", "q": "q"}


def test_what_makes_no_sense_per_patient_is_refused(trained: dict[str, Run], folder: Path):
    run = trained["lungs"]
    with pytest.raises(DataError, match="nothing is known about patients"):
        predict(trained["cardiomegaly"], folder, per_patient=True, **CPU)
    with pytest.raises(DataError, match="are fitted on images"):
        predict(run, folder, per_patient=True, sets=0.9, **CPU)
    with pytest.raises(DataError, match="a competition wants a row an image"):
        export(run, folder, None, shape=Shape("name", per_patient=True))


def test_a_competition_has_an_empty_class_for_what_cannot_be_read(
    trained: dict[str, Run], folder: Path, tmp_path: Path
):
    (folder / "0" / "0.png").write_bytes(b"no image")
    export(trained["lungs"], folder, tmp_path / "out.csv", shape=Shape("number"))
    rows = (tmp_path / "out.csv").read_text().splitlines()
    assert rows[:2] == ["image,label", "0.png,"]
    assert {row.rpartition(",")[2] for row in rows[2:]} <= {"0", "1", "2"}


def test_a_pseudonymised_run_names_no_file_anywhere(
    own_run: Callable[[str], Run], folder: Path, tmp_path: Path
):
    run = own_run("lungs")
    task = (run.path / "task.json").read_text()
    (run.path / "task.json").write_text(
        task.replace('"pseudonymise": false', '"pseudonymise": true')
    )
    (folder / "0" / "0.png").rename(folder / "0" / "annabel-lee.png")
    (folder / "1" / "1.png").rename(folder / "1" / "helen-burns.png")
    (folder / "1" / "helen-burns.png").write_bytes(b"")
    with listening() as told:
        export(Run.open(run.path), folder, tmp_path / "out.csv")
    text = (tmp_path / "out.csv").read_text() + told.text
    assert "annabel" not in text
    assert "helen" not in text


def test_a_table_of_items_is_a_stream_too(trained: dict[str, Run]):
    run = trained["lungs"]
    items = part(run.items, "valid")
    found = pd.concat(predict_stream(run, items, **CPU), ignore_index=True)
    expected = predict(run, items, **CPU)
    pd.testing.assert_frame_equal(found.drop(columns="reason"), expected, check_exact=True)


@pytest.mark.slow
def test_metadata_of_a_stream(trained: dict[str, Run], phantoms: dict[str, Path], tmp_path: Path):
    from fastmed.training.train import train

    task = tiny_task("pneumonia", meta=["age", "sex"], train__epochs=1)
    run = train(task, phantoms["pneumonia"], runs=tmp_path, device="cpu", workers=0)
    found = pd.concat(predict_stream(run, phantoms["pneumonia"], **CPU), ignore_index=True)
    expected = predict(run, phantoms["pneumonia"], **CPU)
    columns = score_columns(run.task.classes)
    np.testing.assert_allclose(found[columns], expected[columns], atol=1e-6)
