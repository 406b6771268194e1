"""What scores are asked for beside the predictions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from fastmed.errors import TaskError
from fastmed.results.intervals.resampling import RESAMPLES
from fastmed.settings.scores import ScoreSettings, check_scores
from fastmed.task import Task


@dataclass(frozen=True)
class ScoreOptions:
    """What the scores are to know that no prediction tells.

    Attributes:
        referable: for grades: the lowest class that is referred; None leaves the dichotomy out.
        prevalence: of a class where the network is to be used.
        threshold: of a class: from what chance on treating is worth it.
        costs: of each true class (row) that is taken for each class (column).
        resamples: of the patients, for intervals; 0 gives no intervals.
        seed: of the resamples.
    """

    referable: str | None = None
    prevalence: Mapping[str, float] = field(default_factory=dict)
    threshold: Mapping[str, float] = field(default_factory=dict)
    costs: tuple[tuple[float, ...], ...] | None = None
    resamples: int = RESAMPLES
    seed: int = 0

    def told(self) -> dict[str, Any]:
        """Return what was asked for, ready for JSON; empty if nothing was."""
        told = {
            "referable": self.referable,
            "prevalence": dict(self.prevalence),
            "threshold": dict(self.threshold),
            "costs": [list(row) for row in self.costs or ()],
        }
        return {name: value for name, value in told.items() if value}


def score_options(
    task: Task,
    prevalence: Mapping[str, float] | None = None,
    threshold: Mapping[str, float] | None = None,
    costs: Any = None,
) -> ScoreOptions:
    """Return the options that a task has, with some of them changed.

    Raises:
        TaskError: a class is unknown, a number out of range, or the costs are no table.
    """
    own = task.scores
    changes = {
        "prevalence": {**own.prevalence, **(prevalence or {})},
        "threshold": {**own.threshold, **(threshold or {})},
        "costs": own.costs if costs is None else costs,
    }
    try:
        settings = ScoreSettings.model_validate({"referable": own.referable, **changes})
        check_scores(settings, task.classes, task.goal)
    except ValueError as error:
        raise TaskError(_sentence(error)) from None
    return ScoreOptions(settings.referable, settings.prevalence, settings.threshold, settings.costs)


def _sentence(error: ValueError) -> str:
    """Return the first problem that pydantic or `check_scores` found."""
    problems = error.errors() if isinstance(error, ValidationError) else []
    if not problems:
        return str(error)
    first = problems[0]
    place = ".".join(str(step) for step in first["loc"])
    told = first.get("ctx", {}).get("error") or f"{first['input']!r}: {first['msg'].lower()}"
    return f"scores.{place}: {told}"
