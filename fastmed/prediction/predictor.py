"""One run, or several together, as what makes a predictions table of outputs."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import pandas as pd

from fastmed.data.store.decoding import digest_of
from fastmed.familiarity.strangeness import likeness_of
from fastmed.learn.restore import statistics_of
from fastmed.learn.through_views import Seer
from fastmed.prediction.manner import Manner
from fastmed.prediction.networks import check_average, check_views
from fastmed.prediction.stream import Chunk, Network
from fastmed.prediction.tables import table_of, with_bad_rows, with_views
from fastmed.results.calibration.fitted import calibration_of
from fastmed.results.calibration.probabilities import Calibration
from fastmed.results.deciding.decisions import fit_decisions
from fastmed.run import Run
from fastmed.task import Task


class Predictor(ABC):
    """What makes a predictions table of what networks give.

    Attributes:
        task: of the predictions.
        place: the folder of the run or the family.
        manner: how they are made, as it was asked for.
        views: their names. average: over them.
    """

    def __init__(self, task: Task, place: Path, manner: Manner) -> None:
        self.task, self.place, self.manner = task, place, manner
        self.views = check_views(manner.views or task.predict.views)
        self.average = check_average(task, self.views, manner.average)

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

    def network_of(self, run: Run) -> Network:
        """Return a run's network, restored."""
        learn = run.restore(self.manner.device)
        seer = Seer(learn, run.task, statistics_of(run), self.views, self.average)
        return Network(seer, likeness_of(run))

    @property
    def identity(self) -> dict[str, Any]:
        """What decides which numbers are predicted, beside the images."""
        return {
            "views": self.views,
            "average": self.average,
            "per_view": self.manner.per_view,
            "weights": [digest_of(run.weights) for run in self.runs()],
            "runs": [_fitted(run) for run in self.runs()],
            **self.manner.asked,
        }

    @property
    @abstractmethod
    def of_patients(self) -> Calibration:
        """By which the mean scores of a patient's images are decided."""


class RunPredictor(Predictor):
    """One run."""

    def __init__(self, run: Run, manner: Manner) -> None:
        super().__init__(run.task, run.path, manner)
        self.run = run
        self.calibration = calibration_of(run, manner.calibrate, manner.prevalence)
        self.decisions = fit_decisions(manner.wishes, run, self.calibration, own=manner.own)

    def networks(self) -> list[Network]:
        """Return the run's network, restored."""
        return [self.network_of(self.run)]

    def runs(self) -> list[Run]:
        """Return the run."""
        return [self.run]

    @property
    def of_patients(self) -> Calibration:
        """By which the mean scores of a patient's images are decided."""
        return self.calibration

    def table_of_good(self, chunk: Chunk) -> pd.DataFrame:
        """Return the predictions table of the images of a chunk that could be read."""
        (seen,), (strange,) = chunk.seen, chunk.strange
        calibration = self.calibration
        scores, decided = calibration.probabilities(seen.mean), calibration.decisions(seen.mean)
        table = self.decisions.applied(table_of(self.task, chunk.items, seen.mean, scores, decided))
        of_views = [calibration.probabilities(each) for each in seen.each]
        table = with_views(
            self.task, table, self.views, list(seen.each), of_views, self.manner.per_view
        )
        return pd.concat([table, strange], axis=1)


def _fitted(run: Run) -> dict[str, Any]:
    """Return what of a run decides, beside its weights."""
    names = ("cut_points", "scale", "calibration", "operating_points", "likeness", "mean", "std")
    found = {name: run.info.get(name) for name in names}
    return {**found, "image": run.task.image.model_dump(mode="json")}
