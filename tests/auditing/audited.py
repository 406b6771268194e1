"""A small clean data set to audit, and one defect planted in it at a time."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from fastmed.auditing.checks import CHECKS
from fastmed.auditing.finding import Finding
from fastmed.auditing.measures import measured, unpacked
from fastmed.auditing.story import look, tolerant
from fastmed.auditing.subject import Subject
from fastmed.auditing.written import read_written
from fastmed.data.items import inspected_items
from fastmed.data.split import split_items
from fastmed.data.store.inspection import places_of
from fastmed.task import Task

CLASSES, PATIENTS, SIDE = ("no", "yes"), 30, 48
SOURCE = {
    "kind": "table", "file": "labels.csv", "image": "image", "label": "label", "part": "part",
    "folder": "images", "group": {"column": "patient"},
}  # fmt: skip


def made_task(**changes: object) -> Task:
    """Return the task of the data set that `write_clean` writes."""
    table = {
        "name": "small", "title": "Small", "goal": "category", "classes": CLASSES,
        "source": SOURCE, "image": {"size": 16},
    }  # fmt: skip
    dotted = {key.replace("__", "."): value for key, value in changes.items()}
    return Task.model_validate(table).with_changes(dotted)


def picture(seed: int) -> np.ndarray:
    """Return a picture (48, 48) of smooth noise, all of its own, and of any class."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(30, 220, (9, 9), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC)).astype(float)
    return np.clip(smooth + rng.normal(0, 4, smooth.shape), 0, 255).astype(np.uint8)


def write_clean(root: Path) -> Path:
    """Write pictures of sixty patients, thirty a class, in two given parts, and their table."""
    (root / "images").mkdir(parents=True)
    rows = []
    for number in range(2 * PATIENTS):
        name = f"{number:04d}.png"
        Image.fromarray(picture(number)).save(root / "images" / name)
        part = "valid" if number % 3 == 0 else "train"
        rows.append((name, CLASSES[number % 2], f"p{number}", part))
    write_rows(root, pd.DataFrame(rows, columns=["image", "label", "patient", "part"]))
    return root


def rows_of(root: Path) -> pd.DataFrame:
    return pd.read_csv(root / "labels.csv", dtype=str)


def write_rows(root: Path, rows: pd.DataFrame) -> None:
    rows.to_csv(root / "labels.csv", index=False)


def change(root: Path, numbers: Sequence[int], how: Callable[[np.ndarray], np.ndarray]) -> None:
    """Save some pictures anew, changed."""
    for number in numbers:
        file = root / "images" / f"{number:04d}.png"
        Image.fromarray(how(np.array(Image.open(file)))).save(file)


def as_jpeg(pixels: np.ndarray, quality: int = 50) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def subject_of(task: Task, root: Path) -> Subject:
    """Return what the checks look at, measured in this process."""
    written = read_written(task, root)
    items = inspected_items(tolerant(task, written), root, skip_bad=True, cache=False)
    items = split_items(items, task.split, task.classes)
    good = items[items["content"] != ""]
    pairs = [
        (index, unpacked(measured(place, task.image)))
        for index, place in zip(good.index, places_of(good, root), strict=True)
    ]
    measures = {index: one for index, one in pairs if not isinstance(one, str)}
    return Subject(task, items, measures, written)


def found(task: Task, root: Path) -> dict[str, Finding]:
    """Return the findings by id, but for S3, which every data set has."""
    findings, _ = look(subject_of(task, root), CHECKS)
    return {one.id: one for one in findings if one.id != "S3"}
