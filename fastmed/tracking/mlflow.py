"""Tracking by MLflow, on its own client."""

import math
import os
import time
from pathlib import Path
from typing import ClassVar

from fastmed.tracking.tracker import About, Tracker, Values

KEY = "fastmed.key"
STATUS = {"done": "FINISHED", "interrupted": "KILLED", "killed": "KILLED"}
_LONGEST = 500  # characters of a parameter that every store takes
_AT_ONCE = 100  # parameters


class MLflow(Tracker):
    """Keeps a run in the store that ``MLFLOW_TRACKING_URI`` names, or else in ``mlflow.db``.

    The experiment is ``MLFLOW_EXPERIMENT_NAME``, or else the name of the task.
    """

    label: ClassVar[str] = "MLflow"
    package: ClassVar[str] = "mlflow"

    def __init__(self, about: About) -> None:
        from mlflow import MlflowClient

        self.client = MlflowClient()
        experiment = self._experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME") or about.task)
        wanted = f"tags.`{KEY}` = '{about.key}'"
        known = self.client.search_runs([experiment], filter_string=wanted, max_results=1)
        if known:
            self.run = known[0].info.run_id
            self.client.update_run(self.run, status="RUNNING")
            return
        made = self.client.create_run(experiment, run_name=about.name, tags={KEY: about.key})
        self.run = made.info.run_id
        self._tell(about.flat_settings())

    def epoch(self, number: int, values: Values) -> None:
        """Log metrics at a step."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        found = [Metric(name, value, now, number) for name, value in values.items()]
        self.client.log_batch(self.run, metrics=[one for one in found if math.isfinite(one.value)])

    def figure(self, name: str, file: Path, number: int) -> None:
        """Keep the file."""
        self.client.log_artifact(self.run, str(file), "figures")

    def end(self, status: str, scores: Values) -> None:
        """Log the scores and end the run."""
        for name, value in scores.items():
            if math.isfinite(value):
                self.client.log_metric(self.run, name, value)
        self.client.set_tag(self.run, "fastmed.status", status)
        self.client.set_terminated(self.run, STATUS.get(status, "FAILED"))

    def _experiment(self, name: str) -> str:
        known = self.client.get_experiment_by_name(name)
        return str(known.experiment_id if known else self.client.create_experiment(name))

    def _tell(self, settings: dict[str, str]) -> None:
        from mlflow.entities import Param

        every = [Param(name, value[:_LONGEST]) for name, value in settings.items()]
        for first in range(0, len(every), _AT_ONCE):
            self.client.log_batch(self.run, params=every[first : first + _AT_ONCE])
