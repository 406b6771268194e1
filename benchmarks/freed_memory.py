"""Milliseconds of a training step on a CPU, with freed memory given back, and with it kept.

    python benchmarks/freed_memory.py [--rounds 3]

Each number is measured by a process of its own, in turns, since the C library learns from what a
process did before. Time is that of the processor; the least of all rounds counts.
"""

import argparse
import json
import resource
import subprocess
import sys
import time

import timm
import torch

from fastmed.learn.memory import memory_kept

# Name of the network, side of the images, images of a batch, steps.
CASES = [
    ("resnet18", 128, 64, 3),
    ("resnet18", 28, 64, 12),
    ("mobilenetv3_small_050", 64, 64, 40),
    ("efficientnet_b3", 224, 8, 4),
    ("vit_tiny_patch16_224", 224, 8, 8),
]


def measured(name: str, side: int, batch: int, steps: int, kept: bool) -> dict[str, float]:
    """Return milliseconds and cleared pages of a step, and the most memory held, in MB."""
    torch.manual_seed(0)
    network = timm.create_model(name, num_classes=2).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), fused=True)
    images = torch.rand(batch, 3, side, side).contiguous(memory_format=torch.channels_last)
    targets = torch.arange(batch) % 2

    def step() -> None:
        torch.nn.functional.cross_entropy(network(images), targets).backward()
        optimizer.step()
        optimizer.zero_grad()

    with memory_kept(torch.device("cpu"), kept):
        step()
        step()
        before, began = resource.getrusage(resource.RUSAGE_SELF), time.process_time()
        for _ in range(steps):
            step()
        seconds = time.process_time() - began
        after = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "milliseconds": 1000 * seconds / steps,
        "pages": (after.ru_minflt - before.ru_minflt) / steps,
        "megabytes": after.ru_maxrss / 1024,
    }


def in_own_process(number: int, kept: bool) -> dict[str, float]:
    """Return what a new process measures."""
    command = [sys.executable, __file__, "--case", str(number), *(["--kept"] if kept else [])]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return dict(json.loads(found.splitlines()[-1]))


def main() -> None:
    """Print the table, or measure one case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--case", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--kept", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case is not None:
        print(json.dumps(measured(*CASES[options.case], options.kept)))
        return
    print("| network | given back | kept | | pages cleared in a step | most memory, MB |")
    print("|---|---|---|---|---|---|")
    for number, (name, side, batch, _) in enumerate(CASES):
        rounds = [
            [in_own_process(number, kept) for kept in (False, True)] for _ in range(options.rounds)
        ]
        back, kept = (
            {what: min(row[side][what] for row in rounds) for what in rounds[0][side]}
            for side in (0, 1)
        )
        quicker = 1 - kept["milliseconds"] / back["milliseconds"]
        print(
            f"| {name}, {side} px, batch {batch} | {back['milliseconds']:,.0f} ms | "
            f"{kept['milliseconds']:,.0f} ms | {quicker:.0%} | "
            f"{back['pages']:,.0f}, {kept['pages']:,.0f} | "
            f"{back['megabytes']:,.0f}, {kept['megabytes']:,.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
