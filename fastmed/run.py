"""A run: a folder with fixed file names that holds everything a training left behind."""

import datetime
import os
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from fastmed.data.metadata import MetadataEncoder
from fastmed.data.tables import ROOT, read_table, write_table
from fastmed.errors import RunError, listed, nearest
from fastmed.files import read_info, write_json
from fastmed.task import Task

if TYPE_CHECKING:
    from fastai.learner import Learner

FAMILY_FILE = "family.json"
PACKAGES = (
    "fastmed", "fastai", "torch", "timm", "numpy", "pandas", "scikit-learn", "pydicom", "pillow",
    "opencv-python-headless", "pylibjpeg-openjpeg", "pylibjpeg-rle", "pyjpegls",
)  # fmt: skip


class Run:
    """The folder of one training.

    Attributes:
        path: the folder.
        info: the content of ``run.json``: status, versions, settings of the machine, statistics
            of the pixels, coding of metadata, cut points, best epoch.
    """

    def __init__(self, path: Path, info: dict[str, Any]) -> None:
        self.path = path
        self.info = info

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
        write_json(path / "task.json", task.model_dump(mode="json"))
        write_table(items, path / "items.csv")
        run.update(
            status="created",
            created=datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds"),
            versions=package_versions(),
            data=relative_path(items.attrs[ROOT], path),
        )
        return run

    @classmethod
    def open(cls, path: str | Path) -> "Run":
        """Open an existing run.

        Raises:
            RunError: the folder is missing or is no run; the nearest sibling is said.
        """
        path = Path(path)
        if not path.is_dir():
            siblings = [str(run.path) for run in list_runs(path.parent)]
            raise RunError(f"no run folder '{path}'{nearest(str(path), siblings)}")
        if (path / FAMILY_FILE).is_file():
            members = [file.parent.name for file in sorted(path.glob("*/run.json"))]
            raise RunError(f"'{path}' is a family of runs; take one of them: {listed(members)}")
        if not (path / "run.json").is_file():
            raise RunError(f"'{path}' is not a run: it has no run.json; `fastmed runs` lists runs")
        return cls(path, _read_info(path / "run.json"))

    @classmethod
    def newest(cls, runs: str | Path = "runs", task: str = "") -> "Run":
        """Open the newest run below a folder, of one task or of any."""
        found = [run for run in list_runs(runs) if not task or run.task_name == task]
        if not found:
            of_task = f" of task '{task}'" if task else ""
            raise RunError(f"no run{of_task} in '{runs}'; `fastmed train TASK` makes one")
        return found[-1]

    @property
    def task_name(self) -> str:
        """The name of the task, by the folder that the run, or its family, lies in."""
        above = self.path.absolute().parent
        return above.parent.name if (above / FAMILY_FILE).is_file() else above.name

    @property
    def task(self) -> Task:
        """The task as it was trained."""
        file = self.path / "task.json"
        try:
            return Task.model_validate(read_info(file))
        except ValueError:
            maker = self.info.get("versions", {}).get("fastmed", "unknown")
            raise RunError(f"{file} is no task to this fastmed; version {maker} made it") from None

    @property
    def items(self) -> pd.DataFrame:
        """Which images the run knows, with their parts; ``attrs['root']`` is the data folder."""
        items = read_table(self._file("items.csv"))
        _check_items(items, self.path / "items.csv")
        items.attrs[ROOT] = str(self.data)
        return items

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
        """The weights of the best epoch."""
        return self.path / "model.safetensors"

    @property
    def figures(self) -> Path:
        """The folder of figures."""
        return self.path / "figures"

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
        return self.path / "predictions" / f"{name}.csv"

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
        """Add to ``run.json``."""
        self.info = {**self.info, **info}
        write_json(self.path / "run.json", self.info)

    def restore(self, device: str | None = None) -> "Learner":
        """Return the trained fastai Learner; needs neither the training data nor the network.

        Raises:
            RunError: the run has no weights, or they don't fit.
        """
        from fastmed.learn.restore import restore

        return restore(self, device)


def list_runs(runs: str | Path) -> list[Run]:
    """Return the runs below a folder, those of families among them, the oldest first."""
    patterns = ("*/run.json", "*/*/run.json", "*/*/*/run.json")
    files = [file for pattern in patterns for file in Path(runs).glob(pattern)]
    found = [Run.open(file.parent) for file in files]
    return sorted(found, key=lambda run: (run.info.get("created", ""), run.path))


def package_versions() -> dict[str, str]:
    """Return the installed versions of the packages that a result depends on."""
    return {name: _version(name) for name in PACKAGES}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


class _Info(BaseModel):
    """What ``run.json`` holds of what is counted with; a run may come from anywhere."""

    model_config = ConfigDict(extra="allow", strict=True)

    created: str = ""
    status: str = ""
    data: str = "."
    versions: dict[str, str] = Field(default_factory=dict)
    inputs: dict[str, str] = Field(default_factory=dict)
    mean: list[FiniteFloat] = Field([0.0], min_length=1, max_length=3)
    std: list[FiniteFloat] = Field([1.0], min_length=1, max_length=3)
    cut_points: list[FiniteFloat] = Field(default_factory=list)
    scale: FiniteFloat = Field(1.0, gt=0)


def _read_info(file: Path) -> dict[str, Any]:
    info = read_info(file)
    try:
        _Info.model_validate(info)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"]))
        raise RunError(
            f"{file} is not as fastmed writes it: {where}, {problem['msg'].lower()}"
        ) from None
    return info


def _check_items(items: pd.DataFrame, file: Path) -> None:
    """Refuse a table that is none of items, or that leads out of the data folder."""
    missing = [name for name in ("item", "image", "target", "split") if name not in items.columns]
    if missing:
        raise RunError(f"{file} has no column {listed(missing)}: it is not a whole run")
    for image in items["image"]:
        if PurePosixPath(image).is_absolute() or ".." in PurePosixPath(image).parts:
            raise RunError(f"{file}: '{image}' leads out of the data folder")


def claim_folder(parent: Path, name: str, kind: str) -> Path:
    """Make the new folder of a run or a family of runs.

    Args:
        name: of the folder; empty means the time and ``kind``, and a number if that is taken.

    Raises:
        RunError: the name is taken, or can't be one, or the folder can't be written.
    """
    default = f"{datetime.datetime.now():%Y%m%d-%H%M%S}-{kind}"
    if name and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        raise RunError(f"the name '{name}' may hold only letters, digits, '.', '_' and '-'")
    candidates = [name] if name else [default, *(f"{default}-{n}" for n in range(2, 100))]
    for candidate in candidates:
        try:
            (parent / candidate).mkdir(parents=True)
            return parent / candidate
        except FileExistsError:
            continue
        except OSError as error:
            raise RunError(f"can't make a run folder in {parent}: {error.strerror}") from None
    raise RunError(f"a run '{parent / candidates[0]}' exists already; choose another --name")


def relative_path(path: str | Path, start: Path) -> str:
    """Return a path that stays right when both folders move together, and names no user."""
    try:
        return Path(os.path.relpath(path, start)).as_posix()
    except ValueError:
        return Path(path).resolve().as_posix()
