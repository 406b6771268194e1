"""Networks that look for a bright square, and images that have one."""

import torch
from conftest import tiny_task
from torch import Tensor, nn

from fastmed.learn.heatmaps.aim import Aim
from fastmed.learn.network.backbone import make_backbone
from fastmed.learn.network.head import Pool, make_head
from fastmed.learn.network.own_network import OwnBackbone, WholeNetwork

SIZE = 64
SQUARE = slice(40, 56), slice(8, 24)  # rows and columns: below, on the left


def images(count: int = 6, seed: int = 0) -> Tensor:
    """Return faint noise with a bright square at the same place of each image."""
    noise = 0.1 * torch.randn(count, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(seed))
    noise[(slice(None), slice(None), *SQUARE)] += 2.0
    return noise


class Brightness(nn.Module):
    """A map of brightness and one of darkness, of patches of 8 x 8 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 8, stride=8)
        with torch.no_grad():
            self.conv.weight[0], self.conv.weight[1] = 1 / 192, -1 / 192
            self.conv.bias.zero_()

    def forward(self, given: Tensor) -> Tensor:
        return self.conv(given).relu()


class Whole(nn.Module):
    """The same as a whole network: it gives a logit for brightness and one for darkness."""

    def __init__(self) -> None:
        super().__init__()
        self.map = Brightness()

    def forward(self, given: Tensor) -> Tensor:
        return self.map(given).mean((2, 3))


def by_hand(whole: bool = False, **changes: object) -> Aim:
    """Return a network with weights made by hand, whose class 0 is brightness."""
    task = tiny_task("cardiomegaly", image__size=SIZE, **changes)
    if whole:
        return Aim(WholeNetwork(Whole(), SIZE, SIZE), task).eval()
    last = nn.Linear(2, task.outputs)
    with torch.no_grad():
        last.weight.copy_(torch.eye(task.outputs, 2))
        last.bias.zero_()
    body = OwnBackbone(Brightness(), SIZE, SIZE)
    return Aim(nn.Sequential(body, nn.Sequential(Pool("avg"), last)), task).eval()


def untrained(arch: str, size: int = SIZE, goal: str = "cardiomegaly", **changes: object) -> Aim:
    """Return a network with weights by chance."""
    torch.manual_seed(0)
    task = tiny_task(goal, train__arch=arch, image__size=size, **changes)
    body = make_backbone(task, download=False)
    head = make_head(body.features, task.head, task.outputs, task.loss == "coral")
    return Aim(nn.Sequential(body, head), task).eval()


def trained(arch: str, steps: int = 30) -> Aim:
    """Return a network that has learnt that images with the square are of class 0."""
    aim = untrained(arch)
    optimizer = torch.optim.AdamW(aim.parameters(), lr=2e-3)
    aim.train()
    for step in range(steps):
        given = images(8, seed=step)
        given[4:] = 0.1 * torch.randn_like(given[4:])
        target = torch.tensor([0] * 4 + [1] * 4)
        loss = nn.functional.cross_entropy(aim(given), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return aim.eval()
