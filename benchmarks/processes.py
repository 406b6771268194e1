"""Does a training by several processes reach what one reaches, and what does it cost?

OMP_NUM_THREADS=1 python benchmarks/processes.py --out FOLDER --data data/lungs --seeds 3

Each row is a training by `fastmed train`, with more than one process by torchrun, on the CPU.
"""

import argparse
import statistics
import subprocess
import sys
from pathlib import Path

from fastmed.evaluation import saved_scores
from fastmed.run import Run

SCORES = ("accuracy", "macro_f1", "auroc", "log_loss")


def main() -> None:
    """Train with each number of processes and each seed, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="a folder for the runs")
    parser.add_argument("--data", type=Path, required=True, help="the folder of the data set")
    parser.add_argument("--task", default="lungs")
    parser.add_argument("--arch", default="resnet10t")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    chosen = parser.parse_args()
    print(f"| processes | seed | {' | '.join(SCORES)} | seconds an epoch |")
    print("|" + "---|" * (len(SCORES) + 3))
    for processes in chosen.processes:
        rows = [row(chosen, processes, seed) for seed in range(chosen.seeds)]
        columns = list(zip(*rows, strict=True))
        spread = [f"{statistics.mean(one):.3f} ± {statistics.stdev(one):.3f}" for one in columns]
        print(f"| {processes} | mean | {' | '.join(spread)} |", flush=True)


def row(chosen: argparse.Namespace, processes: int, seed: int) -> list[float]:
    """Train once and print its row."""
    run = trained(chosen, processes, seed)
    overall = saved_scores(run)["valid"]["overall"]
    found = [overall[name] for name in SCORES]
    found.append(statistics.median(run.history["seconds"]))
    print(f"| {processes} | {seed} | {' | '.join(f'{one:.3f}' for one in found)} |", flush=True)
    return found


def trained(chosen: argparse.Namespace, processes: int, seed: int) -> Run:
    """Return the run of a number of processes and a seed; one that is done is left as it is."""
    name = f"processes-{processes}-seed-{seed}"
    folder = chosen.out / chosen.task / name
    if not folder.is_dir():
        many = ["-m", "torch.distributed.run", "--nproc_per_node", str(processes)]
        subprocess.run(
            [
                sys.executable, *(many if processes > 1 else []), "-m", "fastmed", "train",
                chosen.task, "--data", chosen.data, "--runs", chosen.out, "--name", name,
                "--arch", chosen.arch, "--no-pretrained", "--size", str(chosen.size),
                "--epochs", str(chosen.epochs), "--batch", str(chosen.batch),
                "--seed", str(seed), "--device", "cpu", "--workers", "0",
            ],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    return Run.open(folder)


if __name__ == "__main__":
    main()
