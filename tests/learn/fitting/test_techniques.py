"""Each technique changes what it says it changes, seen from within a fit."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import tiny_task
from fastai.callback.core import Callback
from fastai.learner import Learner
from torch import nn

from fastmed.data.items import read_items
from fastmed.errors import ModelError, TrainingError
from fastmed.learn.fitting.callbacks import History, KeepBest
from fastmed.learn.fitting.compiling import Compile
from fastmed.learn.fitting.schedule import plan_phases
from fastmed.learn.fitting.techniques import check_machine, training_sizes
from fastmed.learn.input.loaders import dataloaders
from fastmed.learn.learner import learner
from fastmed.run import Run
from fastmed.task import Task
from fastmed.training.fitting import fit_phases
from fastmed.training.train import train

PLAIN = {"train__schedule": "constant", "train__opt": "sgd", "train__lr": 0.01}


class Watch(Callback):
    """Notes what the network gets, and the gradients and weights of each step."""

    order = 100

    def __init__(self) -> None:
        self.sizes: list[list[int]] = []
        self.valid_sizes: set[int] = set()
        self.images: list[torch.Tensor] = []
        self.targets: list[torch.Tensor] = []
        self.gradients: list[torch.Tensor] = []
        self.losses: list[float] = []
        self.rooms: list[dict[str, Any]] = []

    def before_epoch(self) -> None:
        self.sizes.append([])

    def before_batch(self) -> None:
        images = self.x.detach().as_subclass(torch.Tensor)
        if self.training:
            self.sizes[-1].append(images.shape[-1])
            self.images.append(images.clone())
            self.targets.append(self.y.detach().clone())
        else:
            self.valid_sizes.add(images.shape[-1])

    def after_loss(self) -> None:
        if self.training:
            self.losses.append(self.learn.loss.item())

    def before_step(self) -> None:
        grads = [p.grad.flatten() for p in self.model.parameters() if p.grad is not None]
        self.gradients.append(torch.cat(grads).detach().clone())


def begin(task: Task, phantoms: dict, folder: Path) -> tuple[Learner, History, KeepBest]:
    items = read_items(task, phantoms[task.name])
    torch.manual_seed(0)
    learn = learner(task, dataloaders(task, items, device="cpu", workers=0))
    for loader in learn.dls.loaders:
        loader.rng.seed(0)
    history = History(Run.create(folder / "runs", task, items))
    return learn, history, KeepBest(history.run_folder, history, task.select)


def watched(task: Task, phantoms: dict, folder: Path) -> tuple[Watch, Learner]:
    """Fit a task as a training does, and return what was seen."""
    learn, history, best = begin(task, phantoms, folder)
    watch = Watch()
    learn.add_cb(watch)
    torch.manual_seed(1)
    fit_phases(learn, task, plan_phases(task, task.train.pretrained), history, best)
    return watch, learn


def lungs(**changes: object) -> Task:
    return tiny_task("lungs", head={"dropout": 0.0}, **{**PLAIN, "train__epochs": 1, **changes})


def test_accumulated_gradients_are_the_mean_of_their_batches(
    phantoms: dict, tmp_path: Path
) -> None:
    """Three batches of 8 in groups of two: the last one is a group of its own."""
    changes = {"train__arch": "test_vit", "head": {"dropout": 0.0, "batch_norm": "none"}}
    small = tiny_task("lungs", **{**PLAIN, "train__epochs": 2, **changes, "train__accumulate": 2})
    large = tiny_task("lungs", **{**PLAIN, "train__epochs": 2, **changes, "train__batch": 16})
    watch, _ = watched(small, phantoms, tmp_path / "a")
    other, _ = watched(large, phantoms, tmp_path / "b")
    batches = len(watch.sizes[0])
    assert batches == 3
    assert len(watch.gradients) == 2 * 2
    torch.testing.assert_close(watch.images[0], other.images[0][:8])
    torch.testing.assert_close(watch.gradients[0], other.gradients[0], rtol=1e-3, atol=1e-5)
    assert watch.losses[0] == pytest.approx(
        nn.functional.cross_entropy(*_outputs(small, phantoms, tmp_path, watch)).item(), rel=1e-4
    )


def _outputs(
    task: Task, phantoms: dict, folder: Path, watch: Watch
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the outputs of the untrained network for the first batch, and its targets."""
    learn, *_ = begin(task, phantoms, folder / "c")
    with torch.no_grad():
        outputs = learn.model.train()(watch.images[0])
    return outputs, watch.targets[0].as_subclass(torch.Tensor)


def test_gradients_are_clipped_to_a_norm(phantoms: dict, tmp_path: Path) -> None:
    plain, _ = watched(lungs(), phantoms, tmp_path / "a")
    clipped, _ = watched(lungs(train__clip=0.05), phantoms, tmp_path / "b")
    assert plain.gradients[0].norm() > 0.1
    assert clipped.gradients[0].norm() == pytest.approx(0.05, rel=1e-3)
    cosine = nn.functional.cosine_similarity(plain.gradients[0], clipped.gradients[0], dim=0)
    assert cosine == pytest.approx(1, abs=1e-4)


def test_images_are_laid_out_pixel_by_pixel(phantoms: dict, tmp_path: Path) -> None:
    for wanted in (False, True):
        watch, learn = watched(lungs(train__channels_last=wanted), phantoms, tmp_path / str(wanted))
        weights = [p for p in learn.model.parameters() if p.ndim == 4 and p.shape[-1] > 1]
        for one in (*watch.images, *weights):
            assert one.is_contiguous(memory_format=torch.channels_last) == wanted


