"""fastmed: classifiers and graders of medical images that can be trusted.

The public names load what they need when they are first used; importing fastmed loads no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastmed.adopting import adopt as adopt
    from fastmed.auditing.story import Audit as Audit
    from fastmed.auditing.story import audit as audit
    from fastmed.benching.speeds import Speeds as Speeds
    from fastmed.benching.story import bench as bench
    from fastmed.clients import ClientReport as ClientReport
    from fastmed.clients import write_client_report as write_client_report
    from fastmed.conversion.story import convert as convert
    from fastmed.data.items import read_items as read_items
    from fastmed.data_study.story import Study as Study
    from fastmed.data_study.story import study as study
    from fastmed.dicom_out import write_dicom_sc as write_dicom_sc
    from fastmed.dicom_out import write_dicom_sr as write_dicom_sr
    from fastmed.documents.filling import checklist as checklist
    from fastmed.documents.model_card import card as card
    from fastmed.ensembles import Ensemble as Ensemble
    from fastmed.ensembles import ensemble as ensemble
    from fastmed.errors import FastmedError as FastmedError
    from fastmed.evaluation import evaluate as evaluate
    from fastmed.explaining import Checks as Checks
    from fastmed.explaining import draw_embedding as draw_embedding
    from fastmed.explaining import draw_heatmaps as draw_heatmaps
    from fastmed.explaining import explain as explain
    from fastmed.exporting import export as export
    from fastmed.families import Family as Family
    from fastmed.families import compare_meta as compare_meta
    from fastmed.families import evaluate_together as evaluate_together
    from fastmed.families import predict_together as predict_together
    from fastmed.families import resume_family as resume_family
    from fastmed.families import train_family as train_family
    from fastmed.interpretation import interpret as interpret
    from fastmed.learn.input.loaders import dataloaders as dataloaders
    from fastmed.learn.learner import learner as learner
    from fastmed.learn.network.summary import describe_network as describe_network
    from fastmed.prediction.story import predict as predict
    from fastmed.prediction.story import predict_stream as predict_stream
    from fastmed.reporting.writing import write_report as write_report
    from fastmed.results.comparison.comparing import Comparison as Comparison
    from fastmed.results.comparison.comparing import compare as compare
    from fastmed.results.scores.asked import Asked as Asked
    from fastmed.run import Run as Run
    from fastmed.sharing import pack as pack
    from fastmed.sharing import unpack as unpack
    from fastmed.task import Task as Task
    from fastmed.taskfile import find_task as find_task
    from fastmed.taskfile import load_tasks as load_tasks
    from fastmed.training.augmentation import augmented_figure as augmented_figure
    from fastmed.training.batch_size import largest_batch as largest_batch
    from fastmed.training.rate_finding import find_rate as find_rate
    from fastmed.training.resume import resume as resume
    from fastmed.training.train import train as train
    from fastmed.trust import trust_run as trust_run
    from fastmed.tuning.nested import resume_nested as resume_nested
    from fastmed.tuning.nested import tune_nested as tune_nested
    from fastmed.tuning.search import Search as Search
    from fastmed.tuning.tune import resume_search as resume_search
    from fastmed.tuning.tune import tune as tune

__version__ = "0.1.0"

_ROOMS = {
    "Audit": "auditing.story",
    "Asked": "results.scores.asked",
    "ClientReport": "clients",
    "Comparison": "results.comparison.comparing",
    "Checks": "explaining",
    "Ensemble": "ensembles",
    "Family": "families",
    "FastmedError": "errors",
    "Run": "run",
    "Search": "tuning.search",
    "Speeds": "benching.speeds",
    "Study": "data_study.story",
    "Task": "task",
    "adopt": "adopting",
    "audit": "auditing.story",
    "augmented_figure": "training.augmentation",
    "bench": "benching.story",
    "compare": "results.comparison.comparing",
    "card": "documents.model_card",
    "checklist": "documents.filling",
    "compare_meta": "families",
    "convert": "conversion.story",
    "dataloaders": "learn.input.loaders",
    "describe_network": "learn.network.summary",
    "draw_embedding": "explaining",
    "draw_heatmaps": "explaining",
    "ensemble": "ensembles",
    "evaluate": "evaluation",
    "evaluate_together": "families",
    "explain": "explaining",
    "export": "exporting",
    "find_rate": "training.rate_finding",
    "find_task": "taskfile",
    "interpret": "interpretation",
    "learner": "learn.learner",
    "largest_batch": "training.batch_size",
    "load_tasks": "taskfile",
    "pack": "sharing",
    "predict": "prediction.story",
    "predict_stream": "prediction.story",
    "predict_together": "families",
    "read_items": "data.items",
    "resume": "training.resume",
    "resume_family": "families",
    "resume_nested": "tuning.nested",
    "resume_search": "tuning.tune",
    "study": "data_study.story",
    "train": "training.train",
    "trust_run": "trust",
    "train_family": "families",
    "tune": "tuning.tune",
    "tune_nested": "tuning.nested",
    "unpack": "sharing",
    "write_client_report": "clients",
    "write_dicom_sc": "dicom_out",
    "write_dicom_sr": "dicom_out",
    "write_report": "reporting.writing",
}
__all__ = sorted(_ROOMS)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module 'fastmed' has no attribute '{name}'")
    return getattr(import_module(f"fastmed.{_ROOMS[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *_ROOMS]
