"""One run, or several together, as what makes a predictions table of outputs."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fastmed.data.store.decoding import digest_of
from fastmed.familiarity.strangeness import likeness_of
from fastmed.learn.restore import statistics_of
from fastmed.learn.through_views import Seer
from fastmed.prediction.networks import check_average, check_views
from fastmed.prediction.stream import Chunk, Network
from fastmed.prediction.tables import table_of, with_bad_rows, with_views
from fastmed.results.calibration.fitted import calibration_of
from fastmed.results.deciding.decisions import Wishes, fit_decisions
from fastmed.run import Run
from fastmed.settings.predict import Average
from fastmed.task import Task


class Predictor(ABC):
    """What makes a predictions table of what networks give.

    Attributes:
        task: of the predictions.
        place: the folder of the run or the family.
        views: their names. average: over them. per_view: whether each has columns of its own.
        wishes: what was asked for beside probabilities.
    """

    def __init__(  # noqa: PLR0917
        self,
        task: Task,
        place: Path,
        views: Sequence[str] | None,
        average: Average | None,
        per_view: bool,
        wishes: Wishes | None,
    ) -> None:
        self.task, self.place, self.per_view = task, place, per_view
        self.wishes = wishes or Wishes()
        self.views = check_views(views or task.predict.views)
        self.average = check_average(task, self.views, average)

    @abstractmethod
    def networks(self) -> list[Network]:
        """Return the networks, restored."""

    @abstractmethod
    def table_of_good(self, chunk: Chunk) -> pd.DataFrame:
        """Return the predictions table of the images of a chunk that could be read."""

    @abstractmethod
    def runs(self) -> list[Run]:
        """Return the runs that take part."""

    def table(self, chunk: Chunk) -> pd.DataFrame:
        """Return the predictions table of a chunk, a row an image, with the column ``reason``."""
        return with_bad_rows(self.table_of_good(chunk), chunk.bad, chunk.good)

    @property
    def identity(self) -> dict[str, Any]:
        """What decides which numbers are predicted, beside the images."""
        return {
            "views": self.views,
            "average": self.average,
            "per_view": self.per_view,
            "weights": [digest_of(run.weights) for run in self.runs()],
            "runs": [_fitted(run) for run in self.runs()],
            **self.asked,
        }

    @property
    @abstractmethod
    def cut_points(self) -> np.ndarray | None:
        """Where a value turns into the next grade; None for categories."""

    @property
    @abstractmethod
    def asked(self) -> dict[str, Any]:
        """What was asked for of probabilities and decisions."""


class RunPredictor(Predictor):
    """One run; arguments are those of `predict`."""

    def __init__(
        self,
        run: Run,
        *,
        views: Sequence[str] | None = None,
        average: Average | None = None,
        per_view: bool = False,
        device: str | None = None,
        calibrate: bool = True,
        prevalence: str | Mapping[str, float] | None = None,
        wishes: Wishes | None = None,
    ) -> None:
        super().__init__(run.task, run.path, views, average, per_view, wishes)
        self.run, self.device = run, device
        self.calibrate, self.prevalence = calibrate, prevalence
        self.calibration = calibration_of(run, calibrate, prevalence)
        own = calibrate and prevalence is None
        self.decisions = fit_decisions(self.wishes, run, self.calibration, own=own)

    def networks(self) -> list[Network]:
        """Return the run's network, restored."""
        return [network_of(self.run, self.views, self.average, self.device)]

    def runs(self) -> list[Run]:
        """Return the run."""
        return [self.run]

    @property
    def cut_points(self) -> np.ndarray | None:
        """Where a value turns into the next grade; None for categories."""
        return self.calibration.cut_points

    @property
    def asked(self) -> dict[str, Any]:
        """What was asked for of probabilities and decisions."""
        return asked(self.calibrate, self.prevalence, self.wishes)

    def table_of_good(self, chunk: Chunk) -> pd.DataFrame:
        """Return the predictions table of the images of a chunk that could be read."""
        (seen,), (strange,) = chunk.seen, chunk.strange
        calibration = self.calibration
        scores, decided = calibration.probabilities(seen.mean), calibration.decisions(seen.mean)
        table = self.decisions.applied(table_of(self.task, chunk.items, seen.mean, scores, decided))
        of_views = [calibration.probabilities(each) for each in seen.each]
        table = with_views(self.task, table, self.views, list(seen.each), of_views, self.per_view)
        return pd.concat([table, strange], axis=1)


def network_of(
    run: Run, views: Sequence[str], average: Average | None, device: str | None
) -> Network:
    """Return a run's network, restored."""
    seer = Seer(run.restore(device), run.task, statistics_of(run), views, average)
    return Network(seer, likeness_of(run))


def asked(
    calibrate: bool, prevalence: str | Mapping[str, float] | None, wishes: Wishes
) -> dict[str, Any]:
    """Return what was asked for of probabilities and decisions, as JSON holds it."""
    told = prevalence if prevalence is None or isinstance(prevalence, str) else dict(prevalence)
    return {
        "calibrate": calibrate,
        "prevalence": told,
        "operating_point": wishes.operating_point,
        "sets": wishes.sets,
        "abstain": None if wishes.abstain is None else str(wishes.abstain),
    }


def _fitted(run: Run) -> dict[str, Any]:
    """Return what of a run decides, beside its weights."""
    names = ("cut_points", "scale", "calibration", "operating_points", "likeness", "mean", "std")
    found = {name: run.info.get(name) for name in names}
    return {**found, "image": run.task.image.model_dump(mode="json")}
