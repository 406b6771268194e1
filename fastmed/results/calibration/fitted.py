"""What was fitted on a run's validation part: kept in the run, read again, and fitted anew."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fastmed.console import warn
from fastmed.data.balance import class_shares
from fastmed.data.tables import grades_of, read_table, score_columns, write_table
from fastmed.errors import RunError, TaskError
from fastmed.grades import round_points
from fastmed.results.calibration.prevalence import read_prevalence
from fastmed.results.calibration.probabilities import Calibration, Shares
from fastmed.run import Run
from fastmed.task import Task

ROUNDED_SCALE = 0.25  # of grades whose values are rounded


@dataclass(frozen=True)
class Validation:
    """The outputs of a network on its validation part, which everything is fitted on.

    Attributes:
        table: ``item``, ``group``, ``target``, and ``value`` or the score of each class as the
            network gives them, before anything is fitted.
        task: of the run.
    """

    table: pd.DataFrame
    task: Task

    @classmethod
    def of(cls, task: Task, items: pd.DataFrame, outputs: np.ndarray) -> "Validation":
        """Return the outputs (n, K) or (n,) of items, in their order."""
        table = items[["item", "group", "target"]].reset_index(drop=True)
        columns = ["value"] if outputs.ndim == 1 else score_columns(task.classes)
        table[columns] = outputs.reshape(len(items), -1)
        return cls(table, task)

    @property
    def outputs(self) -> np.ndarray:
        """Probabilities (n, K), or values of plain grades (n,)."""
        if "value" in self.table:
            return self.table["value"].to_numpy(dtype=float)
        return self.table[score_columns(self.task.classes)].to_numpy(dtype=float)

    @property
    def true(self) -> np.ndarray:
        """The positions of the true classes, (n,); -1 where there is none."""
        return grades_of(self.table["target"], self.task.classes)

    @property
    def digest(self) -> str:
        """SHA-256 of the names and classes of the rows."""
        return rows_digest(self.table)


def shares_of(run: Run) -> Shares:
    """Return the shares of the classes in a run's training part."""
    return Shares(*class_shares(run.items, run.task.balance, run.task.classes))


def rows_digest(table: pd.DataFrame) -> str:
    """Return the SHA-256 of the names and classes of rows, by which they are known again."""
    rows = zip(table["item"], table["target"], strict=True)
    return hashlib.sha256("".join(f"{a}\0{b}\n" for a, b in rows).encode()).hexdigest()


def validation_file(run: Run) -> Path:
    """Return where the outputs of the validation part are kept."""
    return run.results / "calibration.csv"


def validation_of(run: Run) -> Validation:
    """Return the outputs of a run's validation part, without any prediction.

    Raises:
        RunError: there are none, or not those that the run was calibrated with.
    """
    file = validation_file(run)
    if not file.is_file():
        raise RunError(
            f"{run.title} has no outputs of its validation part to fit this on; {_mended(run)}"
        )
    found = Validation(read_table(file), run.task)
    needed = {"item", "target"} | (set() if "value" in found.table else set(_scores(run.task)))
    if not needed <= set(found.table.columns) or not np.isfinite(found.outputs).all():
        raise RunError(f"{file} is not as fastmed writes it; {_mended(run)}")
    if found.digest != run.info.get("calibration", {}).get("rows_sha256"):
        raise RunError(f"{file} has other rows than the run was calibrated with; {_mended(run)}")
    return found


def _scores(task: Task) -> list[str]:
    return score_columns(task.classes)


def keep_fitted(run: Run, validation: Validation, fitted: Calibration, **more: Any) -> None:
    """Keep what was fitted on the validation part, and the outputs that it was fitted on.

    Args:
        run: of the validation part.
        validation: its outputs.
        fitted: on them.
        more: what else is kept in ``run.json``.
    """
    write_table(validation.table, validation_file(run))
    known = validation.true >= 0
    found: dict[str, Any] = {"n": int(known.sum()), "rows_sha256": validation.digest}
    plain = validation.outputs.ndim == 1
    if validation.task.predict.calibrate and not plain:
        found["temperature"] = fitted.temperature
    for name in ("weights", "shares"):
        value = getattr(fitted, name)
        if value is not None:
            found[name] = value.tolist()
    if fitted.cut_points is not None:
        more["cut_points"] = fitted.cut_points.tolist()
        more |= {"scale": fitted.scale} if plain else {}
    run.update(calibration=found, **more)


