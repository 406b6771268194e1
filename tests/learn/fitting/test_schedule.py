from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from conftest import tiny_task
from fastai.callback.core import Callback
from fastai.callback.schedule import ParamScheduler
from fastai.learner import Learner
from safetensors.torch import save_file
from torch import nn

from fastmed.data.items import read_items
from fastmed.errors import TaskError
from fastmed.learn.fitting.callbacks import History, KeepBest
from fastmed.learn.fitting.schedule import SCHEDULES, plan_phases
from fastmed.learn.input.few_passes import Reshaped
from fastmed.learn.input.loaders import dataloaders
from fastmed.learn.learner import learner
from fastmed.learn.network.groups import backbone_of
from fastmed.run import Run
from fastmed.task import Task
from fastmed.training.fitting import fit_phases


class Rates(Callback):
    """Notes the learning rate of each layer group in each training batch, by epoch."""

    order = ParamScheduler.order + 1

    def __init__(self) -> None:
        self.seen: list[list[list[float]]] = []

    def before_epoch(self) -> None:
        self.seen.append([])

    def before_batch(self) -> None:
        if self.training:
            self.seen[-1].append([group["lr"] for group in self.opt.hypers])

    def of_head(self) -> np.ndarray:
        return np.array(self.seen)[..., -1]


@pytest.fixture
def body_file(tmp_path: Path) -> str:
    """Weights of a body, so that a training starts from pretrained ones without a network."""
    torch.manual_seed(3)
    save_file(timm.create_model("test_resnet").state_dict(), tmp_path / "w.safetensors")
    return str(tmp_path / "w.safetensors")


def make(task: Task, phantoms: dict, tmp_path: Path) -> tuple[Learner, History, KeepBest, Rates]:
    items = read_items(task, phantoms["lungs"])
    learn = learner(task, dataloaders(task, items, device="cpu", workers=0))
    rates = Rates()
    learn.add_cb(rates)
    history = History(Run.create(tmp_path / "runs", task, items))
    return learn, history, KeepBest(history.run_folder, history, "valid_loss"), rates


def rates_of(task: Task, phantoms: dict, tmp_path: Path) -> tuple[Rates, History]:
    learn, history, best, rates = make(task, phantoms, tmp_path)
    fit_phases(learn, task, plan_phases(task, task.train.pretrained), history, best)
    return rates, history


def test_steps_multiply_the_rate_after_the_epochs_that_were_said(
    phantoms: dict, tmp_path: Path
) -> None:
    schedule = {"schedule": "step", "step_epochs": 2, "step_factor": 0.1}
    changes = {f"train__{key}": value for key, value in schedule.items()}
    task = tiny_task("lungs", train__epochs=5, train__lr=0.01, **changes)
    rates, history = rates_of(task, phantoms, tmp_path)
    every = rates.of_head()
    expected = np.array([0.01, 0.01, 0.001, 0.001, 0.0001])
    np.testing.assert_allclose(every, np.repeat(expected[:, None], every.shape[1], axis=1))
    assert [row["lr"] for row in history.rows] == pytest.approx(expected)
    assert history.run_folder.history["lr"].tolist() == pytest.approx(expected)


