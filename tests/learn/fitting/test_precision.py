from pathlib import Path

import pytest
import torch
from conftest import tiny_task
from fastai.callback.core import Callback

from fastmed.data.items import read_items
from fastmed.errors import TrainingError
from fastmed.files import write_json
from fastmed.learn.fitting.precision import choose_precision
from fastmed.learn.input.loaders import dataloaders
from fastmed.learn.learner import learner
from fastmed.run import Run
from fastmed.training.train import train

CPU = {"device": "cpu", "workers": 0}


class Kinds(Callback):
    """Notes in what numbers convolutions computed."""

    def before_fit(self) -> None:
        self.seen: set[torch.dtype] = set()
        convolution = next(m for m in self.model.modules() if isinstance(m, torch.nn.Conv2d))
        note = lambda module, given, result: self.seen.add(result.dtype)  # noqa: E731
        self.hook = convolution.register_forward_hook(note)

    def after_fit(self) -> None:
        self.hook.remove()


@pytest.mark.parametrize(
    ("precision", "kind"),
    [("auto", torch.float32), ("fp32", torch.float32), ("bf16", torch.bfloat16)],
)
def test_a_cpu_computes_in_what_is_asked_for(
    precision: str, kind: torch.dtype, phantoms: dict
) -> None:
    task = tiny_task("lungs", train__precision=precision)
    items = read_items(task, phantoms["lungs"])
    learn = learner(task, dataloaders(task, items, device="cpu", workers=0))
    kinds = Kinds()
    with learn.no_bar(), learn.no_logging():
        learn.fit(1, cbs=kinds)
    assert kinds.seen == {kind}
    assert {p.dtype for p in learn.model.parameters()} == {torch.float32}
    assert learn.model(torch.zeros(1, 3, 32, 32)).dtype == torch.float32


def test_half_precision_is_close_to_full(phantoms: dict, tmp_path: Path) -> None:
    def run_of(precision: str) -> Run:
        task = tiny_task("lungs", train__precision=precision, train__epochs=1)
        return train(task, phantoms["lungs"], runs=tmp_path, **CPU)

    full, half = run_of("fp32").history, run_of("bf16").history
    assert half["train_loss"][0] != full["train_loss"][0]
    assert half["train_loss"][0] == pytest.approx(full["train_loss"][0], rel=0.05)


def test_a_training_that_breaks_off_leaves_the_process_in_full_precision(
    phantoms: dict, tmp_path: Path
) -> None:
    task = tiny_task(
        "lungs", train__precision="bf16", train__opt="sgd", train__lr=1e30,
        train__schedule="constant",
    )  # fmt: skip
    with pytest.raises(TrainingError, match="the loss became"):
        train(task, phantoms["lungs"], runs=tmp_path, **CPU)
    assert not torch.is_autocast_enabled("cpu")
    assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


def test_what_a_cpu_lacks_leaves_no_run(phantoms: dict, tmp_path: Path) -> None:
    task = tiny_task("lungs", train__precision="fp16")
    with pytest.raises(TrainingError, match="'fp16' needs a GPU; a CPU computes in bf16 or fp32"):
        train(task, phantoms["lungs"], runs=tmp_path / "runs", **CPU)
    assert not (tmp_path / "runs").exists()


def test_a_run_is_restored_where_its_precision_is_not_to_be_had(
    phantoms: dict, tmp_path: Path
) -> None:
    task = tiny_task("lungs", train__epochs=1)
    run = train(task, phantoms["lungs"], runs=tmp_path, **CPU)
    write_json(
        run.path / "task.json",
        run.task.with_changes({"train.precision": "fp16"}).model_dump(mode="json"),
    )
    assert Run.open(run.path).task.train.precision == "fp16"
    assert Run.open(run.path).restore("cpu").model is not None


def test_a_gpu_takes_half_precision_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    for has_it, expected in ((True, "bf16"), (False, "fp16")):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda has_it=has_it: has_it)
        assert choose_precision("auto", "cuda") == expected
    with pytest.raises(TrainingError, match="does not compute in bf16"):
        choose_precision("bf16", "cuda")
