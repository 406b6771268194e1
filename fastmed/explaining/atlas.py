"""The heat maps of a part: figures, their index, and what checks of them say."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fastmed.data.tables import LEFT_OUT, read_table, root_of, write_table
from fastmed.errors import DataError, listed
from fastmed.evaluation import evaluate
from fastmed.explaining.checks import Checks, check_maps, items_with_boxes, play_pointing_game
from fastmed.explaining.choice import choose
from fastmed.explaining.explanation import Explanation, explanations
from fastmed.files import read_info, write_json
from fastmed.learn.heatmaps.aim import aim_at, columns_of
from fastmed.learn.heatmaps.maps import Batches, heatmaps
from fastmed.learn.restore import statistics_of
from fastmed.prediction.networks import readable
from fastmed.results.figures.style import save
from fastmed.run import Run
from fastmed.run.inputs import predicted_items
from fastmed.settings.heatmaps import check_method_name
from fastmed.task import Task

FOLDER, INDEX, CHECKS = "heatmaps", "index.csv", "checks.json"
UNNAMED = "unnamed"  # the same without the names of images, for reports
COUNT = 20
COLUMNS = (
    "file", "split", "method", "reason", "item", "target", "predicted", "explained", "score",
    "value", "loss", "hottest_row", "hottest_column", "beside",
)  # fmt: skip
NUMBERS = ("score", "value", "loss", "hottest_row", "hottest_column", "beside")


@dataclass(frozen=True)
class Atlas:
    """The heat maps of one part by one method.

    Attributes:
        folder: where the figures are.
        index: a row for each figure; see ``docs/reference/run-folder.md``.
        checks: what was checked of the maps: ``sanity``, ``faithfulness``, ``pointing``.
    """

    folder: Path
    index: pd.DataFrame
    checks: dict[str, Any]


def draw_heatmaps(
    run: Run | str | Path,
    *,
    split: str = "valid",
    count: int = COUNT,
    method: str = "gradcam",
    checks: Checks | None = None,
    device: str | None = None,
    cache: bool = True,
) -> Atlas:
    """Draw heat maps of a part's largest losses and of examples of each class into the run.

    Each map explains the class that was predicted; of grades the value. Figures, an index and
    what checks say go into the run's ``heatmaps`` folder, in place of those of the same part and
    method.

    Args:
        run: a run or its folder.
        split: ``valid`` or ``test``, or the name of another set that was evaluated.
        count: how many images.
        method: ``gradcam``, ``hirescam``, ``occlusion`` or ``integrated_gradients``.
        checks: of the maps; None makes none.
        device: ``cpu``, ``cuda``, ...; None takes the best.
        cache: keep decoded images on disk.

    Raises:
        RunError: the run has no such part, or no weights.
        DataError: the images are gone, or there are no boxes to compare with.
        TaskError: there is no such method, or the network looks at no image.
        ModelError: the method needs a feature map, and the network has none.
    """
    run = run if isinstance(run, Run) else Run.open(run)
    check_method_name(method)
    if not run.predictions_file(split).is_file():
        evaluate(run, split=split, device=device)
    table = run.predictions(split)
    table = table[table["target"] != ""]
    if table.empty:
        raise DataError(f"{run.title} has no labelled image in '{split}' to choose from")
    checks, statistics = checks or Checks(), statistics_of(run)
    known = predicted_items(run, split)
    boxed = _boxed(run.task, known, table, checks)
    chosen = choose(table, run.task.classes, count)
    aim = aim_at(run.restore(device).model, run.task, method)
    items = readable_items(run.task, known, chosen["item"], cache)
    columns = columns_of(run.task, chosen)
    what = f"Explaining {len(items)} images"
    batches = Batches(aim, items, columns, statistics, what, cache)
    maps = heatmaps(aim, batches, method)
    folder = run.results / FOLDER
    found = explanations(aim, items, chosen, maps, columns=columns, method=method)
    index = _draw(folder, split, method, found)
    said = check_maps(batches, method, checks)
    if boxed is not None:
        pointed, boxes = boxed
        rows = readable_items(run.task, known, pointed["item"], cache)
        said["pointing"] = play_pointing_game(
            aim, rows, boxes, method=method, statistics=statistics, cache=cache
        )
    _keep_checks(folder, split, method, said)
    return Atlas(folder, index, said)


def read_index(run: Run) -> pd.DataFrame:
    """Return a row for each heat map that a run keeps; none if it keeps none."""
    file = run.results / FOLDER / INDEX
    if not file.is_file():
        return pd.DataFrame(columns=[*COLUMNS])
    index = read_table(file)
    for name in NUMBERS:
        index[name] = pd.to_numeric(index[name])
    return index


def read_checks(run: Run) -> dict[str, Any]:
    """Return what was checked of a run's heat maps: part -> method -> check; {} for nothing."""
    file = run.results / FOLDER / CHECKS
    return read_info(file) if file.is_file() else {}


