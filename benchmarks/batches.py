"""Milliseconds of the random changes of a batch: as fastai computes them, and in few passes.

    OMP_NUM_THREADS=1 python benchmarks/batches.py [--rounds 20]

Flips, turns, zooms, changes of perspective and of light; the same random numbers on both sides, in
turns. A grey image is changed in three equal channels by fastai, in one here.
"""

import argparse
import time

import torch
from fastai.torch_core import set_seed
from fastai.vision.augment import aug_transforms
from fastai.vision.core import TensorImage
from fasttransform import Pipeline

from fastmed.learn.input.few_passes import in_few_passes
from fastmed.learn.memory import memory_kept

CASES = [(28, 64), (64, 64), (128, 64), (224, 32)]  # side, images
CPU = torch.device("cpu")


def seconds(change: Pipeline, images: torch.Tensor, kept: bool) -> float:
    """Return the processor's time for one batch."""
    set_seed(0)
    batch = TensorImage(images.clone())
    with memory_kept(CPU, kept):
        change(batch)  # the first one clears the memory that is kept
        batch = TensorImage(images.clone())
        began = time.process_time()
        change(batch)
        return time.process_time() - began


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    print("| images | fastai | in few passes | memory kept, too | of grey images |")
    print("|---|---|---|---|---|")
    for side, count in CASES:
        images = torch.rand(count, 3, side, side)
        usual = Pipeline(aug_transforms(), split_idx=0)
        few = Pipeline([in_few_passes(one) for one in aug_transforms()], split_idx=0)
        sides = [
            (usual, images, False),
            (few, images, False),
            (few, images, True),
            (few, images[:, :1], True),
        ]
        found = [[seconds(*one) for one in sides] for _ in range(rounds)]
        least = [1000 * min(row[place] for row in found) for place in range(len(sides))]
        cells = " | ".join(f"{one:.1f} ms" for one in least)
        print(f"| {count} of {side} px | {cells} |", flush=True)


if __name__ == "__main__":
    main()
