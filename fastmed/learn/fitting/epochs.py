"""fastai's fit, from any epoch on."""

from collections.abc import Sequence
from functools import partial

from fastai.callback.core import Callback
from fastai.learner import CancelEpochException, CancelFitException, Learner


def fit_epochs(learn: Learner, epochs: int, callbacks: Sequence[Callback], first: int = 0) -> None:
    """Do what ``learn.fit`` does, but leave out the epochs before ``first`` without a trace.

    fastai's own ``start_epoch`` lets all callbacks go through the end of each epoch that it leaves
    out, as if it had been trained.

    Args:
        learn: with an optimizer.
        epochs: of the whole fit, by which schedules are stretched.
        callbacks: for this fit only.
        first: counted from 0; ``epochs`` only begins and ends the fit.
    """
    with learn.added_cbs(list(callbacks)):
        if learn.wd is not None:
            learn.opt.set_hypers(wd=learn.wd)
        learn.opt.set_hypers(lr=learn.lr)
        learn.n_epoch = epochs
        every = partial(_epochs, learn, range(first, epochs))
        learn._with_events(every, "fit", CancelFitException, learn._end_cleanup)


def _epochs(learn: Learner, numbers: range) -> None:
    for number in numbers:
        learn.epoch = number
        learn._with_events(learn._do_epoch, "epoch", CancelEpochException)
