"""How well fastmed learns beside plain fastai: same images, same split, same epochs, 3 seeds.

    python benchmarks/learning.py --data DIR --out learning.jsonl
    python benchmarks/learning.py --table learning.jsonl

DIR holds the folders ``lungs``, ``cardiomegaly``, ``retinopathy`` (in the layouts of the built-in
tasks) and ``medmnist/pneumoniamnist.npz``; what is absent is skipped. Results are appended, one
line a run, and runs that the file holds are not repeated, so that it can be stopped at any time.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from fastai.vision.all import (
    CategoryBlock,
    ColReader,
    DataBlock,
    ImageBlock,
    PILImage,
    RegressionBlock,
    Resize,
    aug_transforms,
    resnet18,
    set_seed,
    vision_learner,
)
from sklearn import metrics

import fastmed
from fastmed.console import listen
from fastmed.data.pixels.image import open_item
from fastmed.data.tables import grades_of, part, root_of, scores_of
from fastmed.evaluation import evaluate
from fastmed.task import Task
from fastmed.taskfile import find_task

SEEDS = (0, 1, 2)
PNEUMONIAMNIST = """
[pneumoniamnist]
title = "Pneumonia on 28-pixel chest X-rays"
goal = "category"
classes = ["normal", "pneumonia"]
source = { kind = "arrays", file = "pneumoniamnist.npz" }
image = { size = 28 }
"""
# What both sides share: network, input size, batch, epochs, and fastai's default augmentation.
SHARED = {
    "train.arch": "resnet18",
    "train.pretrained": False,
    "train.batch": 64,
    "train.lr": 1e-3,
    "train.opt": "adamw",
    "train.schedule": "one_cycle",
    "image.size": 128,
    "image.operations": [],
    "image.fit": "letterbox",
    "image.interpolation": "bilinear",
    "head": {},
    "augment": {"flip_horizontal": 0.5, "rotate": 10, "zoom": 1.1, "warp": 0.2, "light": 0.2},
}
SETS = {
    "pneumoniamnist": ("medmnist", {"train.epochs": 10, "image.size": 28}),
    "lungs": (
        "lungs",
        {"train.epochs": 15, "train.select": "auroc", "split.valid": 0.15, "split.test": 0.2},
    ),
    "retinopathy": (
        "retinopathy",
        {
            "train.epochs": 12,
            "train.select": "kappa",
            "predict.cut_points": "kappa",
            "split.valid": 0.15,
            "split.test": 0.2,
        },
    ),
    "cardiomegaly": ("cardiomegaly", {"train.epochs": 10, "train.select": "auroc"}),
}


def task_of(name: str, seed: int, folder: Path) -> Task:
    """Return the task of a data set with the shared settings and this seed."""
    own = folder / "tasks.toml"
    own.write_text(PNEUMONIAMNIST)
    changes = {**SHARED, **SETS[name][1], "train.seed": seed, "split.seed": seed}
    return find_task(name, own).with_changes(changes)


def run_fastmed(task: Task, items: pd.DataFrame, data: Path, folder: Path) -> dict:
    """Train with fastmed and return the scores of the test part, without and with TTA."""
    run = fastmed.train(task, data, runs=folder / "runs")
    found = {}
    for key, views in (("plain", ["plain"]), ("tta", ["plain", "hflip"])):
        table, _ = evaluate(run, split="test", views=views, workers=0)
        outputs = scores_of(table, task.classes) if task.goal == "category" else None
        found[key] = scores(task, table["target"], outputs, table.get("grade"))
    return found


def run_fastai(task: Task, items: pd.DataFrame, data: Path, folder: Path) -> dict:
    """Train as fastai's documentation writes it and return the scores of the test part."""
    frame = pd.concat([part(items, "train"), part(items, "valid")], ignore_index=True)
    frame["is_valid"] = frame["split"] == "valid"
    category = task.goal == "category"
    frame["label"] = frame["target"] if category else grades_of(frame["target"], task.classes)

    def picture(row: pd.Series) -> PILImage:
        if not row["array"]:
            return PILImage.create(root_of(items) / row["image"])
        place = row["image"], row["array"], row["index"]
        pixels = open_item(root_of(items), *place).pixels
        return PILImage.create(np.stack([pixels] * 3, axis=2) if pixels.ndim == 2 else pixels)

    block = DataBlock(
        blocks=(
            ImageBlock,
            CategoryBlock(list(task.classes), sort=False) if category else RegressionBlock(1),
        ),
        get_x=picture,
        get_y=ColReader("label"),
        splitter=lambda rows: (
            np.flatnonzero(~rows["is_valid"]).tolist(),
            np.flatnonzero(rows["is_valid"]).tolist(),
        ),
        item_tfms=Resize(task.image.size),
        batch_tfms=aug_transforms(),
    )
    set_seed(task.train.seed)
    dls = block.dataloaders(frame, bs=task.train.batch, num_workers=0)
    learn = vision_learner(dls, resnet18, pretrained=False, n_out=task.outputs)
    with learn.no_bar(), learn.no_logging():
        learn.fit_one_cycle(task.train.epochs, 1e-3)
        test = part(items, "test").reset_index(drop=True)
        loader = dls.test_dl(test)
        found = {"plain": learn.get_preds(dl=loader)[0], "tta": learn.tta(dl=loader)[0]}
    return {key: fastai_scores(task, test["target"], np.asarray(out)) for key, out in found.items()}


