"""What is measured is what a training and a prediction do."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from conftest import tiny_task
from fastai.vision.augment import RandTransform
from torch import nn

from fastmed.benching import loader, predicting
from fastmed.benching.loader import loader_pace
from fastmed.benching.pace import Pace
from fastmed.benching.predicting import predictions_pace
from fastmed.benching.ready import Ready, made_ready
from fastmed.benching.step import forward_pace, step_pace
from fastmed.benching.whole import Stopwatch, epochs_pace
from fastmed.data.items import read_items
from fastmed.learn.fitting.ema import AverageWeights


@pytest.fixture
def ready(phantoms: dict) -> Iterator[Ready]:
    """A tiny task that is ready to be measured."""
    task = tiny_task(
        "lungs", augment__flip_horizontal=0.5, augment__rotate=10, train__ema=0.9,
        predict__views=["plain", "hflip", "rot90"],
    )  # fmt: skip
    items = read_items(task, phantoms["lungs"])
    with made_ready(task, items, 1.0, "cpu", 0, cache=True) as made:
        yield made


def once(work: Callable[[], int], *_: Any) -> Pace:
    return Pace((float(work()),))


@pytest.mark.parametrize("augmented", [True, False])
def test_loader_alone_gives_batches_with_or_without_augmentation(
    ready: Ready, augmented: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline, seen = ready.loaders.train.after_batch, []

    def look(work: Callable[[], int], *_: Any) -> Pace:
        seen.append(any(isinstance(step, RandTransform) for step in pipeline.fs))
        return Pace(tuple(float(work()) for _ in range(20)))

    before = list(pipeline.fs)
    monkeypatch.setattr(loader, "pace", look)
    found = loader_pace(ready, 1, augmented)
    assert seen == [augmented]
    assert found.rounds == (8.0,) * 20  # several epochs of whole batches
    assert list(pipeline.fs) == before


def test_steps_are_whole_steps_that_change_nothing(ready: Ready) -> None:
    model = ready.learn.model
    before = {name: value.clone() for name, value in model.named_parameters()}
    assert step_pace(ready, 0.05).usual > 0
    assert all(torch.equal(before[name], value) for name, value in model.named_parameters())
    assert model.training
    weight = next(model.parameters())
    assert ready.learn.opt.state[weight]  # the optimizer has seen gradients


def test_forward_alone_is_that_of_a_validation(ready: Ready) -> None:
    modes = set()
    hook = ready.learn.model.register_forward_hook(
        lambda model, *_: modes.add((model.training, torch.is_grad_enabled()))
    )
    assert forward_pace(ready, 0.05).usual > 0
    hook.remove()
    assert modes == {(False, False)}


def test_epochs_are_those_of_a_training(ready: Ready) -> None:
    used = set()

    def look(_model: nn.Module, _inputs: object) -> None:
        used.update(type(callback) for callback in ready.learn.cbs)

    hook = ready.learn.model.register_forward_pre_hook(look)
    found = epochs_pace(ready, 0.3)
    hook.remove()
    assert AverageWeights in used
    epochs = len(ready.run.history)
    assert epochs == len(found.training.rounds) + 1 == len(found.validation.rounds) + 1
    assert ready.run.weights.is_file()
    assert found.keeping > 0
    assert found.training.usual > 0


def test_long_epochs_are_ended_early(ready: Ready, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = []
    stop = Stopwatch._stop
    monkeypatch.setattr(
        Stopwatch, "_stop", lambda self, rates: counts.append(self.images) or stop(self, rates)
    )
    found = epochs_pace(ready, 1e-9)
    assert counts == [8, 8, 8, 8]  # one batch of both parts, in the first and the second epoch
    assert len(found.training.rounds) == len(found.validation.rounds) == 1


def test_network_alone_passes_each_image_as_often_as_it_has_views(
    ready: Ready, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes: list[torch.Size] = []
    monkeypatch.setattr(predicting, "pace", once)
    hook = ready.learn.model.register_forward_pre_hook(lambda _, args: shapes.append(args[0].shape))
    found = predictions_pace(ready, 1, workers=0, cache=True)
    hook.remove()
    assert found.forward.usual == 8
    assert shapes[:6] == [(8, 3, 32, 32)] * 6  # three views to listen to, three to time
    assert found.whole.usual == 8  # at most as many at a time as fit into a round


def test_nothing_is_left_of_the_run(phantoms: dict) -> None:
    task = tiny_task("lungs", train__patience=1, train__epochs=9, train__start_size=16)
    items = read_items(task, phantoms["lungs"])
    with made_ready(task, items, 1.0, "cpu", 0, cache=True) as made:
        assert made.run.path.is_dir()
        assert made.run.items.empty
        assert (made.task.train.patience, made.task.train.start_size) == (None, None)
    assert not made.run.path.parent.parent.exists()
