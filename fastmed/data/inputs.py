"""What is handed in to be predicted: an image, a folder, a table or arrays, labelled or not."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from fastmed import console
from fastmed.data.layouts import read_source
from fastmed.data.layouts.arrays import array_rows, medmnist_parts
from fastmed.data.layouts.dicom import with_headers
from fastmed.data.layouts.folders import PART_NAMES, read_folders
from fastmed.data.layouts.labels import to_classes
from fastmed.data.layouts.metadata_columns import metadata_columns
from fastmed.data.layouts.places import files_below, relative, subfolders, tell_of_odd
from fastmed.data.layouts.rows import groups_by_pattern, merge_repeated, rows_of, settle_missing
from fastmed.data.layouts.sheets import read_sheet
from fastmed.data.layouts.table import folders_of, parts_of
from fastmed.data.names import check_utf8
from fastmed.data.pixels.image import IMAGE_SUFFIXES, is_image
from fastmed.data.pixels.npz import array_names
from fastmed.data.pseudonyms import hide_items, hide_names
from fastmed.data.tables import ROOT, items_table
from fastmed.errors import DataError, listed
from fastmed.settings.sources import ArraysSource, DicomSource, FoldersSource, TableSource
from fastmed.task import Task

IMAGE_COLUMNS = ("image", "file", "filename", "path", "id", "item")
LABEL_COLUMNS = ("label", "target", "class", "diagnosis")


def read_input(task: Task, path: str | Path, skip_bad: bool = False) -> pd.DataFrame:
    """Return the images that a path leads to, sorted by name.

    The path is one image; a folder (in the task's own layout, of class folders, or of images at
    any depth); a CSV file of names; or an NPZ file. ``target`` is empty where there is no label,
    ``split`` where no part is given.

    Args:
        skip_bad: rows of a table without a file are left out and counted, instead of refused.

    Raises:
        DataError: nothing is there, a row has no file, or a label is none of the classes.
    """
    path = Path(path)
    root = path if path.is_dir() else path.parent
    hide_names(root, task.pseudonymise)
    items = items_table(_rows(task, path, skip_bad), root)
    items = items.sort_values(["image", "array", "index"], ignore_index=True)
    items.attrs[ROOT] = str(root)
    return hide_items(items, task.pseudonymise)


def _rows(task: Task, path: Path, skip_bad: bool) -> pd.DataFrame:
    if path.is_dir():
        return _folder_rows(task, path, skip_bad)
    if not path.is_file():
        raise DataError(f"there is no file or folder {path}")
    if path.suffix.lower() == ".npz":
        return _array_rows(task, path)
    if path.suffix.lower() in (".csv", ".tsv"):
        return _sheet_rows(task, path, skip_bad)
    return with_patients(image_rows([path], path.parent), task, path.parent)


def _folder_rows(task: Task, folder: Path, skip_bad: bool) -> pd.DataFrame:
    """Return the images of a folder: as the task's source lays them out, by class, or just all."""
    if has_layout(task, folder):
        return read_source(task.source, folder, task.classes, skip_bad)
    if has_class_folders(task, folder):
        source = FoldersSource(kind="folders", rename=task.source.rename)
        return with_patients(read_folders(source, folder, task.classes), task, folder)
    below = list(files_below(folder))
    files = [path for path in below if is_image(path)]
    tell_of_odd(set(below) - set(files), folder)
    if not files:
        raise DataError(f"no images found in {folder}")
    tell_of_folders(task, folder)
    return with_patients(image_rows(files, folder), task, folder)


def has_layout(task: Task, folder: Path) -> bool:
    """True if a folder is laid out as the task's source says."""
    source = task.source
    if source.kind == "folders":
        top = folder / source.folder
        return top.is_dir() and has_class_folders(task, top)
    return (folder / source.file).is_file()


def has_class_folders(task: Task, folder: Path) -> bool:
    """True if all folders in a folder are named as classes, or as parts that hold such folders."""
    inner = subfolders(folder)
    classes = [path for path in inner if path.name in {*task.classes, *task.source.rename}]
    parts = [path for path in inner if path not in classes and path.name.lower() in PART_NAMES]
    if inner and len(parts) == len(inner):
        return all(has_class_folders(task, part) for part in parts)
    return bool(inner) and len(classes) == len(inner)


def tell_of_folders(task: Task, folder: Path) -> None:
    """Warn where only some folders are named as classes, which looks like a slip."""
    names = [path.name for path in subfolders(folder)]
    others = [name for name in names if name not in {*task.classes, *task.source.rename}]
    if len(others) < len(names):
        console.warn(f"{folder}: folders give no labels, as {listed(others)} are not classes")


