"""`fastmed model` and `fastmed trust`."""

import json
from collections.abc import Callable
from pathlib import Path


def test_a_network_is_shown(command: Callable) -> None:
    said = command("model", "lungs_cnn", "--size", 32, "--channels", 1)
    assert said.code == 0, said.err
    assert "lungs_cnn, for an image of 1x32x32" in said.out
    for text in ("stages.3", "256x2x2", "multiply-adds", "early", "none:"):
        assert text in said.out


def test_a_task_gives_head_and_size(command: Callable) -> None:
    said = command("model", "test_resnet", "--task", "cardiomegaly", "--json")
    content = json.loads(said.out)
    assert content["size"] == 300
    assert content["layers"][-1]["output"] == "2"


def test_mistakes_are_one_sentence(command: Callable, tmp_path: Path) -> None:
    cases = {
        ("model",): "name a network, or a task",
        ("model", "resnt18"): "did you mean 'resnet18'",
        ("model", "resnet18", "--task", "lung"): "did you mean 'lungs'",
        ("model", tmp_path / "none.py"): "no Python file",
        ("trust", tmp_path): "holds no code to allow",
    }
    for words, sentence in cases.items():
        said = command(*words)
        assert said.code == 1
        assert said.err.startswith("Error: ")
        assert said.err.count("\n") == 1
        assert sentence in said.err
