"""The learning rate range test: the loss while the rate rises, and what it suggests."""

import math
import tempfile
from pathlib import Path

import numpy as np
import torch
from fastai.callback.core import Callback, CancelFitException
from fastai.callback.schedule import LRFinder, minimum, steep, valley
from fastai.learner import Learner

from fastmed.errors import TrainingError
from fastmed.learn.fitting.schedule import Phase

LOWEST, HIGHEST = 1e-7, 10.0
_FIRST, _LAST = 0.1, 5  # share of the steps, and steps, that suggestions leave aside as fastai does
_FEWEST = 10  # points from which something can be suggested

# Name -> fastai's rule. The valley is the headline: it looks at the longest fall of the curve, and
# the other two at one point of it, which noise moves.
RULES = {"valley": valley, "steep": steep, "minimum": minimum}


class StopWhenItRises(Callback):
    """Ends the steps when the smoothed loss is above four times its least, or no number.

    fastai's own rule looks at the first steps, too, where the smoothed loss is that of some single
    batches, and ends many a test of small batches there.
    """

    run_valid = False
    order = 61  # after the recorder and the finder

    def __init__(self, steps: int) -> None:
        self.first, self.least = int(steps * _FIRST), math.inf

    def after_batch(self) -> None:
        """Look at the loss."""
        loss = float(self.learn.smooth_loss)
        if self.train_iter > self.first:
            self.least = min(self.least, loss)
        if not loss <= 4 * self.least:
            raise CancelFitException


def sweep(learn: Learner, phase: Phase, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rates of the head (n,) and the smoothed training losses (n,) at them.

    The rates of the layer groups rise together, in the proportions of the phase. Weights and
    optimizer are as they were before, and no file is left. The steps end early when the loss has
    risen to four times its least.

    Source:
        L. N. Smith, Cyclical learning rates for training neural networks, WACV 2017
        (arXiv 1506.01186).
    """
    learn.freeze() if phase.frozen else learn.unfreeze()
    learn.create_opt()
    shares = _shares(phase)
    finder = LRFinder(LOWEST * shares, HIGHEST * shares, num_it=steps, stop_div=False)
    place = learn.path
    with tempfile.TemporaryDirectory(prefix="fastmed-") as folder, learn.no_bar():
        learn.path = Path(folder)  # where the finder keeps the weights meanwhile
        try:
            with learn.no_logging():
                learn.fit(steps // len(learn.dls.train) + 1, cbs=[finder, StopWhenItRises(steps)])
        finally:
            learn.path = place
    rates = np.array([float(np.ravel(rate)[-1]) for rate in learn.recorder.lrs])
    return rates, np.array([float(loss) for loss in learn.recorder.losses])


def suggest(rates: np.ndarray, losses: np.ndarray, steps: int) -> dict[str, float]:
    """Return the rate that each of `RULES` suggests.

    Raises:
        TrainingError: the loss was no number, or rose, almost from the beginning.
    """
    kept, highest = slice(int(steps * _FIRST), -_LAST), rates[-1]
    rates, losses = rates[kept], losses[kept]
    finite = np.isfinite(losses)
    known = len(losses) if finite.all() else int(np.argmin(finite))
    if known < _FEWEST:
        raise TrainingError(
            f"the loss ran away at a rate of {highest:.2g}, too early in {steps} steps for a "
            "suggestion; take more --steps, and if that doesn't help, look at images and labels"
        )
    given = torch.tensor(rates[:known]), torch.tensor(losses[:known])
    return {name: float(rule(*given, steps)[0]) for name, rule in RULES.items()}


def _shares(phase: Phase) -> np.ndarray:
    """Return the rate of each layer group as a share of the head's, at the peak of the phase."""
    course = [np.atleast_1d(phase.curves["lr"](share)) for share in np.linspace(0, 0.99, 100)]
    peak = max(course, key=lambda rates: float(rates[-1]))
    return np.asarray(peak / peak[-1], dtype=float)
