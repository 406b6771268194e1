"""The folder of a search: its plan, its trials, and what was found."""

import datetime
import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from fastmed.data.pseudonyms import located, write_items
from fastmed.data.store.cache import Cache
from fastmed.data.store.inspection import inspect_images
from fastmed.data.tables import ROOT, read_table, root_of
from fastmed.errors import DataError, RunError
from fastmed.files import read_info, write_json
from fastmed.learn.fitting.metrics import higher_is_better
from fastmed.run import SEARCH_FILE, Run
from fastmed.run.claim import held
from fastmed.run.places import check_name, claim_folder, relative_path
from fastmed.task import Task
from fastmed.training.sameness import differences
from fastmed.tuning.plan import Plan

KIND = "search"  # the name of the folder, if none is given
TRIALS, BEST = "trials.csv", "best.toml"
_BUSY = 30  # seconds that another process may take to begin
# Columns of items that are not the same everywhere: patients are pseudonyms of the machine's own.
_LOCAL = ("group", "decoder", "scaling", "note")


class Search:
    """The folder of a search: ``search.json``, the task, the items, and a folder for each run.

    Attributes:
        path: the folder.
        info: the content of ``search.json``: plan, status, best trial.
    """

    def __init__(self, path: Path, info: dict[str, Any]) -> None:
        self.path = path
        self.info = info

    def __repr__(self) -> str:
        return f"Search({str(self.path)!r}, status={self.info.get('status')!r})"

    @classmethod
    def open(cls, path: str | Path) -> "Search":
        """Open an existing search.

        Raises:
            RunError: the folder is missing or is no search.
        """
        file = Path(path) / SEARCH_FILE
        if not file.is_file():
            raise RunError(f"'{path}' is no search: it has no {SEARCH_FILE}")
        search = cls(Path(path), read_info(file))
        try:
            _ = search.plan, search.info["data"], search.info["id"], search.info["digest"]
        except (KeyError, TypeError):
            raise RunError(f"{file} is not as fastmed writes it") from None
        return search

    @classmethod
    def begin_or_join(
        cls, place: Path, task: Task, items: pd.DataFrame, plan: Plan, storage: str | None
    ) -> "Search":
        """Make the folder, or take the one that is there.

        Args:
            place: of the folder.
            task: with its space.
            items: of all trials.
            plan: of the search; the number of trials may differ from before.
            storage: where the trials are, as it may be written down; None is in the folder.

        Raises:
            RunError: something else has this name, or it is another search.
        """
        with _entry(place):
            if not place.exists():
                return cls._create(place, task, items, plan, storage)
            if not (place / SEARCH_FILE).is_file():
                raise RunError(f"'{place}' exists already; choose another --name")
            search = cls.open(place)
            if search.info.get("storage") != storage:
                known = search.info.get("storage") or "its own folder"
                raise RunError(
                    f"the search {place} keeps its trials in {known}; give the same --storage, or "
                    "choose another --name"
                )
            check_same(str(place), search.about, about_of(task, digest_of(items), plan))
            search.update(**asdict(plan))
            return search

    @classmethod
    def _create(
        cls, place: Path, task: Task, items: pd.DataFrame, plan: Plan, storage: str | None
    ) -> "Search":
        search = cls(claim_folder(place.parent, place.name, KIND), {})
        write_json(search.path / "task.json", task.model_dump(mode="json"))
        write_items(items, search.path / "items.csv")
        search.update(
            status="searching",
            created=datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds"),
            data=relative_path(root_of(items), search.path),
            digest=digest_of(items),
            id=secrets.token_hex(4),
            metric=task.select,
            direction="maximize" if higher_is_better(task.select) else "minimize",
            storage=storage,
            **asdict(plan),
        )
        return search

    @property
    def plan(self) -> Plan:
        """How the search goes about."""
        return Plan(**{name: self.info[name] for name in Plan.__dataclass_fields__})

    @property
    def task(self) -> Task:
        """The task with its space, before a trial's own settings.

        Raises:
            RunError: it is none to this fastmed.
        """
        file = self.path / "task.json"
        try:
            return Task.model_validate(read_info(file))
        except ValueError:
            raise RunError(
                f"{file} is no task to this fastmed; another version began the search"
            ) from None

    @property
    def items(self) -> pd.DataFrame:
        """The images of all trials; ``attrs['root']`` is the data folder."""
        items = read_table(self.path / "items.csv")
        items.attrs[ROOT] = str(self.data)
        return items

    @property
    def data(self) -> Path:
        """The data folder; it may be gone."""
        return Path(os.path.normpath(self.path / self.info["data"]))

    @property
    def best_is_least(self) -> bool:
        """True if a smaller value of the metric is better."""
        return self.info["direction"] == "minimize"

    @property
    def trials(self) -> pd.DataFrame:
        """A row for each trial: stage, state, value, and its settings; empty before the first."""
        file = self.path / TRIALS
        return pd.read_csv(file) if file.is_file() else pd.DataFrame()

    @property
    def best_run(self) -> Run:
        """The run of the best trial.

        Raises:
            RunError: no trial is finished.
        """
        return Run.open(self.path)

    @property
    def best_changes(self) -> dict[str, Any]:
        """The best settings, as `Task.with_changes` takes them."""
        changes: dict[str, Any] = self.info.get("best_changes", {})
        return changes

    @property
    def best_task(self) -> Task:
        """The task with the best settings."""
        return self.task.with_changes(self.best_changes)

    def update(self, **info: Any) -> None:
        """Add to ``search.json``, to which other processes may have added meanwhile."""
        file = self.path / SEARCH_FILE
        known = read_info(file) if file.is_file() else self.info
        self.info = {**known, **info}
        write_json(file, self.info)

    def forget(self, *names: str) -> None:
        """Take something out of ``search.json``."""
        self.info = {key: value for key, value in self.info.items() if key not in names}
        write_json(self.path / SEARCH_FILE, self.info)

    @property
    def about(self) -> dict[str, Any]:
        """What must be the same for trials to belong to this search."""
        return about_of(self.task, self.info["digest"], self.plan)

    def entry(self) -> AbstractContextManager[None]:
        """Hold what only one process may do at a time."""
        return _entry(self.path)


