"""Is a training that was killed and resumed the one that never stopped, bit for bit?

Each combination of options is trained once without a break, and once with two: `fastmed train` is
killed with SIGKILL, then the `fastmed resume` that goes on from there, at random batches or in the
middle of writing a random file. Then it is resumed to its end. What is compared are the SHA-256 of
the weights of the best and the last epoch, the history without its seconds, and the predictions.

    OMP_NUM_THREADS=1 python benchmarks/kills.py --out FOLDER --seed 1
"""

import argparse
import csv
import hashlib
import os
import random
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import timm
import torch
from safetensors.torch import save_file

from fastmed.demo.phantoms import write_phantom
from fastmed.run import Run

# Runs fastmed, and kills it at the Nth batch, or when it has written half of the Nth file.
KILLER = """
import os, signal, sys
from fastai.learner import Learner
from fastmed.cli import main

kind, at = sys.argv[1], int(sys.argv[2])
passed = {"batch": 0, "write": 0}
one_batch, fsync = Learner.one_batch, os.fsync

def comes(what):
    ends = what == kind and passed[what] == at
    passed[what] += 1
    return ends

def counted_batch(learn, *batch):
    if comes("batch"):
        os.kill(os.getpid(), signal.SIGKILL)
    return one_batch(learn, *batch)

def counted_fsync(file):
    if comes("write"):
        if os.fstat(file).st_nlink == 1:  # a second name of a whole file has nothing to write
            os.ftruncate(file, os.fstat(file).st_size // 2)
        os.kill(os.getpid(), signal.SIGKILL)
    return fsync(file)

Learner.one_batch, os.fsync = counted_batch, counted_fsync
try:
    main(sys.argv[3:])
finally:
    print("COUNTED", passed["batch"], passed["write"], flush=True)
"""
WARM = "--pretrained --weights {weights}"
TURNED = "--set augment.flip_horizontal=0.5 --set augment.rotate=10 --set augment.light=0.2"
SMALL = (
    "--arch test_resnet --size 32 --batch 8 --device cpu --set balance.method=none --set meta=[] "
    "--set split.valid=0.25"
)


@dataclass(frozen=True)
class Case:
    """A combination of options, and what kills it."""

    name: str
    task: str
    options: str
    kills: tuple[str, str] = ("batch", "batch")


CASES = (
    Case("one-cycle, AdamW, cache, 0 workers", "lungs", "--no-pretrained --epochs 3 --workers 0"),
    Case(
        "frozen 2 + whole 2, augmented, 2 workers",
        "lungs",
        f"{WARM} --freeze-epochs 2 --epochs 2 --workers 2 {TURNED}",
    ),
    Case(
        "no cache, 2 workers, cosine, Adamax",
        "lungs",
        "--no-pretrained --epochs 3 --workers 2 --no-cache --opt adamax "
        f"--set train.schedule=cosine {TURNED}",
    ),
    Case(
        "no cache, 0 workers, mixup, SGD",
        "lungs",
        "--no-pretrained --epochs 3 --workers 0 --no-cache --opt sgd --set train.mixup=0.4",
    ),
    Case(
        "moving average (EMA), frozen 1 + whole 3",
        "lungs",
        f"{WARM} --freeze-epochs 1 --epochs 3 --workers 0 --set train.ema=0.9 {TURNED}",
        ("batch", "write"),
    ),
    Case(
        "cutmix, flat-cosine, Ranger",
        "lungs",
        "--no-pretrained --epochs 3 --workers 2 --opt ranger --set train.cutmix=0.4 "
        "--set train.schedule=flat_cosine",
        ("write", "batch"),
    ),
    Case(
        "accumulation 3, clipping, dropout, every epoch kept",
        "lungs",
        "--no-pretrained --epochs 3 --workers 0 --set train.accumulate=3 --set train.clip=1.0 "
        "--set head.dropout=0.5 --save-every 1",
    ),
    Case(
        "early stopping in both phases, EMA",
        "lungs",
        f"{WARM} --freeze-epochs 4 --epochs 5 --workers 0 --set train.patience=1 "
        "--set train.ema=0.9",
        ("batch", "write"),
    ),
    Case(
        "grades, step schedule, RMSprop, augmented in epochs 2 and 3",
        "retinopathy",
        "--no-pretrained --epochs 4 --workers 2 --opt rmsprop --set train.schedule=step "
        f"--set train.step_epochs=2 {TURNED} --set augment.first_epoch=2 "
        "--set augment.last_epoch=3",
    ),
    Case(
        "metadata, sampler, growing images, bf16, channels-last",
        "pneumonia",
        '--no-pretrained --epochs 3 --workers 0 --set meta=["age","sex"] '
        "--set balance.method=sampler --set train.start_size=16 --set train.precision=bf16 "
        "--set train.channels_last=true",
        ("write", "batch"),
    ),
)


