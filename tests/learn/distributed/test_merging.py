from types import SimpleNamespace

import pytest
import torch
from conftest import tiny_task
from fastai.learner import AvgLoss
from safetensors.torch import save

from fastmed.learn.distributed.merging import _held, merge
from fastmed.learn.distributed.team import Team
from fastmed.learn.fitting.metrics import make_metrics
from fastmed.processes import Seat

TARGETS, OUTPUTS = torch.tensor([0, 1, 2, 1, 0]), torch.randn(5, 3)


class WithAnother(Team):
    """A team of two, the other of which has seen these metrics."""

    def __init__(self, others: list) -> None:
        super().__init__(Seat(0, 0, 2))
        rows = {
            f"{n}.{key}": value for n, one in enumerate(others) for key, value in _held(one).items()
        }
        self.other = save(rows)

    def gather_bytes(self, content: bytes) -> list[bytes]:
        return [content, self.other]


def metrics_of(rows: slice) -> list:
    found = [AvgLoss(), *make_metrics(tiny_task("lungs"))]
    learn = SimpleNamespace(
        pred=OUTPUTS[rows], y=TARGETS[rows], yb=(TARGETS[rows],), to_detach=lambda value: value,
        loss=torch.tensor(float(len(TARGETS[rows]))),
    )  # fmt: skip
    for one in found:
        one.reset()
        if len(TARGETS[rows]):
            one.accumulate(learn)
    return found


@pytest.mark.parametrize("own", [slice(0, 3), slice(0, 5), slice(0, 0)])
def test_merged_metrics_are_those_of_all_rows(own: slice) -> None:
    merged, whole = metrics_of(own), metrics_of(slice(0, 5))
    merge(merged, WithAnother(metrics_of(slice(own.stop, 5))))
    for one, expected in zip(merged[1:], whole[1:], strict=True):
        assert one.value == pytest.approx(expected.value, nan_ok=True)


def test_a_loss_is_weighted_by_the_images() -> None:
    merged = metrics_of(slice(0, 3))
    merge(merged, WithAnother(metrics_of(slice(3, 5))))
    assert float(merged[0].value) == pytest.approx((3 * 3 + 2 * 2) / 5)


def test_what_can_not_be_merged_is_not_passed_over() -> None:
    from fastai.metrics import AvgMetric, accuracy

    with pytest.raises(TypeError, match="AvgMetric"):
        merge([AvgMetric(accuracy)], WithAnother([]))