def digest_of(items: pd.DataFrame) -> str:
    """Return what tells whether two tables have the same images in the same parts."""
    columns = [name for name in items.columns if name not in _LOCAL]
    table = items[columns].sort_values("item").astype(str)
    return hashlib.sha256(table.to_csv(index=False).encode()).hexdigest()


def unchanged_items(search: Search) -> pd.DataFrame:
    """Return the images of a search, each of which has the bytes that it had.

    Raises:
        DataError: the folder or an image is gone, or has changed.
    """
    image = search.task.image
    if not search.data.is_dir():
        raise DataError(f"the data folder {search.data} of {search.path} is gone; put it back")
    items = located(search.items)
    kept = Cache(image) if search.info.get("cache", True) else None
    inspect_images(items, search.data, image, cache=kept)
    return items


def about_of(task: Task, digest: str, plan: Plan) -> dict[str, Any]:
    """Return what must be the same for trials to belong together."""
    return {"task": task.model_dump(mode="json"), "items": digest, **plan.fixed}


def place_of(runs: str | Path, task: Task, name: str) -> Path:
    """Return where the search of a task is, or is to be.

    Raises:
        RunError: the name can't be one of a folder.
    """
    check_name(name)
    return Path(runs) / task.name / name


def check_same(name: str, known: dict[str, Any], about: dict[str, Any]) -> None:
    """Refuse trials that don't belong to a search.

    Raises:
        RunError: says what is other than it was.
    """
    found = differences(known, about)
    for key, (old, new) in sorted(found.items(), key=lambda pair: pair[0] == "items"):
        if key == "items":
            raise RunError(
                f"the search {name} was begun with other images, or other parts of them; put the "
                "old ones back, or choose another --name"
            )
        raise RunError(
            f"the search {name} was begun with {key.removeprefix('task.')} = {old}, and now it is "
            f"{new}; take the old one, or choose another --name"
        )


@contextmanager
def _entry(place: Path) -> Iterator[None]:
    """Wait for other processes that do what only one may do at a time, and hold them off."""
    place.parent.mkdir(parents=True, exist_ok=True)
    lock = place.with_name(f".{place.name}.lock")
    refusal = f"another process has been beginning {place} for {_BUSY} seconds; try again"
    end = time.monotonic() + _BUSY
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(held(lock, refusal))
                break
            except RunError as error:
                if str(error) != refusal or time.monotonic() > end:
                    raise
                time.sleep(0.1)
        yield
