"""Checks of heat maps: whether they depend on the weights, are used, and point into boxes."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fastmed.console import note
from fastmed.data.boxes import boxes_of
from fastmed.data.operations.placement import placement_of
from fastmed.data.pixels.file_facts import file_facts
from fastmed.data.pixels.image import open_item
from fastmed.data.store.inspection import places_of
from fastmed.data.tables import grades_of, group_keys, root_of
from fastmed.explaining.sanity import sanity_check
from fastmed.learn.heatmaps.aim import Aim
from fastmed.learn.heatmaps.faithfulness import faithfulness
from fastmed.learn.heatmaps.maps import Batches, heatmaps
from fastmed.learn.heatmaps.methods import METHODS
from fastmed.learn.input.statistics import Statistics
from fastmed.results.maps.likeness import verdict
from fastmed.results.maps.pointing import hottest_place, pointing_game
from fastmed.task import Task


@dataclass(frozen=True)
class Checks:
    """Which checks of heat maps are wanted.

    Attributes:
        sanity: lose the network's weights step by step, and see whether the maps change.
        faithfulness: take away, and show, the hottest places first, and see what the network says.
        pointing: see whether the hottest places lie in boxes that readers have drawn.
        boxes: their table; None takes the one that the task names.
    """

    sanity: bool = False
    faithfulness: bool = False
    pointing: bool = False
    boxes: Path | None = None


def check_maps(batches: Batches, method: str, checks: Checks) -> dict[str, Any]:
    """Return what the checks of the same maps say, those that are wanted.

    Args:
        batches: of images.
        method: that makes the maps.
        checks: wanted.
    """
    found: dict[str, Any] = {}
    if checks.sanity:
        found["sanity"] = _sanity(batches, method)
    if checks.faithfulness:
        found["faithfulness"] = _faithfulness(batches, method)
    return found


def play_pointing_game(
    aim: Aim,
    items: pd.DataFrame,
    boxes: dict[str, np.ndarray],
    *,
    method: str,
    statistics: Statistics,
    cache: bool = True,
) -> dict[str, Any]:
    """Return how often the hottest place of a map lies in a box; see `pointing_game`.

    Each map is of the true class; of grades, of the value.

    Args:
        aim: the network.
        items: that have boxes and can be read.
        boxes: of the items, in pixels of the image as it is stored.
        method: that makes the maps.
        statistics: that the network was trained with.
        cache: take decoded images from the cache.
    """
    columns = _true_columns(aim.task, items)
    batches = Batches(aim, items, columns, statistics, f"Pointing at {len(items)} boxes", cache)
    places = [hottest_place(heat) for heat in heatmaps(aim, batches, method)]
    found, covered = zip(*boxes_on_square(aim.task, items, boxes), strict=True)
    return pointing_game(places, found, covered, group_keys(items))


def boxes_on_square(
    task: Task, items: pd.DataFrame, boxes: dict[str, np.ndarray]
) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    """Yield each item's boxes on the network's square, and where the square shows the image.

    A DICOM file whose pixels are oblong is seen with square ones; its boxes go with them.
    """
    root = root_of(items)
    facts = file_facts(items, root)[["width", "height"]].to_numpy(dtype=float)
    for item, place, stored in zip(items["item"], places_of(items, root), facts, strict=True):
        pixels = open_item(*place, task.image).pixels
        seen = np.array([pixels.shape[1], pixels.shape[0]], dtype=float)
        share = np.where(np.isfinite(stored) & (stored > 0), seen / stored, 1.0)
        placement = placement_of(pixels, task.image)
        yield placement.boxes(boxes[item] * np.tile(share, 2)), placement.covered()


def items_with_boxes(
    task: Task, items: pd.DataFrame, file: Path | None
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Return the items that have boxes, and these.

    Raises:
        DataError: there is no table of boxes, or none of these items is in it.
    """
    boxes = boxes_of(task, items, file)
    return items[items["item"].isin(list(boxes))], boxes


def _sanity(batches: Batches, method: str) -> dict[str, Any]:
    note("Heat maps are made again while the network loses its weights, from the head on.")
    steps = sanity_check(batches.aim, batches, METHODS[method])
    says = verdict(steps[-1]["rank_correlation"])
    return {"n": len(batches.items), "verdict": says, "steps": steps}


def _faithfulness(batches: Batches, method: str) -> dict[str, Any]:
    note("Places are taken away and shown, the hottest first, and as many by chance.")
    maps = np.stack([*heatmaps(batches.aim, batches, method)])
    found = faithfulness(batches.aim, batches, maps)
    summary: dict[str, Any] = {"n": len(maps)}
    for name, better in (("deletion", np.less), ("insertion", np.greater)):
        own, chance = found[name], found[f"{name}_by_chance"]
        summary[name] = {
            "mean": float(own.mean()),
            "by_chance": float(chance.mean()),
            "better_than_chance": int(better(own, chance).sum()),
        }
    return summary


def _true_columns(task: Task, items: pd.DataFrame) -> np.ndarray:
    if task.goal == "grade":
        return np.zeros(len(items), dtype=np.int64)
    return grades_of(items["target"], task.classes)
