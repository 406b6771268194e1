"""A data set from Kaggle or from archives, put where a task looks for it: whole, or not at all."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from fastmed import console
from fastmed.data.fetching import kaggle
from fastmed.data.fetching.archives import Allowance, Limits, allowance_for, names_of_zip, unpack
from fastmed.data.fetching.arrangement import Arrangement, arrange, is_there, may_hold, needed
from fastmed.data.fetching.mismatch import mismatch
from fastmed.data.fetching.unpacking import copy_folder, is_archive, lift_doubles, unpack_inner
from fastmed.data.layouts.places import files_below, hidden, relative
from fastmed.errors import DataError, listed, nearest
from fastmed.settings.sources import AnySource
from fastmed.task import Task

ORIGINS = ("main", "extra")


class Way(NamedTuple):
    """How the data of one source are had.

    Attributes:
        origin: ``main`` or ``extra``.
        source: as the task describes it.
        place: an archive or folder; None where Kaggle has the data.
        handle: the name on Kaggle.
    """

    origin: str
    source: AnySource
    place: Path | None
    handle: str = ""


def fetch(
    task: Task,
    folder: str | Path,
    archives: Mapping[str, str | Path] | None = None,
    limits: Limits | None = None,
) -> Path:
    """Put the data set of a task into a folder, as the task lays it out, and return the folder.

    What is there already is not fetched again. All is unpacked and checked beside the folder, and
    put into it at the end.

    Args:
        folder: new, empty, or with the data of the source in it.
        archives: ``main`` and ``extra`` -> zip or tar file, or folder; None asks Kaggle.
        limits: of what an archive may hold.

    Raises:
        DataError: there is no way to the data, an archive can't be unpacked or doesn't hold what
            the task expects, the folder holds something else, or the disk is full.
    """
    folder = Path(folder)
    ways = _ways(task, folder, archives or {})
    if not ways:
        console.note(f"{folder} has the data of task '{task.name}' already: nothing to do")
        return folder
    _check_free(folder, ways[0], task)
    with _draft(folder) as draft:
        (draft / "data").mkdir()
        for way in ways:
            if is_there(way.source, draft / "data", task.classes):
                console.note(f"{way.origin}: came with the main images")
                continue
            place = way.place or _download(task, way)
            found = _open_up(task, way, place, draft / way.origin, limits)
            _move(found, draft / way.origin, draft / "data", folder)
            _tell(way, place, found)
        _put(draft / "data", folder)
    console.note(f"Data of task '{task.name}' are in {folder}")
    _tell_of_extra(task, folder)
    return folder


def parse_archives(texts: Sequence[str]) -> dict[str, Path]:
    """Return the archives of ``main=FILE`` and ``extra=FILE``.

    Raises:
        DataError: something else is given, or one of them twice.
    """
    archives: dict[str, Path] = {}
    for text in texts:
        origin, equals, place = text.partition("=")
        if not equals or not place or origin not in ORIGINS:
            close = nearest(origin, ORIGINS) if equals else ""
            raise DataError(f"'{text}' is no archive; expected main=FILE or extra=FILE{close}")
        if origin in archives:
            raise DataError(f"the archive of the {origin} images is given twice")
        archives[origin] = Path(place)
    return archives


def _ways(task: Task, folder: Path, archives: Mapping[str, str | Path]) -> list[Way]:
    """Return how to get to each part of the data that is not there yet."""
    sources = {"main": task.source} | ({"extra": task.extra} if task.extra else {})
    for origin, place in archives.items():
        _check_archive(task, origin, Path(place), sources)
    given = {origin: (Path(place), "") for origin, place in archives.items()}
    named = dict(zip(ORIGINS, ((None, handle) for handle in task.fetch.kaggle), strict=False))
    missing = [name for name, one in sources.items() if not is_there(one, folder, task.classes)]
    known = given or named
    if "main" in missing and "main" not in known:
        raise DataError(_no_way(task, bool(given)))
    return [Way(name, sources[name], *known[name]) for name in missing if name in known]


def _check_archive(task: Task, origin: str, place: Path, sources: Mapping[str, object]) -> None:
    if origin not in sources:
        raise DataError(
            f"task '{task.name}' has no {origin} images; expected {listed(sources)}"
            f"{nearest(origin, sources)}"
        )
    if not place.is_file() and not place.is_dir():
        raise DataError(f"there is no file or folder {place}")
    if place.suffix.lower() == ".npz":
        raise DataError(
            f"{place} is a file of arrays and no archive; put it into the data folder as it is"
        )


def _no_way(task: Task, some_given: bool) -> str:
    if some_given:
        return (
            "the main images are not there yet; give their archive, too, with --archive main=FILE"
        )
    where = task.fetch.by_hand or "its task file names no page of Kaggle (fetch.kaggle)"
    return (
        f"the data of task '{task.name}' can't be downloaded by a command: {where}; give what you "
        f"have with `fastmed fetch {task.name} --archive main=FILE`"
    )


def _check_free(folder: Path, way: Way, task: Task) -> None:
    """Refuse a folder that holds something, but not the data of the source."""
    if folder.exists() and not folder.is_dir():
        raise DataError(f"'{folder}' is a file; expected a folder for the data")
    empty = not folder.is_dir() or all(hidden(path) for path in folder.iterdir())
    if way.origin == "main" and not empty:
        what = listed(sorted(needed(way.source))) or "folders of classes"
        raise DataError(
            f"'{folder}' is not empty, and has not the {what} of task '{task.name}'; choose a new "
            "folder with --data DIR"
        )


def _download(task: Task, way: Way) -> Path:
    try:
        return kaggle.download(way.handle)
    except DataError as error:
        raise DataError(
            f"{error}; or download {kaggle.page_of(way.handle)} by hand and run "
            f"`fastmed fetch {task.name} --archive {way.origin}=FILE`"
        ) from None


def _open_up(task: Task, way: Way, place: Path, top: Path, limits: Limits | None) -> Arrangement:
    """Unpack or copy, and find what the task wants."""
    allowance = allowance_for(place, top, limits)
    if place.is_dir():
        copy_folder(place, top, linked=bool(way.handle))
    else:
        _refuse_early(task, way, place, allowance)
        unpack(place, top, allowance)
    found = _find(task, way, place, top)
    if found is None and unpack_inner(top, place, allowance):
        found = _find(task, way, place, top)
    if found is None:
        paths = [relative(file, top) for file in files_below(top)]
        raise DataError(mismatch(task, way.origin, place, paths, top))
    return found


def _find(task: Task, way: Way, place: Path, top: Path) -> Arrangement | None:
    lift_doubles(top)
    try:
        return arrange(way.source, top, task.classes)
    except DataError as error:
        raise DataError(str(error).replace(str(top), str(place))) from None


def _refuse_early(task: Task, way: Way, place: Path, allowance: Allowance) -> None:
    """Refuse a zip file whose names tell that it holds something else, before it is unpacked."""
    paths = names_of_zip(place, allowance)
    if paths is None or any(is_archive(path) for path in paths):
        return
    if not may_hold(way.source, task.classes, paths):
        raise DataError(mismatch(task, way.origin, place, paths))


def _move(found: Arrangement, top: Path, data: Path, folder: Path) -> None:
    """Move what was found to its place; what is spare gives way to what is there already."""
    for place, target in [*found.moves.items(), *found.spare.items()]:
        if (data / target).exists() or (folder / target).exists():
            if place in found.spare:
                console.note(f"Left out '{place}': there is a '{target}' already")
                continue
            raise DataError(
                f"there is a '{target}' with other images already; give it another name in the task"
            )
        (data / target).parent.mkdir(parents=True, exist_ok=True)
        (top / place).rename(data / target)


def _tell_of_extra(task: Task, folder: Path) -> None:
    if task.extra is not None and not is_there(task.extra, folder, task.classes):
        console.note(
            f"The extra images are not there; `fastmed fetch {task.name} --archive extra=FILE` "
            "adds them, and training goes on without them until then"
        )


def _tell(way: Way, place: Path, found: Arrangement) -> None:
    if found.found < found.wanted:
        console.warn(
            f"{way.origin}: {found.wanted - found.found:,} of the {found.wanted:,} images that the "
            f"table names are not in {place}"
        )
    elif found.found:
        console.note(f"{way.origin}: {found.found:,} images from {place}")
    if found.left_out:
        console.note(f"{way.origin}: left out {listed(found.left_out)}")


def _put(data: Path, folder: Path) -> None:
    """Put what is finished into the place of the data folder, or beside what that has."""
    target = folder.resolve()
    if target.is_dir() and not any(target.iterdir()):
        target.rmdir()
    if not target.exists():
        data.rename(target)
        return
    tables_last = sorted(data.iterdir(), key=lambda path: (path.is_file(), path.name))
    try:
        for path in tables_last:
            path.rename(target / path.name)
    except BaseException:
        for path in tables_last:
            if not path.exists():
                (target / path.name).rename(path)
        raise


@contextmanager
def _draft(folder: Path) -> Iterator[Path]:
    """Lend a hidden folder beside the data folder, which is gone afterwards."""
    target = folder.resolve()
    draft = target.with_name(f".{target.name}.fetch")
    above = [path for path in draft.parents if not path.exists()]
    try:
        draft.parent.mkdir(parents=True, exist_ok=True)
        draft.mkdir()
    except FileExistsError:
        raise DataError(
            f"{draft} is there: another command fetches into {folder}, or one was killed; if none "
            "is running, delete it"
        ) from None
    try:
        yield draft
    except OSError as error:
        raise DataError(f"can't write {folder}: {(error.strerror or str(error)).lower()}") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        for path in above:
            with suppress(OSError):
                path.rmdir()
