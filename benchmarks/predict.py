"""Eight views of many images: fastmed beside fastai's tta, and how much memory long inputs take.

    python benchmarks/predict.py time [--images 1000] [--batch 64] [--workers N]
    python benchmarks/predict.py memory [--rows 1000 10000 100000]

The images are made up for the measurement: tiles of two textures, written as PNG of 1024 px and as
JPEG of 224 px. ``time`` trains a ResNet-18 on tiles of its own (a minute), gives the same weights
to both sides, and then lets them predict the same files in turn, in one process, with the same
batch: fastai by ``learn.tta(n=7)`` (seven random views and the plain one), fastmed by the plain
view and the seven others that mirror and turn a tile, without its cache. The metric is the AUROC;
the textures are hard enough that it is below 1. ``memory`` exports folders of files that are links
to the same hundred, each in a process of its own, and tells the peak of its resident memory.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from scipy.ndimage import gaussian_filter

import fastmed

CLASSES = ("coarse", "fine")
VIEWS = ("plain", "hflip", "vflip", "rot90", "rot180", "rot270", "transpose", "transverse")
SIZE = 224


def write_tiles(folder: Path, count: int, side: int, suffix: str, seed: int) -> None:
    """Write coloured tiles into class folders; fine texture differs little from coarse."""
    generator = np.random.default_rng(seed)
    for number in range(count):
        name = CLASSES[number % 2]
        width = (1.0 if name == "fine" else 1.25) * generator.uniform(0.85, 1.15) * side / SIZE
        noise = generator.normal(size=(side, side, 3)).astype(np.float32)
        noise = gaussian_filter(noise, (width, width, 0))
        pixels = np.clip(128 + 40 * noise / noise.std(), 0, 255).astype(np.uint8)
        file = folder / name / f"{number:05}.{suffix}"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(file, **({"quality": 90} if suffix == "jpg" else {}))


def trained(folder: Path, batch: int) -> fastmed.Run:
    """Return a run of a ResNet-18 on tiles of its own."""
    write_tiles(folder / "data" / "train", 200, SIZE, "jpg", seed=1)
    task = fastmed.find_task("cardiomegaly").with_changes(
        {
            "classes": CLASSES, "train.arch": "resnet18", "train.pretrained": False,
            "train.epochs": 2, "train.freeze_epochs": 0, "train.batch": 8, "train.lr": 3e-4,
            "train.opt": "adam", "image.size": SIZE, "image.fit": "letterbox", "image.resize": None,
            "image.interpolation": "bilinear", "head": {"hidden": []},
            "split.valid": 0.2, "balance.method": "none",
        }
    )  # fmt: skip
    run = fastmed.train(task, folder / "data", runs=folder / "runs", device="cpu")
    file = run.path / "task.json"
    settings = json.loads(file.read_text())
    settings["train"]["batch"] = batch
    file.write_text(json.dumps(settings))
    return fastmed.Run.open(run.path)


def auroc(classes: pd.Series, scores: np.ndarray) -> float:
    """Return how well the scores of the second class tell it from the first."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(classes == CLASSES[1], scores))


def by_fastai(run: fastmed.Run, folder: Path, batch: int, workers: int) -> tuple[float, float]:
    """Return seconds and AUROC of fastai's tta, as its documentation writes it."""
    from fastai.vision.all import (
        ImageDataLoaders,
        Learner,
        Normalize,
        Resize,
        ResizeMethod,
        aug_transforms,
    )

    started = time.monotonic()
    mean, std = run.info["mean"], run.info["std"]
    dls = ImageDataLoaders.from_folder(
        folder, valid_pct=0.001, bs=batch, num_workers=workers, device="cpu", seed=0,
        item_tfms=Resize(SIZE, ResizeMethod.Pad, pad_mode="zeros"),
        batch_tfms=[*aug_transforms(), Normalize.from_stats(mean, std, cuda=False)],
    )  # fmt: skip
    network = run.restore("cpu").model
    learn = Learner(dls, network, loss_func=_cross_entropy())
    files = sorted(folder.rglob("*.*"))
    loader = dls.test_dl(files, with_labels=True, num_workers=workers)
    with learn.no_bar(), learn.no_logging():
        scores, _ = learn.tta(dl=loader, n=7)
    seconds = time.monotonic() - started
    classes = pd.Series([file.parent.name for file in files])
    return seconds, auroc(classes, scores[:, 1].numpy())