def readable_items(task: Task, known: pd.DataFrame, names: pd.Series, cache: bool) -> pd.DataFrame:
    """Return the items of some names, in their order.

    Raises:
        DataError: one is gone, or can't be read.
    """
    gone = names[~names.isin(known["item"])]
    if len(gone):
        raise DataError(f"{root_of(known)} holds {listed(gone, 3)} no more")
    rows = known.set_index("item", drop=False).loc[names].reset_index(drop=True)
    rows["split"] = rows["split"].where(rows["split"] != LEFT_OUT, "")
    rows.attrs = dict(known.attrs)
    return readable(rows, task, skip_bad=False, cache=cache)


def _boxed(
    task: Task, known: pd.DataFrame, table: pd.DataFrame, checks: Checks
) -> tuple[pd.DataFrame, dict[str, np.ndarray]] | None:
    """Return the images of a part that have boxes, before any work is done; None if not asked."""
    if not checks.pointing:
        return None
    own = known[known["item"].isin(table["item"])]
    own.attrs = dict(known.attrs)
    return items_with_boxes(task, own, checks.boxes)


def _draw(folder: Path, split: str, method: str, found: Iterable[Explanation]) -> pd.DataFrame:
    """Write a figure for each explanation, and the index, in place of those of before."""
    rows = []
    for number, one in enumerate(found, 1):
        name = f"{split}_{method}_{number:03d}.png"
        save(one.figure(), folder / name)
        save(one.bare_figure(), folder / UNNAMED / name)
        rows.append(_row(name, split, method, one))
    index = pd.DataFrame(rows, columns=[*COLUMNS])
    others = _others(folder, split, method, set(index["file"]))
    write_table(pd.concat([others, index], ignore_index=True), folder / INDEX)
    return index


def _row(name: str, split: str, method: str, one: Explanation) -> list[Any]:
    row = one.prediction
    place = one.hottest or (None, None)
    return [
        name, split, method, row["reason"], row["item"], row["target"], row["predicted"],
        one.explained, row[f"score_{row['predicted']}"], row.get("value"), row["loss"],
        *place, one.beside,
    ]  # fmt: skip


def _others(folder: Path, split: str, method: str, kept: set[str]) -> pd.DataFrame | None:
    """Return the index of other parts and methods; figures that are no more in it are removed."""
    if not (folder / INDEX).is_file():
        return None
    before = read_table(folder / INDEX)
    same = (before["split"] == split) & (before["method"] == method)
    for name in set(before.loc[same, "file"]) - kept:
        if Path(name).name == name:
            (folder / name).unlink(missing_ok=True)
            (folder / UNNAMED / name).unlink(missing_ok=True)
    return before[~same]


def _keep_checks(folder: Path, split: str, method: str, said: dict[str, Any]) -> None:
    """Write what the checks say beside what those of other parts and methods said.

    Without any check, what was said of maps that are no more there is taken out.
    """
    file = folder / CHECKS
    every = read_info(file) if file.is_file() else {}
    every[split] = {**every.get(split, {}), method: said}
    kept = {part: {name: one for name, one in of.items() if one} for part, of in every.items()}
    kept = {part: of for part, of in kept.items() if of}
    if kept:
        write_json(file, kept)
    else:
        file.unlink(missing_ok=True)
