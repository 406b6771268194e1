"""What the numbers say that a network gives for an image."""

from itertools import accumulate

import torch
from torch import Tensor
from torch.nn import functional

from fastmed.task import Task


def read_outputs(task: Task, outputs: Tensor) -> Tensor:
    """Return scores (..., K) of outputs (..., `Task.outputs`); for plain grades values (...).

    Scores are probabilities of the classes and sum up to 1: the softmax; with the loss ``bce`` the
    sigmoid of each class, as a share of all; with ``corn`` and ``coral`` see `grade_scores`.
    """
    if task.ordinal:
        return grade_scores(task.loss, outputs)
    if task.goal == "grade":
        return outputs[..., 0]
    return class_scores(task.loss, outputs)


def class_scores(loss: str, outputs: Tensor) -> Tensor:
    """Return the probability of each class, (..., K)."""
    return (functional.logsigmoid(outputs) if loss == "bce" else outputs).softmax(-1)


def grade_scores(loss: str, outputs: Tensor) -> Tensor:
    """Return the probability of each grade (..., K) by what the steps (..., K - 1) between say.

    With ``coral`` an output is the logit of ``P(grade > k)`` (arXiv 1901.07884), with ``corn`` that
    of ``P(grade > k | grade >= k)``, so that their product is (arXiv 2111.08851). A step that CORAL
    holds to be likelier than the one before, as only happens early in a training, is taken to be
    as likely.
    """
    beyond = outputs.sigmoid()
    join = torch.mul if loss == "corn" else torch.minimum
    # One step after the other, and not by cumprod or cummin, which ONNX doesn't have.
    beyond = torch.stack([*accumulate(beyond.unbind(-1), join)], dim=-1)
    edge = torch.ones_like(beyond[..., :1])
    edges = torch.cat([edge, beyond, torch.zeros_like(edge)], dim=-1)
    return edges[..., :-1] - edges[..., 1:]


def expected_grade(scores: Tensor) -> Tensor:
    """Return the mean grade (...) of probabilities (..., K)."""
    return scores @ torch.arange(scores.shape[-1], dtype=scores.dtype, device=scores.device)
