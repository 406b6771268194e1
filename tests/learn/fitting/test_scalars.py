"""What is read late is what fastai reads after each batch."""

from types import SimpleNamespace

import pytest
import torch
from fastai.learner import AvgLoss, AvgSmoothLoss
from fastai.metrics import skm_to_fastai
from sklearn.metrics import accuracy_score, f1_score
from torch import Tensor

from fastmed.learn.fitting.scalars import Batch, SmoothLoss


def batches() -> list[SimpleNamespace]:
    """Return Learners at some batches of different sizes."""
    generator = torch.Generator().manual_seed(0)
    found = []
    for size in (4, 4, 3):
        pred = torch.randn(size, 3, generator=generator, requires_grad=True)
        y = torch.randint(0, 3, (size,), generator=generator)
        loss = torch.nn.functional.cross_entropy(pred, y)
        detach = lambda values: values.detach()  # noqa: E731
        found.append(SimpleNamespace(pred=pred, y=y, yb=(y,), loss=loss, to_detach=detach))
    return found


def test_the_smoothed_loss_is_fastais() -> None:
    ours, theirs = SmoothLoss(), AvgSmoothLoss()
    for learn in batches():
        for one in (ours, theirs):
            one.accumulate(learn)
        assert torch.equal(ours.value, theirs.value)
    assert not ours.value.requires_grad


@pytest.mark.parametrize(
    "metric",
    [
        AvgLoss,
        lambda: skm_to_fastai(f1_score, average="macro"),
        lambda: skm_to_fastai(accuracy_score),
    ],
)
def test_metrics_of_kept_batches_are_those_of_the_batches(metric: object) -> None:
    late, soon = metric(), metric()
    late.reset()
    soon.reset()
    kept = []
    for learn in batches():
        soon.accumulate(learn)
        kept.append(Batch.of(learn))
    for batch in kept:
        late.accumulate(batch)
        assert not batch.pred.requires_grad
        assert isinstance(batch.y, Tensor)
    assert float(late.value) == float(soon.value)
