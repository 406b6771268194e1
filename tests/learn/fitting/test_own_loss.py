import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import tiny_task
from fastai.losses import CrossEntropyLossFlat

from fastmed.data.tables import part
from fastmed.errors import FastmedError, RunError, TaskError
from fastmed.learn.fitting.losses import make_loss
from fastmed.learn.fitting.own_loss import check_kept
from fastmed.prediction.story import predict
from fastmed.run import Run
from fastmed.task import Task
from fastmed.training.train import train

CODE = """
import torch
from torch import nn

CALLS = []

def doubled(outputs, targets):
    CALLS.append(outputs.shape)
    return 2 * nn.functional.cross_entropy(outputs, targets, reduction="none")

def mean(outputs, targets):
    return nn.functional.cross_entropy(outputs, targets)

class Cubic(nn.Module):
    def forward(self, values, grades):
        return (values - grades).abs() ** 3

class Weighted(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))
    def forward(self, outputs, targets):
        return outputs.sum()

def broken(outputs, targets):
    return outputs @ targets.nothing

def strange(outputs, targets):
    return outputs

def without_gradient(outputs, targets):
    return torch.zeros(2)

NUMBER = 3
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "my_loss.py"
    file.write_text(CODE, encoding="utf-8")
    return file


def task_of(name: str, file: Path, function: str, **changes: object) -> Task:
    return tiny_task(name, train__loss=f"{file}:{function}", **changes)


def test_a_function_of_ones_own_is_computed(file: Path) -> None:
    outputs, targets = torch.randn(5, 3), torch.tensor([0, 1, 2, 1, 0])
    loss = make_loss(task_of("lungs", file, "doubled"))
    assert loss(outputs, targets).item() == pytest.approx(
        2 * CrossEntropyLossFlat()(outputs, targets).item()
    )
    loss.reduction = "none"
    assert loss(outputs, targets).shape == (5,)


def test_a_module_gets_values_and_grades_of_one_shape(file: Path) -> None:
    values, grades = torch.tensor([[0.5], [3.0]]), torch.tensor([0.0, 1.0])
    loss = make_loss(task_of("retinopathy", file, "Cubic"))
    assert loss(values, grades).item() == pytest.approx((0.125 + 8) / 2)
    assert loss(values, grades.unsqueeze(1)).item() == pytest.approx((0.125 + 8) / 2)


MISTAKES = {
    "mea": r"has no 'mea'; did you mean 'mean'\?",
    "nothing_like_it": "has no 'nothing_like_it'; there are 'doubled'|has no 'nothing_like_it'",
    "Weighted": "has weights of its own, and a loss is not trained",
    "broken": r"fails on outputs \(2, 3\) and targets \(2,\): AttributeError",
    "strange": r"returns \(2, 3\) for two images; expected one number, or one for each image",
    "without_gradient": r"fails on outputs .*: RuntimeError",
    "NUMBER": "is no function and no torch Module",
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_one_sentence_before_any_work(
    name: str, file: Path, phantoms: dict, tmp_path: Path
) -> None:
    with pytest.raises(FastmedError, match=MISTAKES[name]) as caught:
        train(task_of("lungs", file, name), phantoms["lungs"], runs=tmp_path / "runs", device="cpu")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "runs").exists()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FastmedError, match=r"no Python file '.*none\.py'"):
        make_loss(task_of("lungs", tmp_path / "none.py", "f"))


def test_mixing_needs_the_loss_of_each_image(file: Path) -> None:
    make_loss(task_of("lungs", file, "doubled", train__mixup=0.4))
    with pytest.raises(TaskError, match="to mix images, .* has to return the loss of each image"):
        make_loss(task_of("lungs", file, "mean", train__mixup=0.4))
    make_loss(task_of("lungs", file, "mean"))


@pytest.mark.parametrize(("name", "function"), [("lungs", "doubled"), ("retinopathy", "Cubic")])
def test_a_run_keeps_a_copy_and_predicts_without(
    name: str, function: str, file: Path, phantoms: dict, tmp_path: Path
) -> None:
    task = task_of(name, file, function, train__epochs=1)
    run = train(task, phantoms[name], runs=tmp_path / "runs", device="cpu", workers=0)
    assert (run.path / "loss.py").read_text() == CODE
    assert run.info["loss_sha256"] == hashlib.sha256(CODE.encode()).hexdigest()
    check_kept(run)
    file.write_text("raise SystemExit('this is never executed')")
    (run.path / "loss.py").write_text("raise SystemExit('nor is this')")
    again = Run.open(run.path)
    table = predict(again, part(again.items, "valid"), device="cpu", workers=0)
    assert np.isfinite(table["loss"]).all()
    if name == "retinopathy":
        true = [task.classes.index(target) for target in table["target"]]
        assert table["loss"].tolist() == pytest.approx((table["value"] - true).abs().tolist())
    with pytest.raises(RunError, match="is not as .* began with it; put the copy"):
        check_kept(again)
    file.unlink()
    with pytest.raises(RunError, match="no Python file"):
        check_kept(again)
