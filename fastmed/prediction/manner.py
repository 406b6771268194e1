"""How images are to become predictions, as it was asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastmed.results.deciding.decisions import Wishes
from fastmed.settings.predict import Average


@dataclass(frozen=True)
class Manner:
    """How images become predictions; the words are those of `fastmed.predict`.

    Attributes:
        views: fixed views that are averaged; None takes the task's.
        average: what is averaged over them; None takes the task's.
        per_view: add columns of each view's own scores.
        device: where networks compute; None takes the best.
        calibrate: whether probabilities are calibrated.
        prevalence: shares of the classes to which they are corrected.
        operating_point, sets, abstain: what is asked for beside probabilities.
    """

    views: Sequence[str] | None = None
    average: Average | None = None
    per_view: bool = False
    device: str | None = None
    calibrate: bool = True
    prevalence: str | Mapping[str, float] | None = None
    operating_point: str | None = None
    sets: float | None = None
    abstain: str | float | None = None

    @property
    def wishes(self) -> Wishes:
        """What is asked for beside probabilities."""
        return Wishes(self.operating_point, self.sets, self.abstain)

    @property
    def own(self) -> bool:
        """True if probabilities are those that the run was calibrated to."""
        return self.calibrate and self.prevalence is None

    @property
    def asked(self) -> dict[str, Any]:
        """What was asked for of probabilities and decisions, as JSON holds it."""
        told = self.prevalence
        return {
            "calibrate": self.calibrate,
            "prevalence": dict(told) if isinstance(told, Mapping) else told,
            "operating_point": self.operating_point,
            "sets": self.sets,
            "abstain": None if self.abstain is None else str(self.abstain),
        }