def _cross_entropy() -> object:
    from fastai.losses import CrossEntropyLossFlat

    return CrossEntropyLossFlat()


def by_fastmed(run: fastmed.Run, folder: Path, workers: int) -> tuple[float, float]:
    """Return seconds and AUROC of fastmed, which finds nothing in its cache."""
    started = time.monotonic()
    table = fastmed.predict(
        run, folder, views=VIEWS, device="cpu", cache=False, workers=workers or None
    )
    seconds = time.monotonic() - started
    return seconds, auroc(table["target"], table[f"score_{CLASSES[1]}"].to_numpy())


def measure_time(images: int, batch: int, workers: int) -> None:
    """Print a table of both sides, from both kinds of files."""
    import torch

    print(f"{torch.get_num_threads()} threads, batch {batch}, {workers} workers of fastai")
    print("| files | images | fastai, s | fastmed, s | ratio | AUROC: fastai | fastmed |")
    print("|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        run = trained(Path(scratch), batch)
        for what, side, suffix in (("1024 px PNG", 1024, "png"), ("224 px JPEG", 224, "jpg")):
            folder = Path(scratch) / suffix
            write_tiles(folder, images, side, suffix, seed=2)
            own, own_auroc = by_fastmed(run, folder, workers)
            plain, plain_auroc = by_fastai(run, folder, batch, workers)
            print(
                f"| {what} | {images} | {plain:.1f} | {own:.1f} | {plain / own:.2f} | "
                f"{plain_auroc:.3f} | {own_auroc:.3f} |",
                flush=True,
            )


def measure_memory(rows: list[int], arch: str) -> None:
    """Print the peak of memory for folders of so many files, each predicted by the command."""
    print("| rows | seconds | images a second | peak memory, MB |")
    print("|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        write_tiles(place / "data" / "train", 100, 32, "png", seed=1)
        task = fastmed.find_task("cardiomegaly").with_changes(
            {
                "classes": CLASSES, "train.arch": arch, "train.pretrained": False,
                "train.epochs": 1, "train.freeze_epochs": 0, "image.size": 32, "image.resize": None,
                "image.fit": "letterbox", "split.valid": 0.2, "balance.method": "none",
            }
        )  # fmt: skip
        run = fastmed.train(task, place / "data", runs=place / "runs", device="cpu", workers=0)
        files = sorted((place / "data").rglob("*.png"))
        for count in rows:
            folder = place / f"rows-{count}"
            for number in range(count):
                link = folder / f"{number // 1000:04}" / f"{number:07}.png"
                link.parent.mkdir(parents=True, exist_ok=True)
                os.link(files[number % len(files)], link)
            seconds, peak = _in_a_process(run.path, folder, place / f"{count}.csv")
            print(f"| {count} | {seconds:.0f} | {count / seconds:.0f} | {peak:.0f} |", flush=True)


def _in_a_process(run: Path, folder: Path, out: Path) -> tuple[float, float]:
    """Return seconds and peak memory (MB) of the command, without the processes that decode."""
    command = [sys.executable, __file__, "one", str(run), str(folder), str(out)]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, peak = said.stdout.split()[-2:]
    return float(seconds), float(peak)


def predict_one(run: str, folder: str, out: str) -> None:
    """Predict a folder into a file, and print seconds and peak memory."""
    from fastmed.cli import main

    started = time.monotonic()
    try:
        main(["-q", "predict", folder, "--run", run, "--out", out, "--device", "cpu", "--no-cache",
              "--workers", "1"])  # fmt: skip
    except SystemExit as ended:
        if ended.code:
            raise
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(time.monotonic() - started, peak)


def main() -> None:
    """Measure what was asked for."""
    if sys.argv[1:2] == ["one"]:
        predict_one(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["time", "memory"])
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="of both sides")
    parser.add_argument("--rows", type=int, nargs="*", default=[1000, 10_000, 100_000])
    parser.add_argument("--arch", default="test_resnet", help="for the measurement of memory")
    arguments = parser.parse_args()
    if arguments.what == "time":
        measure_time(arguments.images, arguments.batch, arguments.workers)
    else:
        measure_memory(arguments.rows, arguments.arch)


if __name__ == "__main__":
    main()