def image_rows(files: Sequence[Path], root: Path) -> pd.DataFrame:
    """Return a row for each file below a root."""
    images = [relative(file, root) for file in files]
    check_utf8(images)
    return pd.DataFrame({"item": images, "image": images}, dtype=str)


def with_patients(rows: pd.DataFrame, task: Task, root: Path) -> pd.DataFrame:
    """Return the rows with what names and headers say about the patient, as the task knows it."""
    group = task.source.group
    if group is not None and group.pattern:
        rows = rows.assign(group=groups_by_pattern(rows["item"], group))
    if task.source.kind == "dicom":
        rows = with_headers(rows, root, group.tag if group else None)
    return rows


def _array_rows(task: Task, path: Path) -> pd.DataFrame:
    """Return the images of every part of an NPZ file, with labels where it has them."""
    tables = [
        array_rows(path.parent, path.name, data, part, (path.name, labels) if labels else None)
        for data, labels, part in array_parts(task, path)
    ]
    rows = pd.concat(tables, ignore_index=True)
    target = to_classes(rows["label"], rows["place"], task.classes, task.source.rename)
    return rows.assign(target=target)


def array_parts(task: Task, path: Path) -> list[tuple[str, str, str]]:
    """Return the arrays of images in an NPZ file, each with that of its labels, and the part.

    The name of the labels is empty where there are none.

    Raises:
        DataError: it is no NPZ file.
    """
    source = task.source
    own = source if isinstance(source, ArraysSource) else ArraysSource(kind="arrays", file="")
    names = array_names(path)
    parts = {} if own.data in names else medmnist_parts(names)
    arrays = [(f"{name}_images", f"{name}_labels", part) for name, part in parts.items()]
    return [
        (data, labels if labels in names else "", part)
        for data, labels, part in arrays or [(own.data, own.labels, "")]
    ]


def _sheet_rows(task: Task, path: Path, skip_bad: bool) -> pd.DataFrame:
    """Return the images that a CSV file names, in the task's folders or beside the file."""
    sheet = read_sheet(path)
    rows = merge_repeated(rows_of_sheet(task, sheet, path))
    rows["target"] = targets_of_sheet(task, sheet, rows)
    return settle_missing(rows, places_of_sheet(task, sheet, path), skip_bad)


def targets_of_sheet(task: Task, sheet: pd.DataFrame, rows: pd.DataFrame) -> pd.Series:
    """Return the class of each row of a CSV file.

    Raises:
        DataError: a label is none of the classes.
    """
    rename = (_source_like(sheet, task) or task.source).rename
    return to_classes(rows["label"], rows["place"], task.classes, rename)


def places_of_sheet(task: Task, sheet: pd.DataFrame, path: Path) -> str:
    """Return in words where the images are looked for that a CSV file names."""
    folders = [*folders_of(_source_like(sheet, task) or task.source), "."]
    return f"folder {listed(folders)} of {path.parent}"


def rows_of_sheet(task: Task, sheet: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Return a row for each row of a CSV file: the image, and what is said of it.

    Raises:
        DataError: no column names images, or a name leads out of the folder.
    """
    own = _source_like(sheet, task)
    image = own.image if own else _common(sheet, IMAGE_COLUMNS)
    label = own.label if own and own.label in sheet.columns else _common(sheet, LABEL_COLUMNS)
    if not image:
        raise DataError(
            f"{path} has no column that names images, only {listed(sheet.columns, 12)}; "
            f"expected {' or '.join(dict.fromkeys(_image_columns(task)))}"
        )
    names = sheet[image].rename(path.name)
    labels = sheet[label] if label else pd.Series("", index=sheet.index)
    folders = [*folders_of(own or task.source), "."]
    suffixes = ["", *([own.suffix] if own else []), *IMAGE_SUFFIXES]
    rows = rows_of(names, labels, path.parent, folders, suffixes)
    rows["split"] = parts_of(sheet, getattr(own, "part", None), path.name)
    rows = rows.assign(**metadata_columns(sheet, own.meta if own else {}))
    rows = with_patients(rows, task, path.parent)
    group = own.group.column if own and own.group else None
    if group in sheet.columns:
        rows["group"] = sheet[group]
    return rows


def _source_like(sheet: pd.DataFrame, task: Task) -> TableSource | DicomSource | None:
    """Return the source of the task whose column of images a sheet has."""
    for source in (task.source, task.extra):
        if isinstance(source, TableSource | DicomSource) and source.image in sheet.columns:
            return source
    return None


def _image_columns(task: Task) -> list[str]:
    sources = (task.source, task.extra)
    own = [s.image for s in sources if isinstance(s, TableSource | DicomSource)]
    return [*own, *IMAGE_COLUMNS]


def _common(sheet: pd.DataFrame, names: Sequence[str]) -> str:
    """Return the first of some names that a sheet has as a column, or nothing."""
    return next((name for name in names if name in sheet.columns), "")
