"""fastai's optimizers with one kernel for many parameters, where fastai takes one after the other.

Settings, states and what becomes of the weights are fastai's, up to rounding, so that a checkpoint
of one may be gone on with by the other.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, NamedTuple

import torch
from fastai.optimizer import Optimizer
from fastcore.foundation import L
from torch import Tensor
from torch.optim.adam import adam
from torch.optim.sgd import sgd

State = dict[str, Any]
FUSED = ("cpu", "cuda")  # devices whose kernels PyTorch has for both optimizers


class Chunk(NamedTuple):
    """Parameters that are stepped at once: on one device, with the same settings."""

    parameters: list[Tensor]
    gradients: list[Tensor]
    states: list[State]
    settings: dict[str, float]
    decayed: bool

    @property
    def fused(self) -> bool:
        """True if there is a kernel that takes the whole step."""
        return self.parameters[0].device.type in FUSED

    def kept(self, name: str) -> list[Tensor]:
        """Return a running mean of each parameter's state, laid out in memory as it is."""
        for parameter, state in zip(self.parameters, self.states, strict=True):
            state[name] = _laid_out(state.get(name), parameter)
        return [state[name] for state in self.states]


class FusedOptimizer(Optimizer, ABC):
    """An optimizer of fastai whose step is taken for many parameters at once.

    Args:
        parameters: of each group of layers.
        decouple_wd: take the weight decay off the weights; else it is added to the gradient.
        settings: ``lr``, ``mom`` and others of `DEFAULTS`, for all groups.
    """

    DEFAULTS: ClassVar[dict[str, float]] = {}

    def __init__(self, parameters: Any, *, decouple_wd: bool, **settings: float) -> None:
        super().__init__(parameters, L(), **{**self.DEFAULTS, **settings})
        self.decouple_wd = decouple_wd

    def step(self, closure: Callable[[], Any] | None = None) -> None:
        """Change all parameters that have a gradient."""
        if closure is not None:
            raise NotImplementedError("this optimizer takes no closure")
        with torch.no_grad():
            for chunk in self._chunks():
                decay = chunk.settings["wd"] if chunk.decayed else 0.0
                if decay and self.decouple_wd:
                    torch._foreach_mul_(chunk.parameters, 1 - chunk.settings["lr"] * decay)
                self.step_of(chunk, 0.0 if self.decouple_wd else decay)

    @abstractmethod
    def step_of(self, chunk: Chunk, decay: float) -> None:
        """Change the parameters of a chunk; add this share of them to the gradients."""

    def zero_grad(self) -> None:
        """Forget the gradients; the next ones are then not added to anything."""
        for parameter, *_ in self.all_params():
            parameter.grad = None

    def _chunks(self) -> Iterator[Chunk]:
        found: dict[tuple[Any, ...], Chunk] = {}
        for parameter, _, state, settings in self.all_params(with_grad=True):
            self.state[parameter] = state
            decayed = bool(settings["wd"]) and state.get("do_wd", True)
            key = (id(settings), decayed, parameter.device, parameter.dtype)
            chunk = found.setdefault(key, Chunk([], [], [], settings, decayed))
            chunk.parameters.append(parameter.data)
            chunk.gradients.append(_laid_out(parameter.grad.data, parameter.data))
            chunk.states.append(state)
        yield from found.values()


class FusedAdam(FusedOptimizer):
    """Adam (arXiv 1412.6980), or AdamW (arXiv 1711.05101) with decoupled decay."""

    DEFAULTS: ClassVar[dict[str, float]] = {"mom": 0.9, "sqr_mom": 0.99, "eps": 1e-5, "wd": 0.01}

    def step_of(self, chunk: Chunk, decay: float) -> None:
        """Change the parameters of a chunk; add this share of them to the gradients."""
        settings = chunk.settings
        adam(
            chunk.parameters,
            chunk.gradients,
            chunk.kept("grad_avg"),
            chunk.kept("sqr_avg"),
            [],
            [_counted(state, chunk) for state in chunk.states],
            fused=chunk.fused,
            foreach=not chunk.fused,
            amsgrad=False,
            beta1=settings["mom"],
            beta2=settings["sqr_mom"],
            lr=settings["lr"],
            weight_decay=decay,
            eps=settings["eps"],
            maximize=False,
        )


class FusedSGD(FusedOptimizer):
    """Stochastic gradient descent with momentum."""

    DEFAULTS: ClassVar[dict[str, float]] = {"mom": 0.9, "wd": 0.0}

    def step_of(self, chunk: Chunk, decay: float) -> None:
        """Change the parameters of a chunk; add this share of them to the gradients."""
        settings = chunk.settings
        averages: list[Tensor | None] = [None] * len(chunk.parameters)
        sgd(
            chunk.parameters,
            chunk.gradients,
            [*chunk.kept("grad_avg")] if settings["mom"] else averages,
            fused=chunk.fused,
            foreach=not chunk.fused,
            weight_decay=decay,
            momentum=settings["mom"],
            lr=settings["lr"],
            dampening=0.0,
            nesterov=False,
            maximize=False,
        )


def _laid_out(values: Tensor | None, parameter: Tensor) -> Tensor:
    """Return values in the parameter's layout, zeros for None: kernels go through memory."""
    if values is None:
        return torch.zeros_like(parameter)
    if values.stride() == parameter.stride():
        return values
    return torch.empty_like(parameter).copy_(values)


def _counted(state: State, chunk: Chunk) -> Tensor:
    """Return the number of steps so far, as a tensor that the kernel counts up."""
    if not isinstance(state.get("step"), Tensor):
        device = chunk.parameters[0].device if chunk.fused else None
        state["step"] = torch.tensor(float(state.get("step", 0)), device=device)
    return state["step"]
