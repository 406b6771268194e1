from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import tiny_task
from safetensors.torch import load_file
from stopped import stopped_before

from fastmed.evaluation import saved_scores
from fastmed.run import Run
from fastmed.training.train import train

CPU = ("--device", "cpu", "--workers", 0)


@pytest.fixture(scope="module")
def place(phantoms: dict, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of three epochs, stopped in the third."""
    place = tmp_path_factory.mktemp("resume") / "runs"
    task = tiny_task("retinopathy", train__epochs=3, train__save_every=1)
    with stopped_before(12):
        train(task, phantoms["retinopathy"], runs=place, name="a", device="cpu", workers=0)
    return place


def test_from_a_stopped_training_to_any_epochs_results(
    place: Path, phantoms: dict, command: Callable, tmp_path: Path
) -> None:
    said = command("runs", "--runs", place)
    assert "killed" in said.out
    said = command("resume", "--runs", place, *CPU)
    assert (said.code, "Next: fastmed interpret" in said.err) == (0, True), said.err
    assert "Epoch 3/3" in said.out
    assert "Epoch 2/3" not in said.out
    said = command("resume", "--runs", place, *CPU)
    assert (said.code, said.err.startswith("Error: no run in")) == (1, True)

    run = Run.open(place / "retinopathy" / "a")
    other = next(epoch for epoch in (1, 2, 3) if epoch != run.info["best_epoch"])
    images, file = phantoms["retinopathy"] / "extra_images", tmp_path / "predictions.csv"
    asked = ("predict", images, "--run", run.path, "--epoch", other, "--out", file, *CPU)
    assert "has no cut points (stopped early" in command(*asked).err
    said = command("evaluate", run.path, "--split", "valid", "--epoch", other, *CPU)
    assert f"epoch {other}, valid part" in said.out
    assert "no cut points" not in command(*asked).err
    before = (run.path / "scores.json").read_bytes()
    assert command("interpret", run.path, "--epoch", other, "--device", "cpu").code == 0
    folder = run.path / f"epoch-0{other}"
    assert (folder / "figures" / "valid_confusion_matrix.png").is_file()
    assert (run.path / "scores.json").read_bytes() == before
    at = Run.open(run.path).at(other)
    assert at.info["cut_points"] != run.info["cut_points"]
    assert saved_scores(at).keys() == {"valid"}
    said = command("predict", images, "--run", run.path, "--epoch", 9)
    assert said.err.startswith(f"Error: {run.path} keeps no weights of epoch 9, only of '1', '2'")


def test_a_checkpoint_is_a_start_on_other_data(place: Path, phantoms: dict, tmp_path: Path) -> None:
    """Its body and its head, as those of a run."""
    start = place / "retinopathy" / "a" / "checkpoints" / "epoch-01.safetensors"
    changes = {"train__weights": str(start), "train__pretrained": True, "train__lr": 1e-12}
    task = tiny_task("retinopathy", train__epochs=1, train__opt="sgd", **changes)
    run = train(task, phantoms["retinopathy"], runs=tmp_path, device="cpu", workers=0)
    given, kept = load_file(start), load_file(run.weights)
    learnt = [name for name in given if name.endswith("weight")]
    assert any(name.startswith("1.") for name in learnt)
    assert all((given[name] - kept[name]).abs().max() < 1e-6 for name in learnt)
