"""The moving average of the weights against one that is made by hand."""

from pathlib import Path

import pytest
import torch
from conftest import tiny_task
from fastai.callback.core import Callback
from safetensors.torch import load_file
from torch import Tensor

from fastmed.data.items import read_items
from fastmed.learn.fitting.callbacks import History, KeepBest
from fastmed.learn.fitting.ema import AverageWeights
from fastmed.learn.fitting.schedule import plan_phases
from fastmed.learn.input.loaders import dataloaders
from fastmed.learn.learner import learner
from fastmed.run import Run
from fastmed.training.fitting import fit_phases

DECAY = 0.8


def copy_of(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in state.items()}


class ByHand(Callback):
    """Averages the weights in a plain loop, and notes what the validation and the end see."""

    order = 57

    def __init__(self) -> None:
        self.steps = 0
        self.average: dict[str, Tensor] = {}
        self.validated: list[dict[str, Tensor]] = []
        self.trained: list[dict[str, Tensor]] = []

    def after_step(self) -> None:
        self.steps += 1
        now = copy_of(self.model.state_dict())
        before = self.steps - 1
        decay = min(DECAY, 1 - (1 + before) ** (-2 / 3)) if before else 0.0
        for name, value in now.items():
            if value.is_floating_point():
                old = self.average.get(name, value)
                self.average[name] = decay * old + (1 - decay) * value
            else:
                self.average[name] = value

    def after_train(self) -> None:
        self.trained.append(copy_of(self.model.state_dict()))

    def after_validate(self) -> None:
        self.validated.append(copy_of(self.model.state_dict()))


class AtTheEnd(Callback):
    """Notes the weights when all is done that belongs to an epoch."""

    order = 60

    def __init__(self) -> None:
        self.seen: list[dict[str, Tensor]] = []

    def after_epoch(self) -> None:
        self.seen.append(copy_of(self.model.state_dict()))


def close(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.allclose(one[name], other[name], atol=1e-5) for name in one)


def test_the_average_is_validated_and_kept_and_the_training_goes_on_without(
    phantoms: dict, tmp_path: Path
) -> None:
    task = tiny_task("lungs", train__ema=DECAY, train__schedule="constant", train__lr=0.01)
    items = read_items(task, phantoms["lungs"])
    learn = learner(task, dataloaders(task, items, device="cpu", workers=0))
    history = History(Run.create(tmp_path, task, items))
    best = KeepBest(history.run_folder, history, "valid_loss")
    by_hand, end = ByHand(), AtTheEnd()
    learn.add_cbs([by_hand, end])
    fit_phases(learn, task, plan_phases(task, False), history, best)
    assert close(by_hand.validated[-1], by_hand.average)
    assert not close(by_hand.validated[-1], by_hand.trained[-1])
    assert all(map(close, end.seen, by_hand.trained))
    kept = load_file(history.run_folder.weights)
    assert close(kept, by_hand.validated[best.best_epoch - 1])


def test_it_goes_on_from_its_state() -> None:
    class Stand:
        model = torch.nn.Linear(2, 1)

    def begun() -> AverageWeights:
        callback = AverageWeights(0.5)
        callback.learn = Stand
        callback.before_fit()
        return callback

    def step(callback: AverageWeights, number: float) -> None:
        torch.nn.init.constant_(Stand.model.weight, number)
        callback.after_step()

    whole = begun()
    for number in (1.0, 2.0, 4.0):
        step(whole, number)
    first = begun()
    for number in (1.0, 2.0):
        step(first, number)
    state = {key: value.clone() if torch.is_tensor(value) else value
             for key, value in first.state().items()}  # fmt: skip
    second = begun()
    second.load_state(state)
    step(second, 4.0)
    for name, value in whole.state().items():
        found = second.state()[name]
        assert torch.equal(found, value) if torch.is_tensor(value) else found == value
    assert whole.state()["weight"][0, 0].item() == pytest.approx(
        0.5 * (0.37 * 1 + 0.63 * 2) + 0.5 * 4, abs=0.01
    )