def fitted_of(run: Run) -> Calibration:
    """Return how the outputs of a run become probabilities and decisions.

    A run from before there were calibrations, or that was stopped, has the probabilities of its
    network, and a note says so.

    Raises:
        RunError: what ``run.json`` says doesn't fit the task.
    """
    task, found = run.task, run.info.get("calibration", {})
    if not found and (task.goal == "category" or task.ordinal):
        warn(f"{run.title} has no calibration ({_reason(run)}): scores are the network's own")
    weights, shares = (_numbers(run, name) for name in ("weights", "shares"))
    cut_points, scale = None, 1.0
    if task.goal == "grade":
        cut_points, scale = _grading(run)
    temperature = found.get("temperature", 1.0)
    return Calibration(temperature, weights, shares, None, cut_points, scale)


def calibration_of(
    run: Run, calibrate: bool = True, prevalence: str | Mapping[str, float] | None = None
) -> Calibration:
    """Return how the outputs of a run become what the user wants to see.

    Args:
        run: with what was fitted on its validation part.
        calibrate: False takes the probabilities of the network itself.
        prevalence: shares of the classes where the images come from; None leaves them.

    Raises:
        RunError: what ``run.json`` says doesn't fit the task. DataError: the shares are none.
        TaskError: ``calibrate`` has no effect.
    """
    return adjusted(fitted_of(run), run.task, calibrate, prevalence)


def adjusted(
    fitted: Calibration,
    task: Task,
    calibrate: bool = True,
    prevalence: str | Mapping[str, float] | None = None,
) -> Calibration:
    """Return a calibration without its temperature, or at other shares, as `calibration_of`."""
    if not calibrate:
        fitted = _bare(fitted, task)
    if prevalence is None:
        return fitted
    return fitted.at_prevalence(read_prevalence(prevalence, task.classes, fitted.shares))


def check_uncalibrated(task: Task) -> None:
    """Refuse to leave out a calibration where there is nothing before it.

    Raises:
        TaskError: the network gives values of grades, and no probabilities.
    """
    if task.goal == "grade" and not task.ordinal:
        raise TaskError(
            "--uncalibrated has no effect here: the network gives a value, and there are no "
            "probabilities of grades before they are fitted"
        )


def _bare(fitted: Calibration, task: Task) -> Calibration:
    check_uncalibrated(task)
    shares = fitted.shares
    if shares is not None and fitted.weights is not None:
        shares = shares * fitted.weights / (shares * fitted.weights).sum()
    return Calibration(shares=shares, cut_points=fitted.cut_points)


def _grading(run: Run) -> tuple[np.ndarray, float]:
    classes = len(run.task.classes)
    if "cut_points" not in run.info:
        warn(f"{run.title} has no cut points ({_reason(run)}): values are rounded")
        return round_points(classes), ROUNDED_SCALE
    points = np.array(run.info["cut_points"], dtype=float)
    if len(points) != classes - 1 or (np.diff(points) < 0).any():
        raise RunError(
            f"{run.path / 'run.json'} is not as fastmed writes it: {classes} grades have "
            f"{classes - 1} ascending cut points"
        )
    return points, float(run.info.get("scale", 1.0))


def _numbers(run: Run, name: str) -> np.ndarray | None:
    """Return what the calibration says of each class, (K,)."""
    told = run.info.get("calibration", {}).get(name)
    if told is None:
        return None
    if len(told) != len(run.task.classes):
        raise RunError(
            f"{run.path / 'run.json'} is not as fastmed writes it: calibration.{name} has "
            f"{len(told)} numbers for {len(run.task.classes)} classes"
        )
    return np.array(told, dtype=float)


def _reason(run: Run) -> str:
    if "adopted" in run.info:
        return "adopted without images to fit it on, as --valid gives them"
    return f"stopped early, or trained by an older fastmed; {_mended(run)}"


def _mended(run: Run) -> str:
    if "adopted" in run.info and (run.items["split"] != "valid").all():
        return "`fastmed adopt --valid INPUT` fits it"
    epoch = "" if run.epoch is None else f" --epoch {run.epoch}"
    return f"`fastmed evaluate {run.path}{epoch} --split valid` fits it"
