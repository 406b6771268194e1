"""What is wished of an ensemble; a wish without effect is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, get_args

import numpy as np

from fastmed.ensembles.kept import Kept, read_kept
from fastmed.ensembles.methods import METHODS
from fastmed.errors import TaskError, listed, nearest
from fastmed.settings.predict import Average
from fastmed.task import Task


@dataclass(frozen=True)
class EnsembleWishes:
    """How members are to become one.

    Attributes:
        method: ``vote``, ``mean``, ``weighted`` or ``stack``.
        weights: of the members, in their order, for ``weighted``.
        weight_by: the score of the validation parts that makes the weights instead.
        average: ``probabilities`` or ``logits``, for means of categories.
        calibrate: fit a mean on the validation part that the members have in common.
        cut_points: of grades, for means; None fits them, or takes what is known.
        missing: what becomes of images that a member has not predicted.
        kept: what was fitted before, which all but ``missing`` comes from; None fits anew.
    """

    method: str = "mean"
    weights: Sequence[float] | None = None
    weight_by: str | None = None
    average: Average | None = None
    calibrate: bool = True
    cut_points: Sequence[float] | None = None
    missing: str = "refuse"
    kept: Kept | None = None

    def __post_init__(self) -> None:
        """Refuse what would do nothing.

        Raises:
            TaskError: says which option, and why.
        """
        if self.method not in METHODS:
            close = nearest(self.method, METHODS) or f"; there are {listed(METHODS)}"
            raise TaskError(f"no method '{self.method}'{close}")
        means = self.method in ("mean", "weighted")
        idle = {
            "--weights": self.weights is not None and self.method != "weighted",
            "--weight-by": self.weight_by is not None and self.method != "weighted",
            "--average": self.average is not None and not means,
            "--uncalibrated": not self.calibrate and not means,
            "--cut-points": self.cut_points is not None and not means,
        }
        for option in (option for option, useless in idle.items() if useless):
            raise TaskError(f"{option} has no effect with --method {self.method}")
        if self.weights is not None and self.weight_by is not None:
            raise TaskError("--weights and --weight-by both say how members are weighed; take one")
        if self.average not in (None, *get_args(Average)):
            raise TaskError(f"--average {self.average} is none of {listed(get_args(Average))}")
        if self.missing == "fewer" and self.method == "stack":
            raise TaskError("stacking needs what every member says; take --missing drop")

    @classmethod
    def from_file(cls, file: str | Path, missing: str, others: Mapping[str, object]) -> Self:
        """Return the wishes that an ensemble was fitted by, and what it was fitted to be.

        Args:
            file: ``NAME.ensemble.json``.
            missing: as of the class.
            others: options by name, which all come from the file.

        Raises:
            TaskError: one of them is given. DataError: the file is not as fastmed writes it.
        """
        for name in (name for name, value in others.items() if value):
            option = "uncalibrated" if name == "calibrate" else name.replace("_", "-")
            raise TaskError(f"--{option} has no effect with --fitted, which says all of it")
        kept = read_kept(Path(file))
        return cls(kept.method, missing=missing, kept=kept)

    @property
    def fits(self) -> bool:
        """True if anything is fitted on validation parts."""
        if self.kept is not None:
            return False
        if self.method == "stack" or (self.method == "weighted" and self.weights is None):
            return True
        return self.method in ("mean", "weighted") and self.calibrate

    def check_part(self, part: str) -> None:
        """Refuse to fit on the part that is predicted.

        Raises:
            TaskError: says what to do.
        """
        if part == "valid" and self.fits:
            way = "take --method vote" if self.method == "stack" else "add --uncalibrated"
            way += ", and give --weights" * (self.method == "weighted" and self.weights is None)
            raise TaskError(
                f"--method {self.method} fits on the validation part, and can't be tried on it; "
                f"{way}"
            )

    def check_task(self, task: Task) -> None:
        """Refuse what the task has no use for.

        Raises:
            TaskError: says which option, and why.
        """
        if task.goal == "category" and self.cut_points is not None:
            raise TaskError("--cut-points has no effect on categories")
        if task.goal == "grade" and self.average == "logits" and not task.ordinal:
            raise TaskError("--average logits has no effect on grades, whose values are averaged")
        needed = len(task.classes) - 1
        if self.cut_points is not None and (
            len(self.cut_points) != needed
            or not np.isfinite(self.cut_points).all()
            or (np.diff(self.cut_points) < 0).any()
        ):
            raise TaskError(
                f"--cut-points of {len(task.classes)} grades are {needed} ascending numbers"
            )
