"""Studies made of a table and a few pixels, without any file."""

from typing import Any

import numpy as np
import pandas as pd

from fastmed.data.tables import items_table
from fastmed.data_study.samples import Looked
from fastmed.data_study.story import Study
from fastmed.task import Task


def made_task(**settings: Any) -> Task:
    table: dict[str, Any] = {
        "name": "made",
        "title": "Made up",
        "goal": "category",
        "classes": ["no", "yes"],
        "source": {"kind": "folders"},
        "image": {"size": 32},
    }
    return Task.model_validate({**table, **settings})


def made_study(task: Task | None = None, by: tuple[str, ...] = (), **columns: Any) -> Study:
    """Return a study of 100 images of each class, four fifths of them to train."""
    task = task or made_task()
    count = 100 * len(task.classes)
    rows = pd.DataFrame({"item": [f"{n:04}.png" for n in range(count)]})
    rows = rows.assign(target=np.repeat(task.classes, 100), content="x", decoder="pillow")
    rows = rows.assign(image=rows["item"], scaling="8 bits", origin="main", note="")
    rows["split"] = np.where(rows.index % 5 == 0, "valid", "train")
    facts = {"width": 64.0, "height": 64.0, "format": "PNG", "colour": "grey", "bits": 8.0,
             "suffix": ".png", "size": "64 x 64", "kind": "PNG, grey, 8 bits",
             "intensity": np.linspace(20, 200, count)}  # fmt: skip
    known = {name: values for name, values in columns.items() if name not in facts}
    items = items_table(rows.assign(**known), root="made")
    images = items.assign(**{**facts, **{k: columns[k] for k in columns if k in facts}})
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32), dtype=np.uint8)
    looked = Looked(
        {name: [pixels, pixels // 2] for name in task.classes},
        {name: ["a.png", "b.png"] for name in task.classes},
        images.set_index("item")["intensity"],
    )
    return Study(task, images, looked, by)
