"""The finished runs of a family as one predictor: their outputs are averaged."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fastmed.console import note
from fastmed.errors import RunError
from fastmed.families.family import Family
from fastmed.prediction.manner import Manner
from fastmed.prediction.predictor import Predictor
from fastmed.prediction.stream import Chunk, Network
from fastmed.prediction.tables import table_of, with_views
from fastmed.results.calibration.fitted import fitted_of
from fastmed.results.calibration.pooling import outputs_as, pool_of, strange_to_most
from fastmed.results.calibration.probabilities import Calibration
from fastmed.run import Run


class FamilyPredictor(Predictor):
    """All finished runs of a family."""

    def __init__(self, family: Family, manner: Manner) -> None:
        super().__init__(family.task, family.path, manner)
        self.members = finished_runs(family)
        self.pool = pool_of(self.task, self.members).adjusted(manner.calibrate, manner.prevalence)
        self.decisions = self.pool.decisions(manner.wishes)
        self.fitted = [fitted_of(run) for run in self.members]

    def networks(self) -> list[Network]:
        """Return the networks of all runs, restored."""
        return [self.network_of(run) for run in self.members]

    def runs(self) -> list[Run]:
        """Return the finished runs."""
        return self.members

    @property
    def of_patients(self) -> Calibration:
        """By which the mean scores of a patient's images are decided."""
        return self.pool.of_patients

    def table_of_good(self, chunk: Chunk) -> pd.DataFrame:
        """Return the predictions table of the images of a chunk that could be read."""
        outputs = self._as_one_task([seen.mean for seen in chunk.seen])
        mean = self.pool.mean.of(outputs)
        scores, decided = self.pool.probabilities(outputs), self.pool.calibration.decisions(mean)
        table = self.decisions.applied(table_of(self.task, chunk.items, mean, scores, decided))
        of_views = [
            self._as_one_task([seen.each[place] for seen in chunk.seen])
            for place in range(len(self.views))
        ]
        means = [self.pool.mean.of(given) for given in of_views]
        probabilities = [self.pool.probabilities(given) for given in of_views]
        table = with_views(self.task, table, self.views, means, probabilities, self.manner.per_view)
        return pd.concat([table, strange_to_most(chunk.strange)], axis=1)

    def _as_one_task(self, outputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        pairs = zip(outputs, self.fitted, strict=True)
        return [outputs_as(self.task, given, fitted) for given, fitted in pairs]


def finished_runs(family: Family) -> list[Run]:
    """Return the finished runs of a family, and say how many there are.

    Raises:
        RunError: there is none.
    """
    runs = list(family.finished.values())
    if not runs:
        raise RunError(f"no run of {family.path} is finished; `fastmed resume {family.path}`")
    missing = len(family.plan) - len(runs)
    note(f"The mean of {len(runs)} runs" + (f"; {missing} are not finished" if missing else ""))
    return runs