def fastai_scores(task: Task, target: pd.Series, outputs: np.ndarray) -> dict:
    """Return the scores of plain outputs; values of grades are rounded."""
    if task.goal == "category":
        return scores(task, target, outputs, None)
    grades = np.clip(np.round(outputs.reshape(-1)), 0, len(task.classes) - 1).astype(int)
    return scores(task, target, None, grades)


def scores(task: Task, target: pd.Series, outputs: np.ndarray | None, grades: object) -> dict:
    """Return scores by scikit-learn, the same for both sides."""
    true = grades_of(target, task.classes)
    labels = list(range(len(task.classes)))
    decided = np.asarray(grades) if outputs is None else outputs.argmax(1)
    found = {
        "accuracy": metrics.accuracy_score(true, decided),
        "macro_f1": metrics.f1_score(true, decided, labels=labels, average="macro"),
    }
    if outputs is None:
        found["kappa"] = metrics.cohen_kappa_score(
            true, decided, labels=labels, weights="quadratic"
        )
    else:
        column = outputs[:, 1] if len(labels) == 2 else outputs / outputs.sum(1, keepdims=True)
        found["auroc"] = metrics.roc_auc_score(true, column, multi_class="ovr")
    return {name: float(value) for name, value in found.items()}


def measure(data: Path, out: Path, names: list[str]) -> None:
    """Run what the file doesn't hold yet, and append it."""
    done = {(r["set"], r["side"], r["seed"]) for r in results(out)}
    sides = {"fastai": run_fastai, "fastmed": run_fastmed}
    wanted = [(name, seed, side) for name in names for seed in SEEDS for side in sides]
    for name, seed, side in wanted:
        folder = data / SETS[name][0]
        if not folder.is_dir():
            print(f"{name} is skipped: no folder {folder}")
            continue
        if (name, side, seed) in done:
            continue
        with tempfile.TemporaryDirectory() as scratch:
            task = task_of(name, seed, Path(scratch))
            items = fastmed.read_items(task, folder)
            started = time.monotonic()
            found = sides[side](task, items, folder, Path(scratch))
        line = {"set": name, "side": side, "seed": seed, **found}
        line["seconds"] = round(time.monotonic() - started)
        with out.open("a") as file:
            file.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)


def results(file: Path) -> list[dict]:
    """Return what was measured so far."""
    if not file.is_file():
        return []
    return [json.loads(line) for line in file.read_text().splitlines()]


def print_table(file: Path) -> None:
    """Print mean and range over the seeds, as a Markdown table."""
    frame = pd.DataFrame(
        [
            {"set": r["set"], "side": r["side"], "views": views, "metric": metric, "value": value}
            for r in results(file)
            for views in ("plain", "tta")
            for metric, value in r[views].items()
        ]
    )
    print("| data set | metric | views | plain fastai | fastmed | seeds |")
    print("|---|---|---|---|---|---|")
    for (name, metric, views), rows in frame.groupby(["set", "metric", "views"], sort=False):
        cells = {side: values["value"] for side, values in rows.groupby("side")}
        shown = [
            f"{v.mean():.3f} ({v.min():.3f} to {v.max():.3f})" if v is not None else "-"
            for v in (cells.get("fastai"), cells.get("fastmed"))
        ]
        seeds = min(len(values) for values in cells.values())
        print(f"| {name} | {metric} | {views} | {shown[0]} | {shown[1]} | {seeds} |")


def main() -> None:
    """Measure, or print the table of what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="the folder of the data sets")
    parser.add_argument("--out", type=Path, default=Path("learning.jsonl"))
    parser.add_argument("--sets", nargs="*", default=list(SETS), choices=list(SETS))
    parser.add_argument("--table", type=Path, help="only print this file as a table")
    arguments = parser.parse_args()
    listen(-1)
    if arguments.table:
        print_table(arguments.table)
    elif arguments.data:
        measure(arguments.data, arguments.out, arguments.sets)
    else:
        parser.error("--data or --table is needed")


if __name__ == "__main__":
    main()
