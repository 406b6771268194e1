"""Whose images an input holds: one client's, or those of a folder for each client."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from fastmed.data.inputs import read_input
from fastmed.data.layouts.places import files_below, relative, subfolders, tell_of_odd
from fastmed.data.pixels.dicom import is_dicom, read_header
from fastmed.data.pixels.image import is_image
from fastmed.data.pseudonyms import hide_items, hide_names
from fastmed.data.store.cache import Cache
from fastmed.data.store.inspection import inspect_images
from fastmed.data.tables import LEFT_OUT, ROOT
from fastmed.data.unlabelled import unlabelled_items
from fastmed.errors import DataError, listed
from fastmed.state import pseudonym
from fastmed.task import Task

ARRAYS = ".npz"


@dataclass(frozen=True)
class Clients:
    """The images of one client or of several.

    Attributes:
        several: there is a folder for each.
        names: of the clients, as they may be told, in order.
        folders: of each client below the input, with a slash; empty for the input itself.
        items: that can be read, client by client.
        owners: the position of the client of each, (n,).
        unreadable: for each client the names of its other images, and why they can't be read.
        patients: for each client, how many patients its images name; None if they name none.
    """

    several: bool
    names: list[str]
    folders: list[str]
    items: pd.DataFrame
    owners: np.ndarray
    unreadable: list[list[tuple[str, str]]]
    patients: list[int | None]


def read_clients(
    task: Task, source: str | Path, *, one_client: bool = False, cache: bool = True
) -> Clients:
    """Return the images of the clients that an input holds; labels are not looked at.

    An image, an NPZ file or a folder with images in it is one client. A folder of folders has a
    client in each, with all images at any depth. Images beside folders with images leave open
    which of the two it is, and are refused.

    Args:
        task: says how images are read.
        source: a file or a folder.
        one_client: the folder is one client's, whatever folders are in it.
        cache: keep the decoded images on disk.

    Raises:
        DataError: there is no image, none can be read, or it is not clear whose they are.
    """
    source = Path(source)
    items = _items(task, source)
    tops = _tops(items, source, one_client)
    if tops is not None:
        _refuse_data_set(task, source, sorted(set(tops)))
    keys = [""] if tops is None else sorted({*tops} | {path.name for path in subfolders(source)})
    position = {key: place for place, key in enumerate(keys)}
    owners = np.array([position[top] for top in tops or [""] * len(items)])
    items, owners = _by_owner(items, owners)
    looked = inspect_images(
        items, Path(items.attrs[ROOT]), task.image, True, Cache(task.image) if cache else None
    )
    bad = (looked["split"] == LEFT_OUT).to_numpy()
    if bad.all():
        raise DataError(
            f"no image in {source} can be read; the first: {items['item'].iloc[0]}, "
            f"{looked['note'].iloc[0]}"
        )
    good = looked[~bad].reset_index(drop=True)
    good.attrs = dict(items.attrs)
    told = [_told(source.name if tops is None else key, task) for key in keys]
    return Clients(
        several=tops is not None,
        names=told,
        folders=[f"{key}/" if key else "" for key in keys],
        items=good,
        owners=owners[~bad],
        unreadable=_reasons(looked[bad], owners[bad], len(keys)),
        patients=_patients(good, owners[~bad], len(keys)),
    )


def _items(task: Task, source: Path) -> pd.DataFrame:
    """Return the images of an input, without labels and parts."""
    if source.suffix.lower() in (".csv", ".tsv") and source.is_file():
        raise DataError(
            f"{source} is a table, and a client report is of a client's folder, image or NPZ file; "
            "give each client a folder"
        )
    if source.is_dir():
        return _folder_items(task, source)
    return read_input(task, source).assign(target="", split="")


def _folder_items(task: Task, folder: Path) -> pd.DataFrame:
    hide_names(folder, task.pseudonymise)
    below = list(files_below(folder))
    arrays = [file for file in below if file.suffix.lower() == ARRAYS and file.is_file()]
    tell_of_odd([file for file in below if file not in arrays and not is_image(file)], folder)
    nothing = pd.DataFrame({"image": []}, dtype=str)
    tables = [unlabelled_items(task, nothing, folder)]
    tables += [_rows_of(task, file, folder) for file in arrays]
    tables = [table for table in tables if len(table)]
    if not tables:
        raise DataError(f"no images found in {folder}")
    items = pd.concat(tables, ignore_index=True)
    items.attrs = {**tables[0].attrs, ROOT: str(folder)}
    return items.assign(target="", split="")


def _rows_of(task: Task, file: Path, folder: Path) -> pd.DataFrame:
    """Return the rows of an NPZ file within a folder."""
    plain = task.model_copy(update={"pseudonymise": False})
    items, above = read_input(plain, file), relative(file.parent, folder)
    if above != ".":
        items = items.assign(**{name: f"{above}/" + items[name] for name in ("item", "image")})
    return hide_items(items, task.pseudonymise)


def _tops(items: pd.DataFrame, source: Path, one_client: bool) -> list[str] | None:
    """Return the folder of each image's client; None if all are of one.

    Raises:
        DataError: there are images both in the folder and in folders within.
    """
    if one_client or not source.is_dir():
        return None
    parts = [image.split("/") for image in items["image"]]
    loose = sum(len(part) == 1 for part in parts)
    if loose == len(parts):
        return None
    if loose:
        inner = len({part[0] for part in parts if len(part) > 1})
        raise DataError(
            f"{source} has {loose} images beside {inner} folders with images, so it is neither "
            "one client's folder nor a folder of clients; move them into a folder of their own, "
            "or say --one-client"
        )
    return [part[0] for part in parts]


def _refuse_data_set(task: Task, source: Path, folders: Sequence[str]) -> None:
    """Refuse a data set, whose folders are classes or parts and no clients."""
    file = getattr(task.source, "file", "")
    if file and (source / file).is_file():
        raise DataError(
            f"{source} has {file} and so is laid out as a data set of the task '{task.name}'; name "
            "a client's folder, or say --one-client"
        )
    if len(folders) > 1 and {*folders} <= {*task.classes, *task.source.rename}:
        raise DataError(
            f"the folders in {source} are named as classes ({listed(folders, 3)}), so they are no "
            "clients; name a client's folder, or say --one-client"
        )


def _by_owner(items: pd.DataFrame, owners: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
    order = np.lexsort((items["index"], items["array"], items["image"], owners))
    ordered = items.iloc[order].reset_index(drop=True)
    ordered.attrs = dict(items.attrs)
    return ordered, owners[order]


def _told(name: str, task: Task) -> str:
    return pseudonym(name) if task.pseudonymise else name


def _reasons(bad: pd.DataFrame, owners: np.ndarray, count: int) -> list[list[tuple[str, str]]]:
    found: list[list[tuple[str, str]]] = [[] for _ in range(count)]
    for owner, item, note in zip(owners, bad["item"], bad["note"], strict=True):
        found[owner].append((item, note))
    return found


def _patients(items: pd.DataFrame, owners: np.ndarray, count: int) -> list[int | None]:
    """Return how many patients each client's images name, by the task or by DICOM headers."""
    root = Path(items.attrs[ROOT])
    seen: list[Counter[str]] = [Counter() for _ in range(count)]
    named = zip(owners, items["group"], items["image"], items["array"], strict=True)
    for owner, group, image, array in named:
        name = group or ("" if array else _patient_in_header(root / image))
        seen[owner].update([name] if name else [])
    return [len(one) or None for one in seen]


def _patient_in_header(file: Path) -> str:
    try:
        return read_header(file, "PatientID").identifier if is_dicom(file) else ""
    except (DataError, OSError):
        return ""