def main() -> None:
    """Run every case and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="a new folder for data and runs")
    parser.add_argument("--seed", type=int, default=1, help="of what is killed when")
    parser.add_argument("--only", default="", help="cases whose name holds this")
    chosen = parser.parse_args()
    draw = random.Random(chosen.seed)
    place = chosen.out.resolve()
    shutil.rmtree(place, ignore_errors=True)
    weights = _make_weights(place)
    data = {
        task: write_phantom(task, place / task, 60, 32) for task in {case.task for case in CASES}
    }
    print("| options | epochs | killed at | gone on after epoch | same weights | same history |")
    print("|---|---|---|---|---|---|")
    good = True
    for number, case in enumerate(CASES):
        if chosen.only in case.name:
            row, same = examined(case, place / f"runs-{number}", data[case.task], weights, draw)
            good &= same
            print(row, flush=True)
    sys.exit(0 if good else 1)


def examined(
    case: Case, runs: Path, data: Path, weights: Path, draw: random.Random
) -> tuple[str, bool]:
    """Return a case's row of the table, and whether all is the same."""
    options = f"{SMALL} {case.options.format(weights=weights)}".split()
    train = ["train", case.task, "--data", str(data), "--runs", str(runs), *options]
    batches, writes = _counts(*train, "--name", "whole")
    whole, killed = runs / case.task / "whole", runs / case.task / "killed"
    moments = []
    for kind, command in zip(case.kills, ([*train, "--name", "killed"], None), strict=True):
        # The second process does what is left: a moment that never comes would be no kill.
        done = _epochs_done(killed) if command is None else 0.0
        all_of_them = batches if kind == "batch" else writes
        moment = draw.randrange(2, max(3, int(all_of_them * (1 - done) * 0.8)))
        ended = _fastmed(kind, moment, *(command or ["resume", str(killed)]))
        died = ended.returncode == -9
        moments.append(f"{kind} {moment}" if died else f"({kind} {moment}: finished before)")
    if Run.open(killed).info["status"] != "done":
        _counts("resume", str(killed))
    return _row(case, Run.open(whole), Run.open(killed), moments, batches)


def _row(case: Case, whole: Run, killed: Run, moments: list[str], batches: int) -> tuple[str, bool]:
    weights, history = _weights(whole) == _weights(killed), _tables(whole) == _tables(killed)
    after = ", ".join(map(str, killed.info.get("resumed", [])))
    row = (
        f"| {case.name} | {len(whole.history)}, {batches} batches | {', '.join(moments)} | {after} "
        f"| {_yes(weights)} | {_yes(history)} |"
    )
    return row, weights and history


def _yes(fact: bool) -> str:
    return "yes" if fact else "**NO**"


def _weights(run: Run) -> dict[str, str]:
    files = [run.weights, *(run.path / "checkpoints").glob("epoch-*.safetensors")]
    weights = [file for file in files if ".state." not in file.name]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in weights}


def _tables(run: Run) -> list[list[dict[str, str]]]:
    tables = []
    for file in (run.path / "history.csv", run.predictions_file("valid")):
        with file.open(encoding="utf-8") as text:
            tables.append([{k: v for k, v in row.items() if k != "seconds"}
                           for row in csv.DictReader(text)])  # fmt: skip
    return tables


def _epochs_done(run: Path) -> float:
    """Return the share of its epochs that a killed run has behind it, as its files tell."""
    history = run / "history.csv"
    rows = len(history.read_text(encoding="utf-8").splitlines()) - 1 if history.is_file() else 0
    return min(0.8, rows / Run.open(run).task.train.all_epochs)


def _counts(*arguments: str) -> tuple[int, int]:
    """Run fastmed to its end and return how many batches it went through and files it wrote."""
    done = _fastmed("never", 0, *arguments)
    if done.returncode != 0:
        raise SystemExit(done.stdout[-2000:] + done.stderr[-2000:])
    batches, writes = done.stdout.splitlines()[-1].split()[1:]
    return int(batches), int(writes)


def _fastmed(kind: str, moment: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", KILLER, kind, str(moment), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
    if ended.returncode == -9:
        time.sleep(0.1)
    return ended


def _make_weights(place: Path) -> Path:
    """Write weights of a body, so that a training starts from pretrained ones without a network."""
    place.mkdir(parents=True)
    torch.manual_seed(3)
    file = place / "start.safetensors"
    save_file(timm.create_model("test_resnet").state_dict(), file)
    return file


if __name__ == "__main__":
    main()
