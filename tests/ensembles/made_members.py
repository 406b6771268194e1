"""Members of ensembles for tests: predictions of the same images, in files and in runs."""

from pathlib import Path

import numpy as np
import pandas as pd

from fastmed.data.lock import DataLock
from fastmed.data.tables import items_table, scores_of, write_table
from fastmed.files import write_json
from fastmed.results.calibration.fitted import Validation, keep_fitted
from fastmed.results.calibration.probabilities import Calibration
from fastmed.run import Run
from fastmed.taskfile import find_task

LUNGS = ["healthy", "COVID", "other"]
GRADES = ["No DR", "Mild", "Moderate", "Severe", "Proliferative DR"]


def said(
    classes: list[str],
    n: int = 60,
    seed: int = 0,
    *,
    prefix: str = "test",
    gain: float = 1.5,
    labelled: bool = True,
) -> pd.DataFrame:
    """What a fair network of its own seed says of images that all have in common."""
    true = np.random.default_rng(len(prefix)).integers(0, len(classes), n)
    rng = np.random.default_rng(seed)
    raw = rng.gamma(1.0, size=(n, len(classes)))
    raw[np.arange(n), true] += rng.gamma(gain, size=n)
    scores = raw / raw.sum(axis=1, keepdims=True)
    table = pd.DataFrame({"item": [f"{prefix}/{place}.png" for place in range(n)]})
    table["group"] = [f"p{prefix}{place // 2}" for place in range(n)]
    table["target"] = np.array(classes)[true]
    table["predicted"] = np.array(classes)[scores.argmax(axis=1)]
    table[[f"score_{name}" for name in classes]] = scores
    if len(classes) == len(GRADES):
        table["value"] = scores @ np.arange(len(classes)) + rng.normal(0, 0.1, n)
        table["grade"] = np.clip(table["value"].round(), 0, 4).astype(int)
        table["predicted"] = np.array(classes)[table["grade"]]
    if not labelled:
        table["target"] = ""
    return table.assign(split=prefix if prefix in ("test", "valid") else "")


def file_of(folder: Path, name: str, table: pd.DataFrame) -> Path:
    """A predictions file as fastmed writes it."""
    write_table(table, folder / f"{name}.csv")
    return folder / f"{name}.csv"


def run_of(folder: Path, name: str, task: str, seed: int, *, labelled: bool = True) -> Run:
    """The folder of a run that was evaluated, without weights: 60 test and 40 valid images."""
    own = find_task(task).with_changes({"balance.method": "none"})
    classes = list(own.classes)
    path = folder / name
    path.mkdir(parents=True)
    tables = [said(classes, n, seed, prefix=part) for part, n in (("test", 60), ("valid", 40))]
    rows = pd.concat([*tables, _train(classes)], ignore_index=True)
    rows = rows.assign(image=rows["item"], content=rows["item"] + "#", decoded="")
    items = items_table(rows[["item", "image", "target", "group", "split", "content"]], folder)
    write_json(path / "task.json", own.model_dump(mode="json"))
    write_table(items, path / "items.csv")
    DataLock.of(items).write(path / "data.lock")
    run = Run(path, {})
    run.update(status="done", data=".")
    for table, part in zip(tables, ("test", "valid"), strict=True):
        if part == "test" and not labelled:
            table["target"] = ""
        write_table(table, run.predictions_file(part))
    valid = tables[1]
    if own.goal == "grade":
        outputs, points = valid["value"].to_numpy(), np.array([0.6, 1.5, 2.5, 3.5])
        fitted = Calibration(cut_points=points, scale=0.4)
    else:
        outputs, fitted = scores_of(valid, classes), Calibration()
    keep_fitted(run, Validation.of(own, valid, outputs), fitted)
    return Run.open(path)


def _train(classes: list[str]) -> pd.DataFrame:
    return said(classes, 30, prefix="training").assign(split="train")
