"""The steps for many parameters at once are fastai's own."""

from collections.abc import Callable

import pytest
import torch
from fastai.optimizer import Optimizer
from torch import Tensor, nn

from fastmed.learn.fitting.optimizers import FUSED, OPTIMIZERS

KINDS = pytest.mark.parametrize("name", FUSED)


def small_net(channels_last: bool = False) -> nn.Sequential:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 3),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2),
    )  # fmt: skip
    return net.to(memory_format=torch.channels_last) if channels_last else net


def made(maker: Callable[..., Optimizer], net: nn.Sequential, decay: float = 0.1) -> Optimizer:
    """Return an optimizer of two groups of layers, where a normalization is not decayed."""
    optimizer = maker([list(net[:3].parameters()), list(net[3:].parameters())], lr=0.01)
    optimizer.set_hyper("lr", [1e-2, 3e-2])
    optimizer.set_hyper("wd", decay)
    for parameter in net[1].parameters():
        optimizer.state[parameter]["do_wd"] = False
    return optimizer


def steps(net: nn.Sequential, optimizer: Optimizer, count: int, seed: int = 1) -> Tensor:
    """Return all weights after some steps."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(count):
        images = torch.randn(4, 3, 9, 9, generator=generator)
        net(images).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    return torch.cat([one.detach().flatten() for one in net.parameters()])


@KINDS
@pytest.mark.parametrize("channels_last", [False, True])
def test_steps_are_fastais(name: str, channels_last: bool) -> None:
    expected = steps(net := small_net(), made(OPTIMIZERS[name], net), 20)
    found = steps(net := small_net(channels_last), made(FUSED[name], net), 20)
    torch.testing.assert_close(found, expected, rtol=2e-4, atol=2e-5)


@KINDS
@pytest.mark.parametrize("back", [False, True])
def test_one_goes_on_where_the_other_stopped(name: str, back: bool) -> None:
    first, second = (FUSED, OPTIMIZERS) if back else (OPTIMIZERS, FUSED)
    net = small_net()
    before = made(first[name], net)
    steps(net, before, 5)
    after = made(second[name], net)
    after.load_state_dict(before.state_dict())
    found = steps(net, after, 5, seed=2)
    net = small_net()
    whole = made(OPTIMIZERS[name], net)
    assert not torch.allclose(steps(net, whole, 5), found)
    torch.testing.assert_close(steps(net, whole, 5, seed=2), found, rtol=2e-4, atol=2e-5)


@KINDS
def test_parameters_without_a_gradient_stay(name: str) -> None:
    net = small_net()
    net[0].requires_grad_(False)
    before = net[0].weight.clone()
    steps(net, made(FUSED[name], net), 2)
    assert torch.equal(net[0].weight, before)


@KINDS
def test_a_layout_that_changes_on_the_way_changes_nothing(name: str) -> None:
    net = small_net()
    optimizer = made(FUSED[name], net)
    steps(net, optimizer, 3)
    expected = steps(net, optimizer, 3, seed=2)
    net = small_net()
    optimizer = made(FUSED[name], net)
    steps(net, optimizer, 3)
    net.to(memory_format=torch.channels_last)
    torch.testing.assert_close(steps(net, optimizer, 3, seed=2), expected, rtol=2e-4, atol=2e-5)


@KINDS
def test_fewer_calls_of_kernels(name: str) -> None:
    """One call for each group and decay, not for each parameter."""
    counts = []
    for kind in (OPTIMIZERS, FUSED):
        net = small_net()
        optimizer = made(kind[name], net)
        steps(net, optimizer, 1)
        net(torch.randn(4, 3, 9, 9)).sum().backward()
        with torch.profiler.profile() as profile:
            optimizer.step()
        counts.append(sum(1 for event in profile.events() if event.name.startswith("aten::")))
    assert counts[1] < counts[0]
