"""Class folders, with or without folders of parts above them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from fastmed import console
from fastmed.data.layouts.labels import to_classes
from fastmed.data.layouts.places import (
    files_below,
    leads_up,
    relative,
    subfolders,
    tell_of_odd,
)
from fastmed.data.layouts.rows import groups_by_pattern
from fastmed.data.names import check_utf8, is_utf8
from fastmed.data.pixels.image import is_image
from fastmed.errors import DataError, listed
from fastmed.settings.sources import FoldersSource

PART_NAMES = {
    "train": "train",
    "valid": "valid",
    "val": "valid",
    "validation": "valid",
    "test": "test",
}


def read_folders(
    source: FoldersSource, root: Path, classes: Sequence[str], skip_bad: bool = False
) -> pd.DataFrame:
    """Return one row for each image below a class folder; ``split`` is the folder above.

    Raises:
        DataError: the folder is missing, or a folder is neither a part nor a class.
    """
    top = root / source.folder
    if not top.is_dir():
        raise DataError(f"there is no folder {top}")
    rows = [row for part, folder in _parts(top, classes) for row in _class_rows(folder, part, root)]
    if not rows:
        raise DataError(f"{top} has no folders; expected one folder a class")
    table = pd.DataFrame(rows, columns=["label", "place", "split", "image"])
    table["target"] = to_classes(table["label"], table["place"], classes, source.rename)
    images = table["image"].map(lambda image: bool(image) and is_image(root / image))
    others = table.loc[(table["image"] != "") & ~images, "image"]
    if len(others):
        console.note(f"{len(others)} files in {top} are not images and are passed by")
        tell_of_odd((root / image for image in others), top)
    table = table[images].reset_index(drop=True)
    if source.group is not None:
        table["group"] = groups_by_pattern(table["image"], source.group)
    return table.assign(item=table["image"])


def _parts(top: Path, classes: Sequence[str]) -> list[tuple[str, Path]]:
    """Return (part, folder of class folders); a single pair without a part if there are none."""
    folders = subfolders(top)
    parts = [path for path in folders if path.name.lower() in PART_NAMES.keys() - {*classes}]
    if not parts:
        return [("", top)]
    others = [path.name for path in folders if path not in parts]
    if others:
        raise DataError(
            f"{top} has {listed(others)} beside {listed(path.name for path in parts)}; "
            "expected only folders of parts, or only folders of classes"
        )
    return [(PART_NAMES[path.name.lower()], path) for path in parts]


def _class_rows(folder: Path, part: str, root: Path) -> Iterator[tuple[str, str, str, str]]:
    """Yield (label, place, part, file); an empty folder gives one row, to have its name checked."""
    circle = next((path for path in sorted(folder.iterdir()) if leads_up(path)), None)
    if circle is not None:
        raise DataError(f"{circle} is a link that leads back to a folder above it")
    for inner in subfolders(folder):
        place = f"folder {relative(inner, root)}"
        files = [file for file in files_below(inner) if is_utf8(file.name) or is_image(file)]
        images = [relative(file, root) for file in files]
        check_utf8(images)
        for image in images or [""]:
            yield inner.name, place, part, image
