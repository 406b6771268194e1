"""The images that a network got most wrong, and what they look like, if they are still there."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from PIL import Image

from fastmed.data.inputs import read_input
from fastmed.data.pseudonyms import located
from fastmed.data.store.inspection import places_of
from fastmed.data.store.prepared import prepared_images
from fastmed.data.tables import grades_of, root_of, scores_of
from fastmed.errors import FastmedError
from fastmed.reporting.drawing import jpeg_of
from fastmed.reporting.story import ROW, Story

COUNT = 12
SIDE = 224  # pixels


class Mistake(NamedTuple):
    """An image, as the row of its prediction.

    Attributes:
        row: of the predictions table, from 1.
        target, predicted: the classes.
        score: of the predicted class.
        loss: of the true one.
        item: the image's name, which a report doesn't tell.
    """

    row: int
    target: str
    predicted: str
    score: float
    loss: float
    item: str


def worst(story: Story, count: int = COUNT) -> list[Mistake]:
    """Return the predictions with the largest losses, the worst first."""
    table = story.predictions
    if table is None or table.empty:
        return []
    order = table["loss"].sort_values(ascending=False, kind="stable").index[:count]
    rows = table.loc[order]
    decided = grades_of(rows["predicted"], story.task.classes)
    scores = scores_of(rows, story.task.classes)[np.arange(len(rows)), decided]
    records = rows[[ROW, "target", "predicted", "loss", "item"]].to_dict("records")
    return [
        Mistake(one[ROW], one["target"], one["predicted"], float(score), float(one["loss"]),
                one["item"])
        for one, score in zip(records, scores, strict=True)
    ]  # fmt: skip


def confused(story: Story) -> list[tuple[str, str, int, int]]:
    """Return true class, class it was taken for, how many, of how many; the most frequent first."""
    counts, names = np.array(story.scores["confusion"]), story.task.classes
    pairs = [
        (names[true], names[other], int(counts[true, other]), int(counts[true].sum()))
        for true, other in np.ndindex(*counts.shape)
        if true != other and counts[true, other]
    ]
    return sorted(pairs, key=lambda pair: -pair[2])


def pictures(story: Story, items: list[str]) -> dict[str, str]:
    """Return images as the network sees them, as JPEG data URIs by item; those that are there."""
    try:
        known = _items(story)
        rows = known[known["item"].isin(items)].drop_duplicates("item")
        found = prepared_images(places_of(rows, root_of(known)), story.task.image)
        return {
            item: jpeg_of(Image.fromarray(one.pixels), SIDE)
            for item, one in zip(rows["item"], found, strict=True)
            if not one.reason
        }
    except (FastmedError, OSError):
        return {}


def _items(story: Story) -> pd.DataFrame:
    """Return the items that were predicted: the run's own, or another input's."""
    inputs: dict[str, Any] = story.run.info.get("inputs", {})
    if story.part in inputs:
        place = story.run.path / inputs[str(story.part)]
        return read_input(story.task, place, skip_bad=True)
    return located(story.subject.items)
