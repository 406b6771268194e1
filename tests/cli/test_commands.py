import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import timm
import torch
from conftest import tiny_task
from safetensors.torch import save_file

import fastmed
from fastmed.cli.commands import every_command
from fastmed.run import Run, list_runs
from fastmed.taskfile import find_task, to_toml

COMMANDS = [entry.name or entry.callback.__name__ for entry in every_command()]
TINY = (
    "--arch", "test_resnet", "--no-pretrained", "--epochs", 1, "--batch", 8, "--size", 32,
    "--device", "cpu", "--workers", 0, "--accept", "Y1=a small phantom",
)  # fmt: skip
CPU = ("--device", "cpu", "--workers", 0)
HEAVY = {"torch", "fastai", "timm", "pandas", "numpy", "sklearn", "matplotlib"}


def modules_of(*arguments: str) -> set[str]:
    """Return the top-level modules that a new Python holds after a command."""
    program = (
        "import json, sys\nfrom fastmed.cli import main\n"
        f"try:\n    main({list(arguments)!r})\n"
        "except SystemExit as ended:\n    code = ended.code\n"
        "print(json.dumps([code, sorted({m.partition('.')[0] for m in sys.modules})]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert code == 0
    return set(modules)


@pytest.mark.parametrize("arguments", [("--help",), ("train", "--help"), ("--version",)])
def test_help_is_light(arguments: tuple) -> None:
    assert not modules_of(*arguments) & HEAVY


def test_listing_loads_no_torch(tmp_path: Path) -> None:
    assert not modules_of("tasks") & HEAVY
    assert not modules_of("runs", "--runs", str(tmp_path)) & {"torch", "fastai", "timm"}


def test_help_names_every_command(command: Callable) -> None:
    said = command("--help")
    assert said.code == 0
    for name in COMMANDS:
        assert f" {name} " in said.out
    assert len(COMMANDS) >= 8


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_with_an_example(name: str, command: Callable) -> None:
    for option in ("--help", "-h"):
        said = command(name, option)
        assert said.code == 0
        assert f"Usage: fastmed {name} [OPTIONS]" in said.out
        assert "[[" not in said.out
        assert f"Example: fastmed {name}" in " ".join(said.out.split())


def test_nothing_asked_for_is_answered_by_the_help(command: Callable) -> None:
    said = command()
    assert "Usage: fastmed" in said.out + said.err


def test_version(command: Callable) -> None:
    assert command("--version").out == f"fastmed {fastmed.__version__}\n"


WRONG_USAGE = [
    ("trian",),
    ("train",),
    ("train", "lungs", "--epoch", "3"),
    ("train", "lungs", "--epochs", "three"),
    ("train", "lungs", "--lr", "fast"),
    ("train", "lungs", "extra"),
    ("train", "lungs", "--workers", "-1"),
    ("predict",),
    ("predict", "x", "--competition", "words"),
    ("interpret", "--losses", "0"),
    ("phantom", "lungs"),
    ("phantom", "lungs", "new", "--count", "2"),
    ("phantom", "lungs", "new", "--seed", "-1"),
]


@pytest.mark.parametrize("arguments", WRONG_USAGE, ids=" ".join)
def test_wrong_usage_is_code_2_without_a_traceback(arguments: tuple, command: Callable) -> None:
    said = command(*arguments)
    assert said.code == 2
    assert "Usage: fastmed" in said.err
    assert "Traceback" not in said.err
    assert said.out == ""


def test_tasks_are_listed_and_written_as_toml(
    command: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = command("tasks")
    for name in ("cardiomegaly", "lungs", "histology", "pneumonia", "retinopathy"):
        assert name in said.out
    toml = command("tasks", "retinopathy").out
    (tmp_path / "own.toml").write_text(toml.replace("[retinopathy", "[eyes"), encoding="utf-8")
    assert command("tasks", "eyes", "--tasks", tmp_path / "own.toml").out == toml.replace(
        "[retinopathy", "[eyes"
    )
    assert find_task("eyes", tmp_path / "own.toml").classes == find_task("retinopathy").classes
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.toml").rename(tmp_path / "tasks.toml")
    assert "eyes" in command("tasks").out


def test_phantom_data_train_as_they_are(command: Callable, tmp_path: Path) -> None:
    said = command("phantom", "lungs", tmp_path / "data" / "lungs", "--count", 40, "--seed", 3)
    assert said.code == 0
    assert f"Phantom data of task 'lungs' is in {tmp_path / 'data' / 'lungs'}" in said.err
    said = command(
        "train", "lungs", *TINY, "--data", tmp_path / "data" / "lungs", "--runs", tmp_path / "runs"
    )
    assert said.code == 0
    run = Run.newest(tmp_path / "runs")
    assert f"Next: fastmed interpret {run.path}" in said.err
    for text in ("Images", "healthy", "Epoch 1/1:", "Validation part", "macro F1", "sensitivity"):
        assert text in said.out


def test_every_option_of_train_reaches_the_run(
    command: Callable, phantoms: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(phantoms["retinopathy"], tmp_path / "data" / "retinopathy")
    said = command(
        "train", "retinopathy", "--arch", "test-resnet", "--no-pretrained", "--size", 40,
        "--epochs", 2, "--freeze-epochs", 1, "--batch", 9, "--lr", "0.002", "--loss", "l1",
        "--opt", "sgd", "--select", "mae", "--seed", 5, "--set", "image.fit=squish",
        "--set", 'predict.views=["plain"]', "--set", "balance.method=none", "--name", "mine", *CPU,
        "--accept", "Y1=a small phantom",
    )  # fmt: skip
    assert said.code == 0, said.err
    run = Run.open("runs/retinopathy/mine")
    task = run.task
    assert task.train.model_dump(include={"arch", "pretrained", "epochs", "freeze_epochs"}) == {
        "arch": "test_resnet", "pretrained": False, "epochs": 2, "freeze_epochs": 1,
    }  # fmt: skip
    assert (task.train.batch, task.train.lr, task.train.seed) == (9, 0.002, 5)
    assert (task.loss, task.train.opt, task.select) == ("l1", "sgd", "mae")
    assert (task.image.size, task.image.fit) == (40, "squish")
    assert (task.predict.views, task.balance.method) == (("plain",), "none")
    assert run.info["metric"] == "mae"
    assert run.info["best_value"] == pytest.approx(run.history["mae"].min())
    assert "Best epoch" in said.err


def test_training_starts_from_a_file_of_weights(
    command: Callable, phantoms: dict, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    save_file(timm.create_model("test_resnet").state_dict(), tmp_path / "w.safetensors")
    arguments = [argument for argument in TINY if argument != "--no-pretrained"]
    said = command(
        "train", "lungs", *arguments, "--data", phantoms["lungs"], "--runs", tmp_path / "runs",
        "--weights", tmp_path / "w.safetensors", "--freeze-epochs", 1,
    )  # fmt: skip
    assert said.code == 0, said.err
    assert f"The backbone starts from {tmp_path / 'w.safetensors'}" in said.err
    assert Run.newest(tmp_path / "runs").history["phase"].tolist() == ["frozen", "whole"]


def test_a_task_of_ones_own(command: Callable, phantoms: dict, tmp_path: Path) -> None:
    text = to_toml(tiny_task("lungs", train__epochs=1)).replace("[lungs", "[mine")
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")
    said = command(
        "train", "mine", "--tasks", tmp_path / "own.toml", "--data", phantoms["lungs"],
        "--runs", tmp_path / "runs", *CPU,
    )  # fmt: skip
    assert said.code == 0, said.err
    assert Run.newest(tmp_path / "runs").path.parent.name == "mine"


def test_evaluate_prints_and_keeps_the_scores(own_run: Callable, command: Callable) -> None:
    run = own_run("cardiomegaly")
    said = command("evaluate", run.path, "--views", "plain,hflip", *CPU)
    assert said.code == 0, said.err
    assert "test part" in " ".join(said.out.split())  # the title has the width of the table
    assert "AUROC" in said.out
    assert json.loads((run.path / "scores.json").read_text())["test"]["views"] == ["plain", "hflip"]
    said = command("evaluate", run.path, run.data / "test", *CPU)
    assert said.code == 0, said.err
    assert "test_input" in json.loads((run.path / "scores.json").read_text())


def test_interpret_prints_tables_and_names_the_figures(
    own_run: Callable, command: Callable
) -> None:
    run = own_run("retinopathy")
    said = command("interpret", run.path, "--losses", 3)
    assert said.code == 0, said.err
    for text in ("Confusion matrix", "Largest losses", "Proliferative DR", "kappa"):
        assert text in said.out
    figures = sorted(run.figures.glob("valid_*.png"))
    assert len(figures) == 15
    for file in figures:
        assert f"Figure {file}" in said.err


def test_commands_take_the_newest_run(
    own_run: Callable, command: Callable, phantoms: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = own_run("cardiomegaly")
    monkeypatch.chdir(run.path.parent.parent.parent)
    for arguments in (
        ("interpret",), ("evaluate", *CPU), ("predict", phantoms["cardiomegaly"] / "test", *CPU),
    ):  # fmt: skip
        said = command(*arguments)
        assert said.code == 0, said.err
    assert "runs/cardiomegaly/first" in command("runs").out


def test_predictions_are_printed_or_written(
    own_run: Callable, command: Callable, phantoms: dict, tmp_path: Path
) -> None:
    run, images = own_run("lungs"), phantoms["lungs"] / "test_images"
    said = command("predict", images, "--run", run.path, *CPU)
    assert said.code == 0, said.err
    assert f"{len(list(images.iterdir()))} predictions" in said.out
    out = tmp_path / "deep" / "out.csv"
    said = command("predict", images, "--run", run.path, "--out", out, *CPU)
    assert said.code == 0, said.err
    assert said.out == ""
    table = pd.read_csv(out)
    assert table["item"].tolist() == sorted(file.name for file in images.iterdir())
    scores = table[[f"score_{name}" for name in run.task.classes]].to_numpy()
    assert table["predicted"].tolist() == [run.task.classes[k] for k in scores.argmax(1)]
    np.testing.assert_allclose(scores.sum(1), 1, rtol=1e-5)


def test_a_competition_gets_its_two_columns(
    own_run: Callable, command: Callable, phantoms: dict, tmp_path: Path
) -> None:
    run, images = own_run("retinopathy"), phantoms["retinopathy"] / "extra_images"
    out = tmp_path / "out.csv"
    said = command(
        "predict", images, "--run", run.path, "--out", out, "--competition", "number", *CPU
    )
    assert said.code == 0, said.err
    table = pd.read_csv(out)
    assert table.columns.tolist() == ["id_code", "diagnosis"]
    assert table["diagnosis"].between(0, 4).all()
    assert set(table["id_code"]) == {file.stem for file in images.iterdir()}


def test_bad_images_are_counted_and_left_out(
    own_run: Callable, command: Callable, phantoms: dict, tmp_path: Path
) -> None:
    run = own_run("lungs")
    images = shutil.copytree(phantoms["lungs"] / "test_images", tmp_path / "new")
    bad = sorted(images.iterdir())[1]
    bad.write_bytes(b"no image")
    out = tmp_path / "out.csv"
    said = command("predict", images, "--run", run.path, "--out", out, "--skip-bad", *CPU)
    assert said.code == 0, said.err
    assert "Warning: 1 images that can't be read are left out" in said.err
    assert bad.name not in pd.read_csv(out)["item"].tolist()


def test_quiet_says_results_only_and_runs_are_listed_whole(
    own_run: Callable, command: Callable
) -> None:
    run = own_run("lungs")
    said = command("-q", "interpret", run.path)
    assert all(line.startswith("Warning: Fewer than 30") for line in said.err.splitlines())
    assert "Confusion matrix" in said.out
    said = command("runs", "--runs", run.path.parent.parent)
    assert "done" in said.out
    assert "macro_f1" in said.out
    said = command("runs", "pneumonia", "--runs", run.path.parent.parent)
    assert said.out == ""
    assert "No runs" in said.err
    assert len(list_runs(run.path.parent.parent)) == 1


def test_module_is_the_command_line_too(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fastmed", "tasks", "lungz"],
        capture_output=True, text=True, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "Error: no task 'lungz'; did you mean 'lungs'?\n"
    assert done.stdout == ""


def test_the_exit_code_tells_of_images_that_cannot_be_read(
    own_run: Callable, command: Callable, phantoms: dict, tmp_path: Path
) -> None:
    run = own_run("lungs")
    images = shutil.copytree(phantoms["lungs"] / "test_images", tmp_path / "new")
    bad = sorted(images.iterdir())[1]
    bad.write_bytes(b"no image")
    out = tmp_path / "out.csv"
    options = ("--run", run.path, "--out", out, "--views", "plain,hflip+rotate=5", *CPU)
    said = command("predict", images, *options, "--per-view", "--average", "logits")
    assert said.code == 3, said.err
    assert "Warning: 1 of 6 images can't be read, the column 'reason' says why" in said.err
    table = pd.read_csv(out).set_index("item")
    assert table.loc[bad.name, "reason"] == "it is text, not an image"
    assert table["reason"].notna().sum() == 1
    assert table["spread"].notna().sum() == len(table) - 1
    assert sum("@hflip+rotate=5" in name for name in table) == len(run.task.classes)
    said = command("predict", images, "--run", run.path, *CPU)
    assert said.code == 3
    assert "reason" in said.out


def test_options_of_predict_that_do_not_go_together(
    own_run: Callable, command: Callable, phantoms: dict, tmp_path: Path
) -> None:
    run, images = own_run("lungs").path, phantoms["lungs"] / "test_images"
    for options, sentence in (
        (("--resume",), "--resume goes on with a file; name it with --out"),
        (("--average", "logits", "--views", "plain"), "has no effect with one view"),
        (("--competition", "name", "--per-view"), "--per-view has no effect with --competition"),
        (("--competition", "name", "--sets", "0.9"), "--sets has no effect with --competition"),
        (("--per-patient", "--competition", "name"), "a competition wants a row an image"),
        (("--per-patient", "--abstain", "0.1"), "are fitted on images"),
        (("--client-report", tmp_path / "r", "--per-view"), "--per-view is for a table"),
    ):
        said = command("predict", images, "--run", run, *options, *CPU)
        assert said.code == 1, options
        assert sentence in said.err
