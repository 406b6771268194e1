"""A moving average of the weights, which is validated and kept in place of them."""

from typing import Any

from fastai.callback.core import Callback
from timm.utils import ModelEmaV3
from torch import Tensor

_STEPS = "steps"


class AverageWeights(Callback):
    """Averages the weights of all steps, the later the more (arXiv 1806.05594 has it for images).

    The decay rises to its full value in the first steps, as timm's `ModelEmaV3` has it, so that a
    short training does not keep the weights that it began with. In the validation of an epoch, and
    until the best weights are kept, the network has the average; then it trains on as it was. Each
    phase averages its own steps.

    Args:
        decay: the share of the average that a step leaves as it is.
    """

    order = 58  # after the epoch's weights are kept

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self.average: Any = None  # timm's ModelEmaV3, while a fit runs
        self.trained: dict[str, Tensor] | None = None
        self.known: dict[str, Any] = {}

    def before_fit(self) -> None:
        """Begin with the weights as they are, or where a training stopped."""
        self.average = ModelEmaV3(self.learn.model, decay=self.decay, use_warmup=True)
        self._take_over()

    def after_step(self) -> None:
        """Take in the weights of a step."""
        self.steps += 1
        self.average.update(self.learn.model, step=self.steps)

    def before_validate(self) -> None:
        """Give the network the average."""
        own = self.learn.model.state_dict()
        self.trained = {name: value.detach().clone() for name, value in own.items()}
        self.learn.model.load_state_dict(self.average.module.state_dict())

    def after_epoch(self) -> None:
        """Give the network its own weights back."""
        if self.trained is not None:
            self.learn.model.load_state_dict(self.trained)
            self.trained = None

    def after_cancel_fit(self) -> None:
        """Give the network its own weights back if the epoch doesn't end."""
        self.after_epoch()

    def state(self) -> dict[str, Any]:
        """Return the average by the names of the weights, and of how many steps it is."""
        return {_STEPS: self.steps, **self.average.module.state_dict()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from `state`."""
        self.known = dict(state)
        self._take_over()

    def _take_over(self) -> None:
        if self.average is None or not self.known:
            return
        weights = {name: value for name, value in self.known.items() if name != _STEPS}
        self.average.module.load_state_dict(weights)
        self.steps, self.known = int(self.known[_STEPS]), {}
