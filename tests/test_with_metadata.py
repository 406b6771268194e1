"""Metadata through train, restore, predict, views, evaluate and interpret."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import tiny_task

from fastmed.data.metadata import MetadataEncoder
from fastmed.data.tables import part
from fastmed.errors import RunError
from fastmed.evaluation import evaluate, saved_scores
from fastmed.interpretation import interpret
from fastmed.prediction.story import predict
from fastmed.results.calibration.fitted import validation_of
from fastmed.run import Run
from fastmed.training.train import train

META = ("age", "sex")
CPU = {"device": "cpu", "workers": 0}
KINDS = {
    "both": {},
    "metadata": {"train__arch": "metadata"},
}


@pytest.fixture(scope="module")
def runs(phantoms: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    folder = tmp_path_factory.mktemp("runs")
    settings = {"train__epochs": 2, "train__lr": 0.005, "split__test": 0.2, "meta": META}
    return {
        name: train(
            tiny_task("pneumonia", **settings, **changes), phantoms["pneumonia"],
            runs=folder, name=name, **CPU,
        )
        for name, changes in KINDS.items()
    }  # fmt: skip


@pytest.fixture
def own(runs: dict[str, Run], tmp_path: Path) -> Run:
    """A run of images and metadata that a test may write into."""
    source = runs["both"]
    run = Run.open(shutil.copytree(source.path, tmp_path / "runs" / "pneumonia" / "both"))
    run.update(data=str(source.data))
    return run


def scores_of(table: pd.DataFrame) -> np.ndarray:
    return table.filter(like="score_").to_numpy()


@pytest.mark.parametrize("name", KINDS)
def test_a_run_keeps_how_metadata_is_coded(name: str, runs: dict[str, Run]) -> None:
    run = Run.open(runs[name].path)
    assert run.metadata == MetadataEncoder.fit(part(run.items, "train"), META)
    assert run.info["meta"] == run.metadata.to_json()
    assert [field["kind"] for field in run.info["meta"]] == ["number", "category"]
    assert run.task.meta == META
    assert run.info["status"] == "done"


def test_a_restored_run_predicts_what_was_trained(runs: dict[str, Run]) -> None:
    """A new process is tried in the tests of `restore`."""
    for name in KINDS:
        table = predict(runs[name], part(runs[name].items, "valid"), calibrate=False, **CPU)
        expected = validation_of(runs[name]).table
        np.testing.assert_array_equal(scores_of(table), scores_of(expected))
        assert scores_of(table).std() > 0


@pytest.mark.parametrize("name", KINDS)
def test_predictions_depend_on_metadata_and_do_without(
    name: str, runs: dict[str, Run], caplog: pytest.LogCaptureFixture
) -> None:
    run = runs[name]
    items = part(run.items, "valid")
    as_is = scores_of(predict(run, items, **CPU))
    assert caplog.text == ""
    other = items.assign(meta_age=90.0 - items["meta_age"])
    assert np.abs(scores_of(predict(run, other, **CPU)) - as_is).max() > 1e-4
    without = predict(run, items.drop(columns=["meta_age", "meta_sex"]), **CPU)
    assert np.isfinite(scores_of(without)).all()
    assert f"{len(items)} of {len(items)} images have no metadata (age, sex)" in caplog.text
    assert caplog.text.count("\n") == 1


def test_images_are_turned_and_metadata_is_not(runs: dict[str, Run]) -> None:
    run = runs["both"]
    items = part(run.items, "valid")
    own = {"calibrate": False, **CPU}
    each = [scores_of(predict(run, items, views=[view], **own)) for view in ("plain", "vflip")]
    together = scores_of(predict(run, items, views=["plain", "vflip"], **own))
    np.testing.assert_allclose(together, np.mean(each, axis=0), atol=1e-6)
    assert np.abs(each[0] - each[1]).max() > 1e-4
    alone = runs["metadata"]
    each = [scores_of(predict(alone, items, views=[view], **CPU)) for view in ("plain", "vflip")]
    np.testing.assert_array_equal(*each)


def test_folders_and_tables_of_dicom_files_bring_their_metadata(
    runs: dict[str, Run], phantoms: dict[str, Path], tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """A folder of files, a table that names them, one file: all as in the run's own items."""
    run = runs["both"]
    items = part(run.items, "valid").head(4)
    expected = predict(run, items, **CPU).sort_values("item")
    folder = tmp_path / "new"
    folder.mkdir()
    for image in items["image"]:
        shutil.copy(phantoms["pneumonia"] / image, folder)
    names = sorted(Path(image).name for image in items["image"])
    (folder / "list.csv").write_text("file\n" + "\n".join(names))
    for source in (folder, folder / "list.csv"):
        found = predict(run, source, **CPU)
        assert found["item"].tolist() == names
        np.testing.assert_array_equal(scores_of(found), scores_of(expected))
    single = predict(run, folder / names[0], **CPU)
    np.testing.assert_allclose(scores_of(single)[0], scores_of(expected)[0], atol=1e-6)
    assert "no metadata" not in caplog.text


