import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from conftest import TINY, Said
from stopped import killed_command

from fastmed.tuning.search import Search

SETTINGS = {key: value for key, value in TINY.items() if key not in ("meta", "train.epochs")}
CPU = ("--device", "cpu", "--workers", 0)


def words(data: Path, runs: Path, *more: object) -> list[object]:
    sets = [word for key, value in SETTINGS.items() for word in ("--set", f"{key}={text(value)}")]
    space = ("--space", "train.lr=1e-4..1e-1:log", "--space", "train.opt=adamw,sgd")
    return ["tune", "lungs", "--data", data, "--runs", runs, *space, *sets, *CPU, *more]


def text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_a_search_from_the_command_line(
    phantoms: dict[str, Path], tmp_path: Path, command: Callable[..., Said]
) -> None:
    said = command(*words(phantoms["lungs"], tmp_path, "--trials", 2, "--epochs", 1))
    assert said.code == 0, said.err
    assert "Best trials, by macro_f1 on the validation part" in said.out
    assert "is optimistic: the same images chose the settings and the epoch" in said.err
    assert "fastmed tune lungs --folds 5" in said.err
    folder = tmp_path / "lungs" / "search"
    best = Search.open(folder).info["best"]

    next_one = re.search(r"Next: fastmed (.*)", said.err)[1].split()
    assert command(*next_one, "--runs", tmp_path, "--name", "best", *CPU).code == 0
    assert f"{folder / best}" in command("evaluate", folder, "--split", "valid", *CPU[:2]).out
    listed = command("runs", "--runs", tmp_path).out.replace("\n", "")
    assert "trial-000" in listed
    assert "trial-001" in listed

    said = command("resume", folder)
    assert said.err.startswith(f"Error: all 2 trials of {folder} are done")
    said = command("resume", folder, "--epoch", 1)
    assert "is a search, and --epoch goes with one run" in said.err


@pytest.mark.slow
def test_nested_folds_from_the_command_line(
    phantoms: dict[str, Path], tmp_path: Path, command: Callable[..., Said]
) -> None:
    more = ("--trials", 2, "--epochs", 1, "--folds", 2)
    said = command(*words(phantoms["lungs"], tmp_path, *more))
    assert said.code == 0, said.err
    assert "Settings found without each fold" in said.out
    assert "Each run on its own fold" in said.out
    assert "The scores on the folds are the honest estimate" in said.err
    said = command("resume", tmp_path / "lungs" / "nested")
    assert "all 2 folds of" in said.err
    said = command(*words(phantoms["lungs"], tmp_path, *more, "--storage", "sqlite:///a.db"))
    assert "--storage goes with one search" in said.err


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (("--space", "train.lrr=1,2"), "did you mean 'train.lr'?"),
        (("--space", "train.batch"), "is no line of a space"),
        (("--space", "train.batch=8"), "are not two or more different values"),
        (("--pruner", "mean"), "no pruner 'mean'"),
        (("--storage", "s3cret"), "--storage is no URL of a database"),
    ],
)
def test_mistakes_are_one_sentence(
    more: tuple, sentence: str, phantoms: dict, tmp_path: Path, command: Callable[..., Said]
) -> None:
    said = command(*words(phantoms["lungs"], tmp_path, *more))
    assert said.code == 1
    assert said.err.startswith("Error: ")
    assert sentence in said.err
    assert "s3cret" not in said.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_kill_9_loses_no_trial(
    phantoms: dict[str, Path], tmp_path: Path, command: Callable[..., Said]
) -> None:
    more = ("--trials", 3, "--epochs", 2, "--pruner", "none")
    assert command(*words(phantoms["lungs"], tmp_path / "whole", *more)).code == 0
    killed_command("batch", 17, *words(phantoms["lungs"], tmp_path / "killed", *more))
    folder = tmp_path / "killed" / "lungs" / "search"
    assert list((folder / "workers").iterdir())
    said = command("resume", folder)
    assert "trial-001 was stopped; it is done again with the same settings" in said.err
    assert "Going on after epoch 1" in said.err
    assert not (folder / "workers").exists()
    one, other = (Search.open(tmp_path / name / "lungs" / "search") for name in ("whole", "killed"))
    columns = ["value", "train.lr", "train.opt"]
    pd.testing.assert_frame_equal(one.trials[columns], other.trials[columns])


@pytest.mark.slow
def test_two_processes_share_the_trials(phantoms: dict[str, Path], tmp_path: Path) -> None:
    line = words(phantoms["lungs"], tmp_path, "--trials", 5, "--epochs", 1)
    line = [sys.executable, "-m", "fastmed", *map(str, line)]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    both = [subprocess.Popen(line, **options) for _ in range(2)]
    said = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    search = Search.open(tmp_path / "lungs" / "search")
    assert search.trials["state"].tolist() == ["done"] * 5
    assert search.trials["train.lr"].nunique() == 5
    assert search.info["status"] == "done"
    assert sum(text.count("Epoch 1/1") for text in said) == 5
    assert search.info["best_value"] == search.trials["value"].max()
