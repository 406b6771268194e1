"""A run as a Learner again."""

from fastai.learner import Learner

from fastmed.errors import RunError
from fastmed.learn.input.loaders import empty_dataloaders
from fastmed.learn.input.statistics import Statistics
from fastmed.learn.learner import learner
from fastmed.learn.network.weights import restore_weights
from fastmed.run import Run


def statistics_of(run: Run) -> Statistics:
    """Return the statistics of pixels and metadata that the run was trained with."""
    if "mean" not in run.info:
        raise RunError(f"{run.path} holds no pixel statistics: its training never began")
    return Statistics(tuple(run.info["mean"]), tuple(run.info["std"]), run.metadata)


def restore(run: Run, device: str | None = None) -> Learner:
    """Return the run's Learner with the weights of its best epoch, ready to predict.

    Raises:
        RunError: the run has no weights, or they don't fit.
    """
    task = run.task
    learn = learner(
        task, empty_dataloaders(task, statistics_of(run), device=device), initialize=False
    )
    restore_weights(learn.model, run.weights)
    learn.model.to(learn.dls.device).eval()
    return learn
