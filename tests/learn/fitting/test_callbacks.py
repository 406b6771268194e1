import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from conftest import tiny_task
from torch import nn

from fastmed.data.items import read_items
from fastmed.errors import RunError, TrainingError
from fastmed.learn.distributed.team import team
from fastmed.learn.fitting import callbacks
from fastmed.learn.fitting.callbacks import History, KeepBest, StopWhenNotFinite
from fastmed.learn.network import weights
from fastmed.learn.network.weights import restore_weights
from fastmed.run import Run

NAN = float("nan")


@pytest.fixture
def run(phantoms: dict, tmp_path: Path) -> Run:
    task = tiny_task("lungs")
    return Run.create(tmp_path, task, read_items(task, phantoms["lungs"]))


def model_of(number: float) -> nn.Module:
    model = nn.Linear(1, 1)
    nn.init.constant_(model.weight, number)
    return model


@pytest.mark.parametrize(
    ("metric", "values", "expected"),
    [
        ("macro_f1", [0.3, 0.5, 0.4], 2),
        ("macro_f1", [0.5, 0.5, 0.4], 2),
        ("macro_f1", [NAN, 0.3, 0.5, NAN, 0.4], 3),
        ("macro_f1", [0.3, NAN, NAN], 1),
        ("macro_f1", [NAN, NAN], 2),
        ("valid_loss", [0.9, 0.4, 0.6], 2),
        ("mae", [NAN, 2.0, 1.0, NAN], 3),
    ],
)
def test_the_best_epoch_is_kept(metric: str, values: list, expected: int, run: Run) -> None:
    history = History(run)
    best = KeepBest(run, history, metric)
    for epoch, value in enumerate(values, start=1):
        history.rows.append({"epoch": epoch, metric: value})
        best.learn = SimpleNamespace(model=model_of(epoch))
        best.after_epoch()
    kept = model_of(0)
    restore_weights(kept, run.weights)
    assert kept.weight.item() == expected
    assert best.best_epoch == Run.open(run.path).info["best_epoch"] == expected


def test_full_disk_is_one_sentence_and_the_weights_before_are_whole(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = History(run)
    best = KeepBest(run, history, "accuracy")
    history.rows.append({"epoch": 1, "accuracy": 0.5})
    best.learn = SimpleNamespace(model=model_of(1))
    best.after_epoch()

    def fill_the_disk(state: dict, file: Path) -> None:
        file.write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(weights, "save_file", fill_the_disk)
    history.rows.append({"epoch": 2, "accuracy": 0.9})
    best.learn = SimpleNamespace(model=model_of(2))
    with pytest.raises(RunError, match="the disk is full; what was written before is whole"):
        best.after_epoch()
    kept = model_of(0)
    restore_weights(kept, run.weights)
    assert kept.weight.item() == 1
    assert best.best_epoch == Run.open(run.path).info["best_epoch"] == 1
    assert not [path for path in run.path.iterdir() if path.suffix == ".tmp"]


@pytest.mark.parametrize("loss", [NAN, float("inf")])
def test_a_loss_that_is_no_number_ends_the_training(loss: float) -> None:
    stop = StopWhenNotFinite()
    opt = SimpleNamespace(hypers=[{"lr": 1e-5}, {"lr": 0.5}])
    stop.learn = SimpleNamespace(loss_grad=torch.tensor(loss), iter=2, n_iter=9, opt=opt)
    stop.before_train()
    with pytest.raises(TrainingError, match=rf"became {loss} in batch 3 of 9.*--lr \(now 0.5\)"):
        stop.after_loss()
    stop.learn.loss_grad = torch.tensor(1e30)
    stop.after_loss()


@pytest.mark.parametrize(("losses", "expected"), [
    ([1.0, NAN, 1.0], "became nan in one of the batches 1 to 3 of 5"),
    ([1.0, 1.0, 1.0, 1.0, NAN], "became nan in one of the batches 4 to 5 of 5"),
    ([1.0, 1.0, 1.0, 1.0, 2.0], None),
])  # fmt: skip
def test_a_gpu_is_asked_for_the_loss_now_and_then(
    losses: list[float], expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callbacks, "turn_of", lambda device: 3)
    looked = []
    mean = team().mean
    monkeypatch.setattr(team(), "mean", lambda loss: looked.append(loss) or mean(loss))
    stop = StopWhenNotFinite()
    stop.learn = SimpleNamespace(n_iter=5, opt=SimpleNamespace(hypers=[{"lr": 0.5}]))
    stop.before_train()

    def epoch() -> None:
        for number, loss in enumerate(losses):
            stop.learn.iter, stop.learn.loss_grad = number, torch.tensor(loss)
            stop.after_loss()

    if expected:
        with pytest.raises(TrainingError, match=expected):
            epoch()
        return
    epoch()
    assert [float(one) for one in looked] == [3.0, 3.0]
