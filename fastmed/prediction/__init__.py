"""Predicting: images through the network's views to the predictions table, or to a file.

The names load what they need when they are first used: writing a table needs no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastmed.prediction.export import Exported as Exported
    from fastmed.prediction.export import Shape as Shape
    from fastmed.prediction.export import predict_to_file as predict_to_file
    from fastmed.prediction.formats import check_output as check_output
    from fastmed.prediction.formats import write_predictions as write_predictions
    from fastmed.prediction.networks import check_views as check_views
    from fastmed.prediction.networks import network_outputs as network_outputs
    from fastmed.prediction.networks import readable as readable
    from fastmed.prediction.patients import patients_table as patients_table
    from fastmed.prediction.predictor import Predictor as Predictor
    from fastmed.prediction.predictor import RunPredictor as RunPredictor
    from fastmed.prediction.story import outputs_of as outputs_of
    from fastmed.prediction.story import predict as predict
    from fastmed.prediction.story import predict_stream as predict_stream
    from fastmed.prediction.story import stream_of as stream_of
    from fastmed.prediction.tables import competition_table as competition_table
    from fastmed.prediction.tables import predictions_table as predictions_table
    from fastmed.prediction.tables import table_of as table_of

_ROOMS = {
    "Exported": "export",
    "Predictor": "predictor",
    "RunPredictor": "predictor",
    "Shape": "export",
    "check_output": "formats",
    "check_views": "networks",
    "competition_table": "tables",
    "network_outputs": "networks",
    "outputs_of": "story",
    "patients_table": "patients",
    "predict": "story",
    "predict_stream": "story",
    "predict_to_file": "export",
    "predictions_table": "tables",
    "readable": "networks",
    "stream_of": "story",
    "table_of": "tables",
    "write_predictions": "formats",
}
__all__ = sorted(_ROOMS)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module 'fastmed.prediction' has no attribute '{name}'")
    return getattr(import_module(f"fastmed.prediction.{_ROOMS[name]}"), name)