def test_steps_of_the_retinopathy_task_fall_on_whole_epochs() -> None:
    """30 epochs, a tenth of the rate after each ten, at every batch of any length of epoch."""
    task = tiny_task("retinopathy", train__epochs=30, train__lr=1e-3)
    curve = plan_phases(task, pretrained_body=True)[0].curves["lr"]
    for batches in (1, 7, 139):
        for epoch in range(30):
            share = epoch / 30
            for _ in range(batches):
                assert curve(share)[-1] == pytest.approx(1e-3 * 0.1 ** (epoch // 10))
                share += 1 / (batches * 30)


def test_one_cycle_rises_to_the_rate_and_falls_to_nothing(phantoms: dict, tmp_path: Path) -> None:
    task = tiny_task("lungs", train__epochs=4, train__lr=0.02)
    every = rates_of(task, phantoms, tmp_path)[0].of_head().ravel()
    peak = every.argmax()
    assert every.max() == pytest.approx(0.02)
    assert peak == len(every) // 4
    assert (np.diff(every[: peak + 1]) > 0).all()
    assert (np.diff(every[peak:]) < 0).all()
    assert every[0] == pytest.approx(0.02 / 25)


@pytest.mark.parametrize(
    ("name", "shares", "expected"),
    [
        ("constant", (0, 0.4, 1), (1, 1, 1)),
        ("cosine", (0, 0.5, 1), (1, 0.5, 0)),
        ("flat_cosine", (0, 0.75, 0.875, 1), (1, 1, 0.5, 0)),
        ("one_cycle", (0, 0.125, 0.25, 0.625, 1), (0.04, 0.52, 1, 0.5, 0)),
    ],
)
def test_curves_by_hand(name: str, shares: tuple, expected: tuple) -> None:
    settings = tiny_task("lungs").train
    curve = SCHEDULES[name](np.array([1.0]), settings, 10)["lr"]
    values = [float(np.ravel(curve(share))[0]) for share in shares]
    assert values == pytest.approx(expected, abs=1e-4)


def test_first_layers_of_a_pretrained_body_learn_slower(
    phantoms: dict, tmp_path: Path, body_file: str
) -> None:
    task = tiny_task(
        "lungs", train__pretrained=True, train__weights=body_file, train__lr=0.01,
        train__lr_spread=100, train__schedule="constant",
    )  # fmt: skip
    rates, _ = rates_of(task, phantoms, tmp_path)
    for batch in (batch for epoch in rates.seen for batch in epoch):
        assert batch == pytest.approx([0.0001, 0.001, 0.01])


class Mirrored(Callback):
    """Notes for each epoch whether images are mirrored."""

    order = 100

    def __init__(self) -> None:
        self.seen: list[bool] = []

    def before_train(self) -> None:
        transforms = self.learn.dls.train.after_batch.fs
        self.seen.append(any(isinstance(one, Reshaped) for one in transforms))


def test_epochs_of_augmentation_are_counted_through_the_phases(
    phantoms: dict, tmp_path: Path, body_file: str
) -> None:
    task = tiny_task(
        "lungs", train__pretrained=True, train__weights=body_file, train__freeze_epochs=2,
        train__epochs=3, augment={"flip_horizontal": 1.0, "first_epoch": 2, "last_epoch": 4},
    )  # fmt: skip
    learn, history, best, _ = make(task, phantoms, tmp_path)
    mirrored = Mirrored()
    learn.add_cb(mirrored)
    fit_phases(learn, task, plan_phases(task, True), history, best)
    assert [row["phase"] for row in history.rows] == ["frozen"] * 2 + ["whole"] * 3
    assert mirrored.seen == [False, True, True, True, False]


@pytest.mark.parametrize("arch", ["test_resnet", "test_vit"])
def test_layer_decay_slows_each_block_by_its_distance_from_the_head(
    arch: str, phantoms: dict, tmp_path: Path
) -> None:
    torch.manual_seed(3)
    source = timm.create_model(arch, **({"img_size": 32} if arch == "test_vit" else {}))
    save_file(source.state_dict(), tmp_path / "w.safetensors")
    task = tiny_task(
        "lungs", train__arch=arch, train__pretrained=True, train__epochs=1,
        train__weights=str(tmp_path / "w.safetensors"), train__lr=0.01, train__layer_decay=0.5,
        train__schedule="constant",
    )  # fmt: skip
    learn, history, best, rates = make(task, phantoms, tmp_path)
    groups = learn.splitter(learn.model)
    blocks = _blocks_of(learn, arch)
    assert len(groups) > len(blocks) + 1
    every = [id(parameter) for group in groups for parameter in group]
    assert sorted(every) == sorted(id(parameter) for parameter in learn.model.parameters())
    assert {id(one) for one in groups[-1]} == {id(one) for one in learn.model[1].parameters()}
    place = [
        next(n for n, group in enumerate(groups) if any(one is wanted for one in group))
        for wanted in (next(block.parameters()) for block in blocks)
    ]
    assert place == sorted(set(place))
    fit_phases(learn, task, plan_phases(task, True, len(groups)), history, best)
    expected = 0.01 * 0.5 ** np.arange(len(groups) - 1, -1, -1)
    for batch in (batch for epoch in rates.seen for batch in epoch):
        assert batch == pytest.approx(expected)


def _blocks_of(learn: Learner, arch: str) -> list[nn.Module]:
    net = backbone_of(learn.model).net
    if arch == "test_vit":
        return list(net.blocks)
    return [block for stage in (net.layer1, net.layer2, net.layer3, net.layer4) for block in stage]


@pytest.mark.parametrize("schedule", ["constant", "cosine", "step", "flat_cosine"])
def test_a_warm_up_rises_from_a_hundredth_to_the_course(schedule: str) -> None:
    task = tiny_task("lungs", train__epochs=10, train__schedule=schedule, train__lr=1.0)
    warm = task.with_changes({"train.warmup_epochs": 2.5})
    plain, curve = (plan_phases(one, False)[0].curves["lr"] for one in (task, warm))
    for share, part in ((0.0, 0.01), (0.125, 0.505), (0.25, 1), (0.6, 1), (1.0, 1)):
        np.testing.assert_allclose(curve(share), plain(share) * part)


def test_one_cycle_moves_the_momentum_of_optimizers_that_have_one() -> None:
    with_it = plan_phases(tiny_task("lungs", train__opt="sgd"), False)[0].curves["mom"]
    assert [float(with_it(share)) for share in (0, 0.25, 1)] == pytest.approx([0.95, 0.85, 0.95])
    assert "mom" not in plan_phases(tiny_task("lungs", train__opt="rmsprop"), False)[0].curves
    assert "mom" not in plan_phases(tiny_task("lungs", train__opt="adagrad"), False)[0].curves


def test_a_random_body_is_never_frozen_nor_slowed(phantoms: dict, tmp_path: Path) -> None:
    task = tiny_task(
        "lungs", train__freeze_epochs=3, train__lr_spread=100, train__schedule="constant"
    )
    rates, history = rates_of(task, phantoms, tmp_path)
    assert [row["phase"] for row in history.rows] == ["whole"] * task.train.epochs
    for batch in (batch for epoch in rates.seen for batch in epoch):
        assert batch == pytest.approx([task.train.lr] * 3)


def weights_of(learn: Learner) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Return copies of the body's weights outside of normalisation layers, and of the head's."""
    body = backbone_of(learn.model).net
    layers = [m for m in body.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    return [m.weight.detach().clone() for m in layers], [
        p.detach().clone() for p in learn.model[1].parameters()
    ]


def changed(before: list[torch.Tensor], after: list[torch.Tensor]) -> list[bool]:
    return [not torch.equal(one, other) for one, other in zip(before, after, strict=True)]


@pytest.mark.parametrize("opt", ["adamw", "adamax"])
def test_frozen_phase_leaves_the_body_and_the_whole_phase_does_not(
    opt: str, phantoms: dict, tmp_path: Path, body_file: str
) -> None:
    task = tiny_task(
        "lungs", train__pretrained=True, train__weights=body_file, train__freeze_epochs=1,
        train__epochs=2, train__opt=opt, train__weight_decay=0.1,
    )  # fmt: skip
    learn, history, best, rates = make(task, phantoms, tmp_path)
    frozen, whole = plan_phases(task, pretrained_body=True)
    body, head = weights_of(learn)
    fit_phases(learn, task, [frozen], history, best)
    body_then, head_then = weights_of(learn)
    assert not any(changed(body, body_then))
    assert all(changed(head, head_then))
    fit_phases(learn, task, [whole], history, best)
    assert all(changed(body_then, weights_of(learn)[0]))
    assert [row["phase"] for row in history.rows] == ["frozen", "whole", "whole"]
    assert [row["epoch"] for row in history.rows] == [1, 2, 3]
    highest = [np.array(epoch).max(axis=0) for epoch in rates.seen]
    assert highest[0] == pytest.approx([highest[0][-1]] * 3)
    assert highest[1][0] == pytest.approx(highest[1][-1] / 100)


def test_augmentation_that_never_comes_is_refused() -> None:
    task = tiny_task("lungs", augment={"flip_horizontal": 0.5, "first_epoch": 3})
    with pytest.raises(TaskError, match=r"first_epoch = 3 never comes: the training has 2 epochs"):
        plan_phases(task, pretrained_body=False)
