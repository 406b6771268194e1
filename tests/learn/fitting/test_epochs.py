import random

import torch
from fastai.callback.core import Callback
from fastai.callback.schedule import ParamScheduler
from fastai.data.core import DataLoaders
from fastai.learner import Learner
from torch import nn
from torch.utils.data import TensorDataset

from fastmed.learn.fitting.epochs import fit_epochs


class Seen(Callback):
    """Notes the epochs that callbacks go through, and the share of the schedule."""

    def __init__(self) -> None:
        self.events: list[tuple] = []

    def before_fit(self) -> None:
        self.events.append(("begin",))

    def before_train(self) -> None:
        self.events.append(("train", self.epoch, self.pct_train))

    def after_epoch(self) -> None:
        self.events.append(("end", self.epoch))

    def after_fit(self) -> None:
        self.events.append(("over",))


def make() -> Learner:
    random.seed(0)
    torch.manual_seed(0)
    data = TensorDataset(torch.randn(8, 2), torch.randn(8, 1))
    dls = DataLoaders.from_dsets(data, data, bs=4, num_workers=0, device="cpu")
    learn = Learner(dls, nn.Linear(2, 1), nn.MSELoss(), wd=0.01)
    learn.create_opt()
    return learn


def test_it_is_fastais_fit() -> None:
    """The same weights and events as `learn.fit`, from the first epoch on."""
    found = []
    for fit in (
        lambda learn, cbs: learn.fit(3, cbs=cbs),
        lambda learn, cbs: fit_epochs(learn, 3, cbs),
    ):
        learn, seen = make(), Seen()
        torch.manual_seed(1)
        with learn.no_logging(), learn.no_bar():
            fit(learn, [seen, ParamScheduler({"lr": lambda share: 0.1 * (1 - share)})])
        assert list(learn.cbs.filter(lambda one: isinstance(one, Seen))) == []
        found.append((seen.events, learn.model.weight.tolist()))
    assert found[0] == found[1]
    assert len(found[0][0]) == 8


def test_epochs_before_the_first_leave_no_trace() -> None:
    learn, seen = make(), Seen()
    with learn.no_logging(), learn.no_bar():
        fit_epochs(learn, 4, [seen], first=2)
    assert seen.events == [
        ("begin",), ("train", 2, 0.5), ("end", 2), ("train", 3, 0.75), ("end", 3), ("over",),
    ]  # fmt: skip


def test_a_fit_whose_epochs_are_over_only_begins_and_ends() -> None:
    learn, seen = make(), Seen()
    before = learn.model.weight.tolist()
    fit_epochs(learn, 4, [seen], first=4)
    assert seen.events == [("begin",), ("over",)]
    assert learn.model.weight.tolist() == before
