"""The network alone, on a batch that lies on the device already: the ceiling of a training."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

import torch
from torch import Tensor

from fastmed.benching.clock import pace
from fastmed.benching.pace import Pace
from fastmed.benching.ready import Ready
from fastmed.learn.fitting.compiling import Compile
from fastmed.learn.fitting.ways import casting

Casting = Callable[[], AbstractContextManager[None]]


def step_pace(ready: Ready, seconds: float) -> Pace:
    """Return how many images a second go forward and backward, with the optimizer's step.

    The rate is zero, so that the weights stay as they are.
    """
    with _computed(ready) as (inputs, targets, cast):
        learn = ready.learn
        learn.create_opt()
        learn.opt.set_hypers(lr=0.0)
        learn.model.train()

        def step() -> int:
            with cast():
                loss = learn.loss_func(learn.model(*inputs), *targets)
            loss.backward()
            learn.opt.step()
            learn.opt.zero_grad()
            return len(inputs[0])

        return pace(step, seconds, ready.device)


def forward_pace(ready: Ready, seconds: float) -> Pace:
    """Return how many images a second go forward, as a validation computes it."""
    with _computed(ready) as (inputs, _, cast), torch.no_grad():
        model = ready.learn.model.eval()

        def forward() -> int:
            with cast():
                model(*inputs)
            return len(inputs[0])

        return pace(forward, seconds, ready.device)


@contextmanager
def _computed(ready: Ready) -> Iterator[tuple[list[Tensor], list[Tensor], Casting]]:
    """Give inputs, targets and precision as the training has them, with its network laid out so."""
    learn, way = ready.learn, ready.way
    batch = [part.as_subclass(Tensor) for part in learn.dls.train.one_batch()]
    inputs, targets = batch[: learn.dls.n_inp], batch[learn.dls.n_inp :]
    if way.channels_last:
        learn.model.to(memory_format=torch.channels_last)
        inputs[0] = inputs[0].contiguous(memory_format=torch.channels_last)
    with _compiled(ready) if way.compile else nullcontext():
        yield inputs, targets, partial(casting, way.precision, ready.device)


@contextmanager
def _compiled(ready: Ready) -> Iterator[None]:
    compiling = Compile()
    with ready.learn.added_cbs([compiling]):
        compiling.before_fit()
        try:
            yield
        finally:
            compiling.after_fit()
