"""The folder of a run: what lies where in it."""

import datetime
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from fastmed.data.lock import LOCK_FILE, DataLock
from fastmed.data.metadata import MetadataEncoder
from fastmed.data.pseudonyms import write_items
from fastmed.data.tables import ROOT, read_table
from fastmed.errors import RunError, listed, nearest
from fastmed.files import read_info, write_json
from fastmed.network_files import within_run, without_folder
from fastmed.run.checkpoints import Checkpoint, checkpoint_of, checkpoints
from fastmed.run.checks import SEARCH_FILE, best_of_search, check_items, read_run_info
from fastmed.run.claim import is_claimed
from fastmed.run.places import claim_folder, relative_path
from fastmed.run.versions import package_versions
from fastmed.task import Task

if TYPE_CHECKING:
    from fastai.learner import Learner

FAMILY_FILE = "family.json"
# In run.json: what other weights have not.
_OF_WEIGHTS = ("cut_points", "scale", "calibration", "operating_points", "likeness", "inputs")


class Run:
    """The folder of one training.

    Attributes:
        path: the folder.
        info: the content of ``run.json``: status, versions, settings of the machine, statistics
            of the pixels, coding of metadata, cut points, calibration, best epoch.
        epoch: whose weights are meant; None means those of the best epoch.
    """

    def __init__(self, path: Path, info: dict[str, Any], epoch: int | None = None) -> None:
        self.path = path
        self.info = info
        self.epoch = epoch

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}, status={self.info.get('status')!r})"

    @classmethod
    def create(
        cls,
        runs: str | Path,
        task: Task,
        items: pd.DataFrame,
        name: str = "",
        family: Path | None = None,
    ) -> "Run":
        """Make a new folder ``runs/TASK/NAME`` with the task and the items.

        Args:
            name: of the folder; empty means the time and the backbone.
            family: the folder of a family of runs, in which the folder is made instead.

        Raises:
            RunError: a run of this name exists, or the folder can't be written.
        """
        arch = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(task.train.arch).stem)
        path = claim_folder(family or Path(runs) / task.name, name, arch)
        run = cls(path, {})
        write_json(path / "task.json", _with_arch(task, without_folder).model_dump(mode="json"))
        write_items(items, path / "items.csv")
        start = run_of_weights(task.train.weights) if task.train.weights else None
        lock = DataLock.of(items).with_earlier(start.lock if start else None)
        lock.write(path / LOCK_FILE)
        run.update(
            status="created",
            data_root=lock.root,
            created=datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds"),
            versions=package_versions(),
            data=relative_path(items.attrs[ROOT], path),
        )
        return run

    @classmethod
    def open(cls, path: str | Path) -> "Run":
        """Open an existing run; the folder of a search stands for its best run.

        Raises:
            RunError: the folder is missing or is no run; the nearest sibling is said.
        """
        path = Path(path)
        if not path.is_dir():
            siblings = [str(run.path) for run in list_runs(path.parent)]
            raise RunError(f"no run folder '{path}'{nearest(str(path), siblings)}")
        if (path / SEARCH_FILE).is_file():
            return cls(best := best_of_search(path), read_run_info(best / "run.json"))
        if (path / FAMILY_FILE).is_file():
            members = [file.parent.name for file in sorted(path.glob("*/run.json"))]
            raise RunError(f"'{path}' is a family of runs; take one of them: {listed(members)}")
        if not (path / "run.json").is_file():
            raise RunError(f"'{path}' is not a run: it has no run.json; `fastmed runs` lists runs")
        return cls(path, read_run_info(path / "run.json"))

    @classmethod
    def newest(cls, runs: str | Path = "runs", task: str = "") -> "Run":
        """Open the newest run below a folder, of one task or of any; of a search the best one."""
        found = [run for run in list_runs(runs) if not task or run.task_name == task]
        if not found:
            of_task = f" of task '{task}'" if task else ""
            raise RunError(f"no run{of_task} in '{runs}'; `fastmed train TASK` makes one")
        above = found[-1].path.parent
        return cls.open(above) if (above / SEARCH_FILE).is_file() else found[-1]

    def at(self, epoch: int) -> "Run":
        """Return the run with the weights of an epoch, from 1, and with results of their own.

        Every verb works on it as on the run itself.

        Raises:
            RunError: the weights of this epoch are not kept; it is said of which they are.
        """
        if epoch == self.info.get("best_epoch"):
            return Run(self.path, self.info)
        if not Checkpoint(self.path, epoch).weights.is_file():
            kept = listed([one.epoch for one in checkpoints(self.path)], 12) or "none"
            raise RunError(
                f"{self.path} keeps no weights of epoch {epoch}, only of {kept}; training with "
                "--save-every 1 keeps all of them"
            )
        info = {key: value for key, value in self.info.items() if key not in _OF_WEIGHTS}
        return Run(self.path, {**info, **self._results_at(epoch)}, epoch)

    def _results_at(self, epoch: int) -> dict[str, Any]:
        found: dict[str, Any] = self.info.get("epochs", {}).get(str(epoch), {})
        return found

    @property
    def status(self) -> str:
        """How far the training came; ``killed`` if it ended without being able to say so."""
        said = str(self.info.get("status", ""))
        begun = said in ("created", "training")
        return "killed" if begun and not is_claimed(self.path) else said

    @property
    def title(self) -> str:
        """The run, and the epoch if one is meant, as the user reads it."""
        return str(self.path) if self.epoch is None else f"{self.path}, epoch {self.epoch}"

    @property
    def results(self) -> Path:
        """The folder of predictions, scores and figures: the run's, or one of the epoch."""
        return self.path if self.epoch is None else self.path / self._kept.name

    @property
    def _kept(self) -> Checkpoint:
        return Checkpoint(self.path, self.epoch or 0)

    @property
    def task_name(self) -> str:
        """The name of the task, by the folder that the run, its family or its search lies in."""
        above = self.path.absolute().parent
        while any((above / file).is_file() for file in (FAMILY_FILE, SEARCH_FILE)):
            above = above.parent
        return above.name

    @property
    def task(self) -> Task:
        """The task as it was trained; a network that a file describes is the run's own copy."""
        file = self.path / "task.json"
        try:
            task = Task.model_validate(read_info(file))
            return _with_arch(task, lambda arch: within_run(arch, self.path))
        except ValueError:
            maker = self.info.get("versions", {}).get("fastmed", "unknown")
            raise RunError(f"{file} is no task to this fastmed; version {maker} made it") from None

    @property
    def items(self) -> pd.DataFrame:
        """Which images the run knows, with their parts; ``attrs['root']`` is the data folder."""
        items = read_table(self._file("items.csv"))
        check_items(items, self.path / "items.csv")
        items.attrs[ROOT] = str(self.data)
        return items

    @property
    def lock(self) -> DataLock:
        """Which images the run has seen, by what they are; of an older run as its items say it."""
        file = self.path / LOCK_FILE
        return DataLock.read(file) if file.is_file() else DataLock.of(self.items)

    @property
    def data(self) -> Path:
        """The data folder that the run was trained on; it may be gone."""
        if "data" not in self.info:
            raise RunError(f"{self.path / 'run.json'} does not say where the data are")
        return Path(os.path.normpath(self.path / self.info["data"]))

    @property
    def metadata(self) -> MetadataEncoder | None:
        """How the run codes metadata; None for a run without any."""
        return MetadataEncoder.from_json(self.info.get("meta")) if self.task.meta else None

    @property
    def weights(self) -> Path:
        """The weights of the best epoch, or of the one that is meant."""
        return self.path / "model.safetensors" if self.epoch is None else self._kept.weights

    @property
    def figures(self) -> Path:
        """The folder of figures."""
        return self.results / "figures"

    @property
    def history(self) -> pd.DataFrame:
        """One row an epoch: losses, metrics, learning rate, seconds."""
        file = self._file("history.csv")
        try:
            return pd.read_csv(file)
        except ValueError:
            raise RunError(f"{file} is not a table as fastmed writes it") from None

    def predictions_file(self, name: str) -> Path:
        """Return where the predictions of a part, or of a named input, are."""
        return self.results / "predictions" / f"{name}.csv"

    def predictions(self, name: str) -> pd.DataFrame:
        """Return saved predictions.

        Raises:
            RunError: there are none of this name.
        """
        file = self.predictions_file(name)
        if not file.is_file():
            raise RunError(f"{self.path} has no predictions of '{name}'; `fastmed predict` them")
        return read_table(file)

    def _file(self, name: str) -> Path:
        if not (self.path / name).is_file():
            raise RunError(f"{self.path} has no {name}: it is not a whole run")
        return self.path / name

    def update(self, **info: Any) -> None:
        """Add to ``run.json``; what is found with the weights of an epoch is kept by the epoch."""
        if self.epoch is not None:
            run = Run.open(self.path)
            own = {**run._results_at(self.epoch), **info}
            run.update(epochs={**run.info.get("epochs", {}), str(self.epoch): own})
        self.info = {**self.info, **info}
        if self.epoch is None:
            write_json(self.path / "run.json", self.info)

    def forget(self, *names: str) -> None:
        """Take something out of ``run.json``."""
        self.info = {key: value for key, value in self.info.items() if key not in names}
        self.update()

    def restore(self, device: str | None = None) -> "Learner":
        """Return the trained fastai Learner; needs neither the training data nor the network.

        Raises:
            RunError: the run has no weights, or they don't fit.
        """
        from fastmed.learn.restore import restore

        return restore(self, device)


def _with_arch(task: Task, change: Callable[[str], str]) -> Task:
    arch = change(task.train.arch)
    if arch == task.train.arch:
        return task
    return task.model_copy(update={"train": task.train.model_copy(update={"arch": arch})})


def run_of_weights(place: str | Path) -> Run | None:
    """Return the run whose weights a path means: its folder, or the weights of one of its epochs.

    None for any other file.

    Raises:
        RunError: the folder is no run.
    """
    path = Path(place)
    if path.is_dir():
        return Run.open(path)
    kept = checkpoint_of(path)
    return None if kept is None else Run.open(kept.run).at(kept.epoch)


def list_runs(runs: str | Path) -> list[Run]:
    """Return the runs below a folder, those of families among them, the oldest first."""
    patterns = ("*/run.json", "*/*/run.json", "*/*/*/run.json")
    files = [file for pattern in patterns for file in Path(runs).glob(pattern)]
    found = [Run.open(file.parent) for file in files]
    return sorted(found, key=lambda run: (run.info.get("created", ""), run.path))
