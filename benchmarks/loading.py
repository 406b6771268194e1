"""Images a second into the network: from fastmed's cache, beside plain fastai's DataBlock.

    python benchmarks/loading.py --data DIR

DIR holds the folders ``pneumonia`` (DICOM, 512 px) and ``retinopathy`` (JPEG, 224 px); what is
absent is skipped. PNG files of 1024 px are phantoms, made for the measurement. Both sides read
the same files and give the same batches: 64 images of 224 px, normalised, on the CPU. Epochs of
the two alternate in one process, so that what else the machine does hits both.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from fastai.vision.all import (
    CategoryBlock,
    ColReader,
    DataBlock,
    DataLoaders,
    ImageBlock,
    IntToFloatTensor,
    Normalize,
    PILImage,
    Resize,
    ResizeMethod,
    imagenet_stats,
)
from pydicom import dcmread

import fastmed
from fastmed.console import listen
from fastmed.data.tables import root_of
from fastmed.demo.phantoms import write_phantom
from fastmed.task import Task
from fastmed.taskfile import find_task

SIZE, BATCH = 224, 64
PHANTOMS = 128
SHARED = {
    "image.size": SIZE,
    "image.operations": [],
    "image.fit": "letterbox",
    "image.interpolation": "bilinear",
    "image.resize": None,
    "train.batch": BATCH,
    "train.arch": "resnet18",
    "train.pretrained": False,
    "balance": {},
    "augment": {},
    "meta": [],
}
SETS = {
    "1024 px PNG": ("cardiomegaly", None),
    "512 px DICOM": ("pneumonia", "pneumonia"),
    "224 px JPEG": ("retinopathy", "retinopathy"),
}


def plain_loaders(items: pd.DataFrame, workers: int) -> DataLoaders:
    """Return DataLoaders as fastai's documentation writes them."""
    frame = items[items["split"].isin(["train", "valid"])].reset_index(drop=True)

    def picture(row: pd.Series) -> PILImage:
        file = root_of(items) / row["image"]
        if file.suffix == ".dcm":
            pixels = dcmread(file).pixel_array
            return PILImage.create(np.stack([pixels] * 3, axis=2))
        return PILImage.create(file)

    block = DataBlock(
        blocks=(ImageBlock, CategoryBlock),
        get_x=picture,
        get_y=ColReader("target"),
        splitter=lambda rows: (list(range(len(rows))), []),
        item_tfms=Resize(SIZE, ResizeMethod.Pad, pad_mode="zeros"),
        batch_tfms=[IntToFloatTensor, Normalize.from_stats(*imagenet_stats)],
    )
    return block.dataloaders(frame, bs=BATCH, num_workers=workers, device="cpu")


def own_loaders(task: Task, folder: Path) -> DataLoaders:
    """Return fastmed's DataLoaders, with every image in the training part."""
    items = fastmed.read_items(task, folder)
    everything = items[items["split"].isin(["train", "valid"])].copy()
    everything["split"] = "train"
    everything["copies"] = 1
    everything.loc[everything.index[0], "split"] = "valid"
    everything.attrs = items.attrs
    return fastmed.dataloaders(task, everything, device="cpu")


def seconds_of(work: Callable[[], Iterable]) -> tuple[int, float]:
    """Return how many images came, and in how many seconds."""
    started = time.monotonic()
    images = sum(len(batch[0]) for batch in work())
    return images, time.monotonic() - started


def measure(kind: str, task: Task, folder: Path, workers: int, epochs: int) -> list[str]:
    """Return the row of one kind of files."""
    rates: dict[str, list[float]] = {"plain": [], "own": []}
    started = time.monotonic()
    own = own_loaders(task, folder).train
    setup = time.monotonic() - started
    plain = plain_loaders(fastmed.read_items(task, folder), workers).train
    for epoch in range(1 + epochs):
        for side, loader in (("plain", plain), ("own", own)):
            images, seconds = seconds_of(lambda loader=loader: loader)
            first = side == "own" and epoch == 0
            rates[side].append(images / (seconds + (setup if first else 0)))
    later = {side: float(np.median(values[1:])) for side, values in rates.items()}
    return [
        kind,
        *(f"{rates[side][0]:,.0f}" for side in ("plain", "own")),
        f"{rates['own'][0] / rates['plain'][0]:.1f}",
        *(f"{later[side]:,.0f}" for side in ("plain", "own")),
        f"{later['own'] / later['plain']:.1f}",
    ]


def main() -> None:
    """Measure every kind of files that is there, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of the data sets")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="of plain fastai")
    parser.add_argument("--files", nargs="*", default=list(SETS), choices=list(SETS))
    parser.add_argument("--epochs", type=int, default=3, help="after the first")
    arguments = parser.parse_args()
    listen(-1)
    print(
        "| files | first: plain fastai | fastmed | ratio | later: plain fastai | fastmed | ratio |"
    )
    print("|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["FASTMED_CACHE"] = f"{scratch}/cache"
        for kind in arguments.files:
            name, folder = SETS[kind]
            data = arguments.data / folder if folder else Path(scratch) / "phantoms"
            if folder is None:
                write_phantom(name, data, count=PHANTOMS, size=1024)
            if not data.is_dir():
                print(f"| {kind} | skipped: no folder {data} | | | | | |")
                continue
            task = find_task(name).with_changes(SHARED)
            row = measure(kind, task, data, arguments.workers, arguments.epochs)
            print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
