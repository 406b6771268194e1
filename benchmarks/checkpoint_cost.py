"""What does the checkpoint after each epoch cost beside the epoch itself?

OMP_NUM_THREADS=1 python benchmarks/checkpoint_cost.py --out FOLDER --arch resnet18
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from fastmed.demo.phantoms import write_phantom
from fastmed.learn.fitting.callbacks import KeepBest
from fastmed.learn.fitting.checkpoint import KeepCheckpoints
from fastmed.taskfile import find_task
from fastmed.training.train import train


def main() -> None:
    """Train three epochs and print a row of the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="a new folder for data and run")
    parser.add_argument("--arch", default="resnet18")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--images", type=int, default=200)
    chosen = parser.parse_args()
    data = write_phantom("lungs", chosen.out / "lungs", chosen.images, chosen.size)
    settings = {"arch": chosen.arch, "pretrained": False, "epochs": 3, "opt": "adamw"}
    changes = {f"train.{name}": value for name, value in settings.items()}
    task = find_task("lungs").with_changes({**changes, "image.size": chosen.size})
    spent = [timed(KeepBest), timed(KeepCheckpoints)]
    run = train(task, data, runs=chosen.out / "runs", device="cpu", workers=0)
    write = statistics.median(map(sum, zip(*spent, strict=True)))
    epoch = statistics.median(run.history["seconds"])
    weights = run.weights.stat().st_size / 1e6
    print(f"| {chosen.arch} | {weights:.0f} | {3 * weights:.0f} | {write:.2f} | {epoch:.1f} |")


def timed(kind: type) -> list[float]:
    """Let a callback note how long each of its epochs' ends takes."""
    seconds: list[float] = []
    work: Callable = kind.after_epoch

    def after_epoch(callback: object) -> None:
        started = time.monotonic()
        work(callback)
        seconds.append(time.monotonic() - started)

    kind.after_epoch = after_epoch
    return seconds


if __name__ == "__main__":
    main()
