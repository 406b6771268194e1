"""A run that was tampered with is refused in one sentence."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hostile_runs import CASES

from fastmed.errors import RunError
from fastmed.run import Run


@pytest.mark.parametrize("name", CASES)
def test_it_is_refused_in_one_sentence(
    name: str, own_run: Callable[[str], Run], command: Callable
) -> None:
    run = own_run("lungs")
    CASES[name](run.path)
    said = command("-q", "evaluate", run.path, "--split", "valid", "--device", "cpu")
    assert said.code == 1, said.err
    assert said.err.startswith("Error: ")
    assert said.err.count("\n") == 1, said.err
    file = name.partition(":")[0]
    assert file in said.err or "none of the classes" in said.err


@pytest.mark.parametrize("content", ["", "\0\xff", "a,b\n1,2\n3,4,5\n"])
def test_a_spoilt_history_is_refused(content: str, own_run: Callable[[str], Run]) -> None:
    run = own_run("lungs")
    (run.path / "history.csv").write_bytes(content.encode("latin-1"))
    with pytest.raises(RunError, match="history.csv is not a table as fastmed writes it"):
        _ = run.history


def test_labels_of_other_classes_are_refused(
    own_run: Callable[[str], Run], command: Callable, tmp_path: Path
) -> None:
    run = own_run("lungs")
    data = shutil.copytree(run.data, tmp_path / "data")
    table = pd.read_csv(data / "train_labels.csv", dtype=str)
    table["label"] = table["label"].map({"0": "benign", "1": "malign", "2": "benign"})
    table.to_csv(data / "train_labels.csv", index=False)
    said = command("-q", "evaluate", run.path, data, "--device", "cpu")
    assert said.code == 1
    assert "is none of the classes 'healthy', 'COVID', 'other'" in said.err
    assert said.err.count("\n") == 1


def test_other_class_folders_are_told(
    own_run: Callable[[str], Run], command: Callable, tmp_path: Path
) -> None:
    run = own_run("cardiomegaly")
    data = shutil.copytree(run.data / "test", tmp_path / "data")
    (data / "true").rename(data / "enlarged")
    said = command("evaluate", run.path, data, "--device", "cpu")
    assert said.code == 1
    assert "folders give no labels, as 'enlarged' are not classes" in said.err
    assert "Error: no image in" in said.err