def test_mixup_mixes_pairs_of_images_and_their_losses(phantoms: dict, tmp_path: Path) -> None:
    plain, _ = watched(lungs(), phantoms, tmp_path / "a")
    mixed, _ = watched(lungs(train__mixup=0.4), phantoms, tmp_path / "b")
    before, after = plain.images[0].flatten(1), mixed.images[0].flatten(1)
    # Each mixed image is a point on the line between itself and one other image of the batch.
    for image, own in zip(after, before, strict=True):
        gaps = []
        for other in before:
            line = other - own
            share = ((image - own) @ line / (line @ line).clamp(min=1e-9)).clamp(0, 1)
            gaps.append((image - own - share * line).abs().max())
        assert min(gaps) < 1e-4
    assert (after - before).abs().max() > 0.1
    assert mixed.losses != pytest.approx(plain.losses, rel=1e-3)


def test_cutmix_pastes_a_rectangle_of_another_image(phantoms: dict, tmp_path: Path) -> None:
    plain, _ = watched(lungs(train__epochs=2), phantoms, tmp_path / "a")
    mixed, _ = watched(lungs(train__cutmix=1.0, train__epochs=2), phantoms, tmp_path / "b")
    before, after = plain.images[0], mixed.images[0]
    changed = (before != after).any(1)
    inside = changed.any(0)
    rows, columns = inside.any(1).nonzero().ravel(), inside.any(0).nonzero().ravel()
    box = (..., slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    assert 0 < inside.sum() <= inside.numel()
    for image in after[box]:
        assert min((image - other).abs().max() for other in before[box]) < 1e-6


def test_mixed_values_of_grades_lie_between(phantoms: dict, tmp_path: Path) -> None:
    task = tiny_task("retinopathy", train__mixup=1.0, **PLAIN)
    watch, _ = watched(task, phantoms, tmp_path)
    values = torch.cat(watch.targets)
    assert ((values >= 0) & (values <= 4)).all()
    assert (values != values.round()).any()


@pytest.mark.parametrize("loss", ["corn", "coral"])
def test_steps_are_mixed_by_their_losses(loss: str, phantoms: dict, tmp_path: Path) -> None:
    task = tiny_task("retinopathy", train__loss=loss, train__epochs=1, **PLAIN)
    plain, _ = watched(task, phantoms, tmp_path / "a")
    mixed, _ = watched(task.with_changes({"train.mixup": 1.0}), phantoms, tmp_path / "b")
    assert torch.equal(torch.cat(mixed.targets), torch.cat(plain.targets))
    assert np.isfinite(mixed.losses).all()
    assert mixed.losses[0] != pytest.approx(plain.losses[0])


def test_images_grow_through_the_phases(phantoms: dict, tmp_path: Path) -> None:
    task = lungs(train__epochs=5, train__start_size=16, train__grow_epochs=3)
    watch, _ = watched(task, phantoms, tmp_path)
    assert [set(epoch) for epoch in watch.sizes] == [{16}, {24}, {24}, {32}, {32}]
    assert watch.valid_sizes == {32}


def test_sizes_of_growing_images() -> None:
    task = tiny_task("lungs", image__size=224, train__epochs=9, train__start_size=112)
    assert training_sizes(task.train, 224) == [112, 128, 152, 168, 184, 208, 224]
    assert training_sizes(tiny_task("lungs").train, 32) == [32]


def test_a_network_of_one_size_refuses_to_grow(phantoms: dict, tmp_path: Path) -> None:
    task = lungs(train__arch="resmlp_12_224", train__epochs=3, train__start_size=16)
    with pytest.raises(ModelError, match=r"'resmlp_12_224' takes images of 32 .* alone, and no 16"):
        train(task, phantoms["lungs"], runs=tmp_path / "runs", device="cpu", workers=0)
    assert not (tmp_path / "runs").exists()


def test_a_network_is_compiled_for_the_fit_alone(phantoms: dict, tmp_path: Path) -> None:
    seen = []

    class Peek(Callback):
        def before_batch(self) -> None:
            seen.append(self.learn.model._compiled_call_impl is not None)

    learn, *_ = begin(lungs(), phantoms, tmp_path)
    names = list(learn.model.state_dict())
    with learn.no_bar(), learn.no_logging():
        torch.compiler.set_stance("force_eager")
        try:
            learn.fit(1, cbs=[Compile(), Peek()])
        finally:
            torch.compiler.set_stance("default")
    assert seen
    assert all(seen)
    assert learn.model._compiled_call_impl is None
    assert list(learn.model.state_dict()) == names


def test_without_a_compiler_it_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    task = lungs(train__compile=True)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(TrainingError, match=r"needs a C\+\+ compiler, and none is found"):
        check_machine(task, torch.device("cpu"))
    check_machine(lungs(), torch.device("cpu"))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a compiler")
def test_a_compiled_network_learns_the_same(phantoms: dict) -> None:
    task = lungs()
    dls = dataloaders(task, read_items(task, phantoms["lungs"]), device="cpu", workers=0)
    losses = []
    for techniques in ([], [Compile()]):
        torch.manual_seed(0)
        dls.train.rng.seed(0)
        net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 8), nn.ReLU(), nn.Linear(8, 3))
        learn, watch = Learner(dls, net, loss_func=nn.CrossEntropyLoss()), Watch()
        with learn.no_bar(), learn.no_logging():
            learn.fit(2, 1e-3, cbs=[*techniques, watch])
        losses.append(watch.losses)
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
