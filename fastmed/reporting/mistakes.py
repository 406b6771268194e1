"""The images that a network got most wrong, and what they look like, if they are still there."""

from collections.abc import Sequence
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
from fastmed.results.scores.confusion import ConfusedPair, examples_of

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
    return _mistakes(story, table.loc[order])


def _mistakes(story: Story, rows: pd.DataFrame) -> list[Mistake]:
    decided = grades_of(rows["predicted"], story.task.classes)
    scores = scores_of(rows, story.task.classes)[np.arange(len(rows)), decided]
    records = rows[[ROW, "target", "predicted", "loss", "item"]].to_dict("records")
    return [
        Mistake(one[ROW], one["target"], one["predicted"], float(score), float(one["loss"]),
                one["item"])
        for one, score in zip(records, scores, strict=True)
    ]  # fmt: skip


def examples(story: Story, pairs: Sequence[ConfusedPair], count: int) -> list[list[Mistake]]:
    """Return of each confused pair the images with the largest losses."""
    table = story.predictions
    if table is None:
        return [[] for _ in pairs]
    return [_mistakes(story, rows) for rows in examples_of(table, pairs, count)]


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
