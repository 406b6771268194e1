"""Trackers by name; a new one is one class and one line in `TRACKERS`."""

from collections.abc import Iterable
from importlib.util import find_spec

from fastmed.errors import MissingExtraError, TrainingError, nearest
from fastmed.tracking.mlflow import MLflow
from fastmed.tracking.tensorboard import TensorBoard
from fastmed.tracking.tracker import Tracker
from fastmed.tracking.weights_and_biases import WeightsAndBiases

TRACKERS: dict[str, type[Tracker]] = {
    "wandb": WeightsAndBiases,
    "tensorboard": TensorBoard,
    "mlflow": MLflow,
}


def check_trackers(names: Iterable[str]) -> list[str]:
    """Return the names, each known, named once, and with its client installed.

    Raises:
        TrainingError: a name is unknown or stands twice. MissingExtraError: says what to install.
    """
    chosen = list(names)
    for name in chosen:
        if name not in TRACKERS:
            close = nearest(name, TRACKERS) or f"; known are {', '.join(TRACKERS)}"
            raise TrainingError(f"no tracker '{name}'{close}")
        if chosen.count(name) > 1:
            raise TrainingError(f"tracker '{name}' stands twice")
        if find_spec(TRACKERS[name].package) is None:
            raise MissingExtraError(
                f"--track {name} needs {TRACKERS[name].label}'s client; install it with "
                f'`pip install "fastmed[{name}]"`'
            )
    return chosen
