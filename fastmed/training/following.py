"""What the main one of several processes gives to those that follow it through a training.

Those need no run folder: they work in a folder of their own, which is gone afterwards.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import gethostname
from tempfile import TemporaryDirectory

import pandas as pd

from fastmed.data.store.cache import Cache
from fastmed.data.store.inspection import inspect_images
from fastmed.data.tables import ROOT, read_table, root_of, write_table
from fastmed.errors import DataError, TaskError
from fastmed.files import read_info
from fastmed.learn.distributed.team import team
from fastmed.run import Run
from fastmed.run.checkpoints import Checkpoint
from fastmed.run.places import relative_path
from fastmed.run.versions import package_versions
from fastmed.settings.image import ImageSettings
from fastmed.task import Task

_OF_A_RUN = ("run.json", "task.json", "items.csv", "network.py", "hub/config.json", "loss.py")


def check_start(task: Task) -> None:
    """Refuse processes that were started differently, or a batch that can't be shared out.

    Raises:
        TrainingError: settings or versions differ. TaskError: says which batch to take.
    """
    count, batch = team().count, task.train.batch
    team().check_same({"settings": task.model_dump(mode="json"), "versions": package_versions()})
    if count > 1 and (batch % count or batch < 2 * count):
        raise TaskError(
            f"train.batch = {batch} is shared out to {count} processes, two images or more to each "
            f"and the same number to all; take {max(2 * count, batch - batch % count)}"
        )


def shared_items(
    read: Callable[[], pd.DataFrame], settings: ImageSettings, root: Path, cache: bool
) -> pd.DataFrame:
    """Return the items that the main process reads, on all processes.

    On each other machine one process looks at the images, which have to be the same, bit for bit.

    Args:
        read: reads the items; only the main process calls it.
        settings: how images are read. root: of their paths. cache: keep decoded images.

    Raises:
        DataError: an image is missing on another machine, or is another.
    """
    if team().count == 1:
        return read()
    items = _given_table(read) if team().main else _taken_table(root)
    if not team().main:
        _look_here(items, settings, cache)
    team().wait_for_all()
    return items


def _look_here(items: pd.DataFrame, settings: ImageSettings, cache: bool) -> None:
    """Look at the images of this machine, if no other process here does; they go into its cache."""
    if team().seat.local_rank:
        return
    try:
        if not root_of(items).is_dir():
            raise DataError(f"there is no data folder {root_of(items)}")
        inspect_images(items, root_of(items), settings, cache=Cache(settings) if cache else None)
    except DataError as error:
        raise DataError(f"on {gethostname()}: {error}") from None


@contextmanager
def own_place(runs: str | Path, family: Path | None) -> Iterator[tuple[str | Path, Path | None]]:
    """Give the folders to make a run in: as they are, or passing ones on a process that follows."""
    if team().main:
        yield runs, family
        return
    with TemporaryDirectory(prefix="fastmed-") as folder:
        yield folder, None


def give_run(run: Run, kept: Checkpoint | None) -> None:
    """Give what a run goes on with to the processes that follow.

    Args:
        kept: the checkpoint that it goes on from; None if it begins again.
    """
    if team().count == 1:
        return
    files = [run.path / name for name in _OF_A_RUN]
    files += [kept.weights, kept.state, kept.info] if kept else []
    there = [file for file in files if file.is_file()]
    names = [file.relative_to(run.path).as_posix() for file in there]
    team().share({"names": names, "data": str(run.data.absolute())})
    for file in there:
        team().share_bytes(file.read_bytes())


@contextmanager
def taken_run() -> Iterator[Run]:
    """Give a passing copy of the run that the main process goes on with."""
    with TemporaryDirectory(prefix="fastmed-") as folder:
        given = team().share()
        for name in given["names"]:
            file = Path(folder) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(team().share_bytes())
        run = Run.open(folder)
        run.update(data=relative_path(given["data"], run.path))
        yield run


def run_of_all(run: Run) -> Run:
    """Return the main process's run, on all processes, when it is finished."""
    known = team().share([str(run.path), read_info(run.path / "run.json")])
    return run if team().main else Run(Path(known[0]), known[1])


def _given_table(read: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    items = read()
    with TemporaryDirectory(prefix="fastmed-") as folder:
        write_table(items, Path(folder) / "items.csv")
        team().share_bytes((Path(folder) / "items.csv").read_bytes())
    return items


def _taken_table(root: Path) -> pd.DataFrame:
    with TemporaryDirectory(prefix="fastmed-") as folder:
        file = Path(folder) / "items.csv"
        file.write_bytes(team().share_bytes())
        items = read_table(file)
    items.attrs[ROOT] = str(root)
    return items
