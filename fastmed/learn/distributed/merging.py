"""Metrics whose images are shared out to several processes, merged."""

from collections.abc import Sequence

import torch
from fastai.learner import AvgLoss, Metric
from fastai.metrics import AccumMetric
from safetensors.torch import load, save
from torch import Tensor

from fastmed.learn.distributed.team import Team, team

Rows = dict[str, Tensor]


def merge(metrics: Sequence[Metric], among: Team | None = None) -> None:
    """Let metrics hold what they have seen on all processes, each image once.

    All processes then have the same values, to the last bit, and come to the same decisions.

    Args:
        metrics: of one pass through the images, in the same order on all processes.
        among: whom; None takes the team of this process.
    """
    among = among or team()
    if among.count == 1:
        return
    own: Rows = {}
    for place, one in enumerate(metrics):
        own |= {f"{place}.{name}": value for name, value in _held(one).items()}
    every = [load(content) for content in among.gather_bytes(save(own))]
    for place, one in enumerate(metrics):
        _hold(one, [_of(place, rows) for rows in every])


def _held(metric: Metric) -> Rows:
    """Return what a metric has seen: sums of a loss, else outputs and targets (n, ...)."""
    if isinstance(metric, AvgLoss):
        return {"sums": torch.tensor([float(metric.total), metric.count], dtype=torch.float64)}
    if not isinstance(metric, AccumMetric):
        raise TypeError(f"{type(metric).__name__} can't be merged")
    if not metric.preds:
        return {}
    return {"preds": _joined(metric.preds), "targs": _joined(metric.targs)}


def _hold(metric: Metric, every: Sequence[Rows]) -> None:
    if isinstance(metric, AvgLoss):
        total, count = torch.stack([rows["sums"] for rows in every]).sum(0)
        metric.total, metric.count = total, int(count)
        return
    seen = [rows for rows in every if rows]
    metric.preds = [rows["preds"] for rows in seen]
    metric.targs = [rows["targs"] for rows in seen]


def _joined(parts: Sequence[Tensor]) -> Tensor:
    return torch.cat([part.as_subclass(Tensor) for part in parts]).contiguous()


def _of(place: int, rows: Rows) -> Rows:
    start = f"{place}."
    return {name[len(start) :]: value for name, value in rows.items() if name.startswith(start)}
