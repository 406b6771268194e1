"""What each way to compute a training step gives, on this machine's processor.

    OMP_NUM_THREADS=1 python benchmarks/steps.py [--compile]

Milliseconds of processor time of a step (forward, backward, optimizer) on one batch of noise: as
fastai takes it, with PyTorch's ``foreach``, with one kernel for all parameters of Adam, and with
images and weights laid out pixel by pixel. Ways of one network take turns, and the least of some
rounds counts, so that what else the machine does decides little. ``--compile`` compiles, too, which
takes minutes.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial

import timm
import torch
from fastai.optimizer import Adam
from torch import nn

from fastmed.learn.fitting.fused import FusedAdam

NETWORKS = {
    "ResNet-18, 128 px, batch 64": ("resnet18", 128, 64),
    "ResNet-18, 28 px, batch 64": ("resnet18", 28, 64),
    "MobileNetV3 small 0.5, 64 px, batch 64": ("mobilenetv3_small_050", 64, 64),
    "EfficientNet-B3, 224 px, batch 8": ("efficientnet_b3", 224, 8),
    "ViT tiny, 224 px, batch 8": ("vit_tiny_patch16_224", 224, 8),
}
ROUNDS = 4
Step = Callable[[], None]
OPTIMIZERS = {
    "as fastai": partial(Adam, lr=1e-3, decouple_wd=True),
    "foreach": partial(torch.optim.AdamW, lr=1e-3, foreach=True),
    "one kernel": partial(FusedAdam, lr=1e-3, decouple_wd=True),
}


def main() -> None:
    """Print the table, network by network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--compile", action="store_true")
    compiled = parser.parse_args().compile
    ways = [(name, False, False) for name in OPTIMIZERS]
    ways += [("one kernel", True, False), *([("one kernel", True, True)] if compiled else [])]
    heads = [_name(*way) for way in ways]
    print(f"| network | {' | '.join(heads)} |\n|{'---|' * (len(heads) + 1)}")
    for name, about in NETWORKS.items():
        steps = [_step(about, *way) for way in ways]
        found = " | ".join(f"{1000 * seconds:,.0f}" for seconds in _least(steps))
        print(f"| {name} | {found} |", flush=True)


def _name(optimizer: str, channels_last: bool, compiled: bool) -> str:
    return optimizer + ", channels last" * channels_last + ", compiled" * compiled


def _step(about: tuple[str, int, int], opt: str, channels_last: bool, compiled: bool) -> Step:
    arch, size, batch = about
    torch.manual_seed(0)
    network = timm.create_model(arch, num_classes=2).train()
    images, targets = torch.randn(batch, 3, size, size), torch.randint(0, 2, (batch,))
    if channels_last:
        network.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)
    optimizer, loss = OPTIMIZERS[opt]([*network.parameters()]), nn.CrossEntropyLoss()
    if compiled:
        network.compile()

    def step() -> None:
        loss(network(images), targets).backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def _least(steps: list[Step]) -> list[float]:
    for step in steps:
        step()
    rounds = [[_seconds(step) for step in steps] for _ in range(ROUNDS)]
    return [min(times) for times in zip(*rounds, strict=True)]


def _seconds(step: Step) -> float:
    began = time.process_time()
    step()
    return time.process_time() - began


if __name__ == "__main__":
    main()
