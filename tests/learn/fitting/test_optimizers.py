import pytest
import torch
from conftest import tiny_task
from torch import nn

from fastmed.learn.fitting.optimizers import OPTIMIZERS, weight_decay


def one_step(name: str, gradient: float, decay: float, lr: float = 0.1) -> float:
    """Return what becomes of a weight of 2 that stands before its first step."""
    weight = nn.Parameter(torch.tensor([2.0]))
    optimizer = OPTIMIZERS[name]([weight], lr=lr)
    optimizer.set_hyper("wd", decay)
    weight.grad = torch.tensor([gradient])
    optimizer.step()
    return weight.item()


@pytest.mark.parametrize("name", ["adam", "adamw", "adamax"])
def test_first_step_of_the_adam_family_is_the_learning_rate(name: str) -> None:
    assert one_step(name, gradient=0.3, decay=0.0) == pytest.approx(1.9, abs=1e-4)
    assert one_step(name, gradient=-7.0, decay=0.0) == pytest.approx(2.1, abs=1e-4)


def test_sgd_steps_by_the_gradient_and_decays_by_it() -> None:
    assert one_step("sgd", gradient=0.5, decay=0.0) == pytest.approx(2 - 0.1 * 0.5)


def test_adamw_takes_the_decay_off_the_weight() -> None:
    assert one_step("adamw", gradient=0.0, decay=0.3) == pytest.approx(2 * (1 - 0.1 * 0.3))


@pytest.mark.parametrize("name", ["adam", "adamax"])
def test_adam_and_adamax_add_the_decay_to_the_gradient(name: str) -> None:
    assert one_step(name, gradient=0.0, decay=0.3) == pytest.approx(1.9, abs=1e-4)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_learns_a_line(name: str) -> None:
    weight = nn.Parameter(torch.tensor([0.0]))
    optimizer = OPTIMIZERS[name]([weight], lr=0.05)
    for _ in range(400):
        optimizer.zero_grad()
        (weight - 1.5).square().sum().backward()
        optimizer.step()
    assert weight.item() == pytest.approx(1.5, abs=0.1)


def test_weight_decay_is_the_tasks_or_the_optimizers_own() -> None:
    assert weight_decay(tiny_task("lungs", train__opt="adamw").train) == 0.01
    assert weight_decay(tiny_task("lungs", train__opt="adam").train) == 0.0
    assert weight_decay(tiny_task("lungs", train__weight_decay=0.2).train) == 0.2
