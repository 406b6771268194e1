"""No file of weights runs code, swells or stalls its reader, or is taken for what it is not."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import tiny_task
from hostile_weights import CASES, RUN_CASES, TRAPPED
from torch import nn

from fastmed.errors import ModelError, RunError
from fastmed.learn.network.backbone import make_backbone
from fastmed.learn.network.weights import load_body_weights
from fastmed.run import Run

SECONDS = 10
SAYS = {
    "code": "reading it would run code from the file",
    "deflated": "not a plain state dict",
    "multiplied": "takes more than .* of memory",
    "nan": "values that are not numbers in 'conv1.0.weight'",
    "wrong_shapes": "has 0 of the .* weights of this backbone",
    "complex": "lacks 'conv1.0.weight'",
    "only_extra_keys": "has 0 of the .* weights of this backbone",
    "list": "holds no weights by name",
    "long_header": "its header has 9,.* bytes, more than 8,388,608",
    "overlapping": "not a whole safetensors file",
    "sparse": "has 100,000 MB, and this backbone 1.5 MB",
}


@pytest.fixture(scope="module")
def body() -> nn.Module:
    task = tiny_task("lungs", train__arch="test_resnet", image__size=32)
    return make_backbone(task, download=False).net


@pytest.mark.parametrize("name", CASES)
def test_it_is_refused_at_once_in_one_sentence(
    name: str, body: nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "made"
    folder.mkdir()
    path = CASES[name](folder)
    monkeypatch.chdir(tmp_path)
    start = time.process_time()
    with pytest.raises(ModelError) as caught:
        load_body_weights(body, path)
    sentence = str(caught.value)
    assert time.process_time() - start < SECONDS
    assert str(path) in sentence
    assert "\n" not in sentence
    assert re.search(SAYS.get(path.stem, ""), sentence), sentence
    assert list(tmp_path.iterdir()) == [folder], "nothing may be written, by no code of the file"


@pytest.mark.parametrize("name", RUN_CASES)
def test_spoilt_weights_of_a_run_are_refused(
    name: str, own_run: Callable[[str], Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = own_run("lungs")
    monkeypatch.chdir(tmp_path)
    RUN_CASES[name](run.weights)
    with pytest.raises(RunError) as caught:
        run.restore("cpu")
    assert str(run.weights) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / TRAPPED).exists()
