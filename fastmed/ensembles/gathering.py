"""From what the user names to members that were read, or predicted just now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from fastmed.console import note
from fastmed.data.inputs import read_input
from fastmed.data.lock import unseen
from fastmed.ensembles.columns import parse_columns
from fastmed.ensembles.formats import rows_of_file
from fastmed.ensembles.members import Member
from fastmed.ensembles.networks import member_of_side, runs_of_side
from fastmed.ensembles.places import Places, agreed_task, common_predictions, find_places
from fastmed.ensembles.tables import checked, labels_table, read_file, task_of_files
from fastmed.errors import DataError, RunError, TaskError
from fastmed.run import FAMILY_FILE
from fastmed.state import pseudonyms
from fastmed.task import Task
from fastmed.taskfile import find_task

_PSEUDONYM = r"[0-9a-f]{16}"


@dataclass(frozen=True)
class Request:
    """What members are, and of which images.

    Attributes:
        members: files, runs and families.
        source: images that runs and families predict anew; None takes what they keep.
        split: which of the parts and sets that they keep.
        columns: which column of a file is what.
        valid: files of predictions of a validation part, one for each member that is a file.
        labels: a file of true labels.
        task: the name of the task, where all members are files.
        tasks: the file of tasks.
        drop_seen: leave out labelled images that shaped a member, instead of refusing.
        options: of `predict`: views, device, workers, skip_bad, cache.
    """

    members: Sequence[str | Path]
    source: str | Path | None = None
    split: str | None = None
    columns: Sequence[str] = ()
    valid: Sequence[str | Path] = ()
    labels: str | Path | None = None
    task: str | None = None
    tasks: str | Path | None = None
    drop_seen: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Gathered:
    """The members, and what is known of the images beside.

    Attributes:
        task: of the ensemble.
        members: in the order in which they were named.
        part: whose predictions they are; empty where only files say something.
        labels: ``target`` and ``group`` by item; None without any.
        read: the items that were predicted just now; None where predictions were read.
    """

    task: Task
    members: tuple[Member, ...]
    part: str
    labels: pd.DataFrame | None = None
    read: pd.DataFrame | None = None


def gather(request: Request, cut_points: Sequence[float] | None = None) -> Gathered:
    """Return the members of an ensemble, with what they say.

    Args:
        request: what the user names.
        cut_points: of grades, by which files of values are known to be of grades.

    Raises:
        FastmedError: something is missing, can't be read, doesn't fit, or would have no effect.
    """
    places = find_places(request.members)
    _check(request, places)
    labels_file = None if request.labels is None else Path(request.labels)
    valid = dict(zip(places.files, map(Path, request.valid), strict=False))
    columns = parse_columns(request.columns, [*places.files, *valid.values()], labels_file)
    task = agreed_task(places)
    if task is None and request.task is not None:
        task = find_task(request.task, request.tasks)
    tables = {file: read_file(file, columns[file], task) for file in places.files}
    if task is None:
        task = task_of_files([*tables.values()], None if cut_points is None else len(cut_points))
    part = _part(places, request)
    read = _items(task, request, places)
    members = []
    for name, path in zip(places.names, places.paths, strict=True):
        if path in places.sides:
            table = None if read is None else _predict(places, path, read, request)
            members.append(member_of_side(name, places.sides[path], task, table, part))
            continue
        told = None
        if path in valid:
            own = read_file(valid[path], {**columns[path], **columns[valid[path]]}, task)
            told = checked(_hidden(own, task), task, str(valid[path]))
        rows = checked(_hidden(tables[path], task), task, name)
        members.append(Member(name, rows, task, told=told))
    labels = _labels(task, labels_file, columns, read)
    return Gathered(task, tuple(members), part, labels, read)


def _check(request: Request, places: Places) -> None:
    """Refuse what would do nothing."""
    every = "where all members are files"
    if request.task is not None and places.sides:
        raise TaskError("--task has no effect where a member is a run, which has its own")
    if request.tasks is not None and request.task is None:
        raise TaskError("--tasks has no effect without --task")
    if request.split is not None and not places.sides:
        raise RunError(f"--split has no effect {every}")
    if request.split is not None and request.source is not None:
        raise RunError("--split names predictions that are kept, and --input asks for new ones")
    if request.source is not None and not places.sides:
        raise RunError(f"--input has no effect {every}; --labels FILE says what is true")
    if request.source is None and request.options:
        first = next(iter(request.options)).replace("_", "-").replace("cache", "no-cache")
        raise RunError(f"--{first} has no effect without --input: nothing is predicted anew")
    if request.valid and len(request.valid) != len(places.files):
        raise DataError(
            f"--valid names {len(request.valid)} files for {len(places.files)} members that are "
            "files; name one for each, in their order"
        )
    for file in (*places.files, *map(Path, request.valid)):
        if not file.is_file():
            raise DataError(f"there is no file {file}")


def _part(places: Places, request: Request) -> str:
    if request.source is not None or not places.sides:
        return ""
    return common_predictions(places, request.split)


def _items(task: Task, request: Request, places: Places) -> pd.DataFrame | None:
    """Return the images that are to be predicted, each looked at once.

    Labelled ones that shaped a run are refused or left out here, before any work is done.
    """
    if request.source is None:
        return None
    from fastmed.prediction.networks import readable

    skip_bad = bool(request.options.get("skip_bad", False))
    items = read_input(task, request.source, skip_bad)
    items = readable(items, task, skip_bad, bool(request.options.get("cache", True)))
    if not (items["target"] != "").any():
        return items
    for side in places.sides.values():
        for run in runs_of_side(side):
            what = str(request.source)
            items = unseen(run.lock, items, what, request.drop_seen, run.path.name)
    return items


def _predict(places: Places, path: Path, items: pd.DataFrame, request: Request) -> pd.DataFrame:
    """Return the predictions of a run, or of a family together."""
    note(f"{path} predicts {len(items)} images")
    place = places.sides[path].path
    if (place / FAMILY_FILE).is_file():
        from fastmed.families import predict_together

        return predict_together(place, items, **request.options)
    if place.is_file():
        raise RunError(
            f"{path} are predictions of held-out folds by several runs; name the runs, or families "
            "of one network each, to predict other images"
        )
    from fastmed.prediction.story import predict

    return predict(place, items, **request.options)


def _hidden(table: pd.DataFrame, task: Task) -> pd.DataFrame:
    """Return a table under pseudonyms, if the task wants them and it doesn't bear them yet."""
    if not task.pseudonymise or table["item"].str.fullmatch(_PSEUDONYM).all():
        return table
    found = table.assign(item=pseudonyms(table["item"]))
    return found.assign(group=pseudonyms(table["group"].fillna(""))) if "group" in table else found


def _labels(
    task: Task,
    file: Path | None,
    columns: Mapping[Path, Mapping[str, str]],
    read: pd.DataFrame | None,
) -> pd.DataFrame | None:
    if file is not None:
        table = labels_table(rows_of_file(file), columns[file], task, file)
        hidden = _hidden(table.reset_index(), task)
        return hidden.set_index("item")
    return None if read is None else read.set_index("item")[["target", "group"]]
