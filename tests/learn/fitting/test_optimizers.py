import pytest
import torch
from conftest import tiny_task
from torch import nn

from fastmed.learn.fitting.optimizers import OPTIMIZERS, make_optimizer, weight_decay
from fastmed.settings.rates import MOMENTUM
from fastmed.settings.train import TrainSettings


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


# Their steps are shorter than their rate, by what they divide it by.
RATES = {"adagrad": 0.5, "adadelta": 20.0, "lars": 10.0}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_learns_a_line(name: str) -> None:
    weight = nn.Parameter(torch.tensor([0.0]))
    optimizer = OPTIMIZERS[name]([weight], lr=RATES.get(name, 0.05))
    for _ in range(400):
        optimizer.zero_grad()
        (weight - 1.5).square().sum().backward()
        optimizer.step()
    assert weight.item() == pytest.approx(1.5, abs=0.1)


def test_weight_decay_is_the_tasks_or_the_optimizers_own() -> None:
    assert weight_decay(tiny_task("lungs", train__opt="adamw").train) == 0.01
    assert weight_decay(tiny_task("lungs", train__opt="adam").train) == 0.0
    assert weight_decay(tiny_task("lungs", train__weight_decay=0.2).train) == 0.2
    assert weight_decay(tiny_task("lungs", train__opt="Ranger").train) == 0.01


@pytest.mark.parametrize(
    "given",
    ["Adam", "ADAMW", "Adamax", "SGD", "RMSprop", "RAdam", "NAdam", "Ranger", "Lamb", "LARS"],
)
def test_optimizers_go_by_their_names_in_any_case(given: str) -> None:
    assert TrainSettings(opt=given).opt == given.lower()


def path(optimizer: object, weight: nn.Parameter) -> list[float]:
    """Return where a weight goes in some steps of changing gradients."""
    if hasattr(optimizer, "set_hyper"):
        optimizer.set_hyper("wd", 0.0)
    places = []
    for gradient in (1.0, 0.5, -0.2, 0.8, 0.1):
        weight.grad = torch.tensor([gradient])
        optimizer.step()
        places.append(weight.item())
    return places


REFERENCE = {
    "sgd": lambda weights, mom: torch.optim.SGD(weights, lr=0.1, momentum=mom),
    "adam": lambda weights, mom: torch.optim.Adam(weights, lr=0.1, betas=(mom, 0.99), eps=1e-5),
    "adamax": lambda weights, mom: torch.optim.Adamax(weights, lr=0.1, betas=(mom, 0.999)),
    "nadam": lambda weights, mom: torch.optim.NAdam(weights, lr=0.1, betas=(mom, 0.999)),
}


@pytest.mark.parametrize("name", REFERENCE)
@pytest.mark.parametrize("momentum", [None, 0.3])
def test_momentum_is_pytorchs(name: str, momentum: float | None) -> None:
    settings = TrainSettings(opt=name, momentum=momentum, schedule="constant")
    ours, theirs = (nn.Parameter(torch.tensor([2.0])) for _ in range(2))
    expected = path(REFERENCE[name]([theirs], MOMENTUM[name] if momentum is None else 0.3), theirs)
    assert path(make_optimizer(settings)([ours], lr=0.1), ours) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", MOMENTUM)
def test_momentum_changes_the_way_of_every_optimizer_that_has_it(name: str) -> None:
    ways = []
    for momentum in (None, 0.3):
        weight = nn.Parameter(torch.tensor([2.0]))
        settings = TrainSettings(opt=name, momentum=momentum, schedule="constant")
        ways.append(path(make_optimizer(settings)([weight], lr=0.1), weight))
    assert ways[0] != pytest.approx(ways[1], rel=1e-6)


def test_lars_moves_weights_that_start_at_zero() -> None:
    assert one_step("lars", gradient=0.3, decay=0.0) != 2
    weight = nn.Parameter(torch.zeros(3))
    optimizer = OPTIMIZERS["lars"]([weight], lr=0.1)
    weight.grad = torch.ones(3)
    optimizer.step()
    assert (weight < 0).all()
