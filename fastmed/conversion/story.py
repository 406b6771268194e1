"""`convert`: from a task and its data to a folder of pictures that any program can read."""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from fastmed.conversion.listing import PICTURES, TABLES, list_images, sheet_of
from fastmed.conversion.pictures import AS_PNG, Way, write_pictures
from fastmed.conversion.reader import task_text
from fastmed.data.store.cache import Cache, fingerprint
from fastmed.data.store.inspection import places_of
from fastmed.data.tables import write_table
from fastmed.errors import RunError, TaskError
from fastmed.files import read_json, write_json, write_text
from fastmed.task import Task
from fastmed.whole_folder import check_place, whole_folder

TASKS, MARK = "tasks.toml", "conversion.json"


class Converted(NamedTuple):
    """What was written.

    Attributes:
        folder: where it is.
        counts: table -> the number of its rows, without tables that would be empty.
        new: False if the folder held all of it already.
    """

    folder: Path
    counts: dict[str, int]
    new: bool


def convert(
    task: Task,
    data: str | Path,
    out: str | Path,
    *,
    way: Way = AS_PNG,
    unlabelled: bool = True,
    skip_bad: bool = False,
    overwrite: bool = False,
    cache: bool = True,
) -> Converted:
    """Write every image of a data set as a picture with the pixels that the network sees.

    Beside the pictures stand ``items.csv`` (image, class, part, patient, metadata), ``extra.csv``,
    ``unlabelled.csv`` and ``left_out.csv`` where there are such images, and ``tasks.toml``, with
    which the folder is a data set of its own: same parts, and of PNG the same network input.
    The folder appears when it is whole.

    Args:
        task: what the data are read as.
        data: the folder of the data.
        out: a folder to write, new or empty, outside of the data.
        way: how pictures are written.
        unlabelled: also convert images of the data folder that no label speaks of.
        skip_bad: images that can't be read are left out and counted.
        overwrite: replace another conversion.
        cache: keep the decoded images on disk, and take them from there.

    Raises:
        DataError: the data are not as the task declares them.
        RunError: ``out`` holds something else, or can't be written.
        TaskError: the quality doesn't fit the format.
    """
    root, out = Path(data), Path(out)
    _check(out, root, way)
    kept = Cache(task.image) if cache and not way.original_size else None
    images = list_images(
        task, root, way.suffix, unlabelled=unlabelled, skip_bad=skip_bad, cache=kept
    )
    text = task_text(task, images, way.original_size)
    record = _record(task, images, text, way)
    counts = {table: int((images["table"] == table).sum()) for table in TABLES}
    counts = {table: count for table, count in counts.items() if count}
    if _holds(out, record):
        return Converted(out, counts, new=False)
    if (out / MARK).exists() and not overwrite:
        raise RunError(f"{out} holds another conversion; `--overwrite` replaces it")
    shown = images[images["picture"] != ""]
    with whole_folder(out) as place:
        files = [place / picture for picture in shown["picture"]]
        write_pictures(places_of(shown, root), files, task.image, way, kept)
        for table in counts:
            write_table(sheet_of(images, table), place / table)
        write_text(place / TASKS, text)
        write_json(place / MARK, record)
    return Converted(out, counts, new=True)


def _check(out: Path, root: Path, way: Way) -> None:
    """Refuse what can be refused before the data are read."""
    if way.quality is not None and way.format == "png":
        raise TaskError(
            "the quality has no effect on PNG, which is lossless; leave it, or take JPEG"
        )
    if not 1 <= way.jpeg_quality <= 100:
        raise TaskError(f"the quality {way.quality} of JPEG is not between 1 and 100")
    inner, outer = out.resolve(), root.resolve()
    if inner.is_relative_to(outer) or outer.is_relative_to(inner):
        raise RunError(f"{out} and the data in {root} lie in one another; choose a folder beside")
    check_place(out, {PICTURES, TASKS, MARK, *TABLES}, "a conversion")


def _record(task: Task, images: pd.DataFrame, text: str, way: Way) -> dict[str, Any]:
    """Return what tells one conversion from another; it names neither files nor patients."""
    all_of_it = images.to_csv(index=False) + text + fingerprint(task.image)
    return {
        "task": task.name,
        "images": int((images["picture"] != "").sum()),
        **way._replace(quality=None if way.format == "png" else way.jpeg_quality)._asdict(),
        "fingerprint": hashlib.sha256(all_of_it.encode("utf-8", "surrogateescape")).hexdigest(),
    }


def _holds(out: Path, record: dict[str, Any]) -> bool:
    """True if a folder holds just this conversion, with all of its pictures."""
    try:
        if read_json(out / MARK) != record:
            return False
    except (OSError, ValueError):
        return False
    pictures = sum(file.is_file() for file in (out / PICTURES).rglob("*"))
    return bool(pictures == record["images"])