def test_other_images_are_predicted_without_and_counted(
    runs: dict[str, Run], phantoms: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    table = predict(runs["both"], phantoms["cardiomegaly"] / "test", **CPU)
    assert np.isfinite(scores_of(table)).all()
    assert f"{len(table)} of {len(table)} images have no metadata" in caplog.text


@pytest.mark.slow
def test_evaluate_and_interpret(own: Run) -> None:
    table, scores = evaluate(own, split="test", **CPU)
    assert scores["n"] == len(table) == (own.items["split"] == "test").sum()
    before = saved_scores(own)["valid"]
    evaluate(own, split="valid", **CPU)
    assert saved_scores(own)["valid"] == before
    files = interpret(own, split="test").draw()
    assert all(file.is_file() for file in files)
    assert "test_top_losses.png" in {file.name for file in files}


def test_a_run_without_its_coding_says_so(own: Run) -> None:
    own.update(meta=None)
    with pytest.raises(RunError, match=r"run.json: 'meta' does not encode metadata"):
        predict(own, part(own.items, "valid"), **CPU)


@pytest.mark.slow
def test_the_built_in_task_uses_age_and_sex_and_not_the_view(
    phantoms: dict[str, Path], tmp_path: Path, command: Callable
) -> None:
    size = ["--arch", "test_resnet", "--no-pretrained", "--size", 32, "--epochs", 1, "--batch", 8]
    where = ["--data", phantoms["pneumonia"], "--runs", tmp_path, "--workers", 0]
    said = command("train", "pneumonia", *where, *size, "--device", "cpu")
    assert said.code == 0, said.err
    assert Run.newest(tmp_path).task.meta == ("age", "sex")
    assert "Metadata of the training part" in said.out
    assert "shortcut" not in said.err
    view = ["--set", 'meta=["age", "view"]']
    said = command("train", "pneumonia", *where, *size, *view, "--device", "cpu")
    assert said.err.count("Warning: meta has 'view', a known shortcut: AP films are of sicker") == 1


def test_metadata_that_is_not_there_leaves_no_run(
    phantoms: dict[str, Path], tmp_path: Path, command: Callable
) -> None:
    for task, names, sentence in (
        ("pneumonia", '["agee"]', "there is no metadata 'agee'; did you mean 'age'?"),
        ("cardiomegaly", '["age"]', "folders hold only images and labels"),
        ("histology", '["age"]', "arrays hold only images and labels"),
        ("lungs", '["age"]', "say which column of the table holds it"),
    ):
        said = command(
            "train", task, "--data", phantoms[task], "--runs", tmp_path / "runs",
            "--no-pretrained", "--set", f"meta={names}",
        )  # fmt: skip
        assert said.code == 1
        assert sentence in said.err
        assert said.err.count("Error: ") == 1
    assert not (tmp_path / "runs").exists()
