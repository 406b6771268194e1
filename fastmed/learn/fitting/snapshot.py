"""All that a training needs to go on as if it had never stopped: taken from it, put into it."""

import random
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from fastai.callback.core import Callback
from fastai.callback.training import GradientAccumulation
from fastai.data.load import DataLoader
from fastai.learner import Learner
from torch import Tensor, nn

State = dict[str, Any]

# What callbacks of fastai itself carry from one epoch to the next.
_OF_FASTAI: dict[type[Callback], tuple[str, ...]] = {GradientAccumulation: ("count",)}


def take(learn: Learner) -> State:
    """Return everything of a training between two epochs but the network's weights.

    That is the optimizer, gradients that are still to be used, the running mean of the loss, what
    callbacks carry on, and each source of randomness.
    """
    smooth = learn.recorder.smooth_loss
    return {
        "optimizer": learn.opt.state_dict(),
        "gradients": _gradients(learn.model),
        "smooth_loss": {"val": smooth.val, "count": smooth.count},
        "train_iter": learn.train_iter,
        "callbacks": {name: _state(one) for name, one in _named(learn.cbs).items()},
        "random": _random_states(learn.dls.loaders),
    }


def put(learn: Learner, state: State, *, all_of_it: bool = True) -> None:
    """Put what `take` returned into a training that was set up in the same way.

    To be called when all callbacks have begun their fit, since some forget everything then.

    Args:
        all_of_it: refuse a state of a callback that is not there.

    Raises:
        KeyError, ValueError, RuntimeError, ...: it does not fit; nothing of it may be used then.
    """
    learn.opt.load_state_dict(state["optimizer"])
    _set_gradients(learn.model, state["gradients"])
    smooth = learn.recorder.smooth_loss
    smooth.val, smooth.count = state["smooth_loss"]["val"], state["smooth_loss"]["count"]
    learn.train_iter = state["train_iter"]
    put_states(learn.cbs, state["callbacks"], all_of_them=all_of_it)
    _set_random_states(learn.dls.loaders, state["random"])


def put_states(callbacks: Iterable[Callback], states: State, *, all_of_them: bool = True) -> None:
    """Give callbacks what they carried on.

    Args:
        callbacks: those without any such thing are left alone.
        states: by the name of the callback's class.
        all_of_them: refuse states without a callback.
    """
    named = _named(callbacks)
    unknown = set(states) ^ set(named) if all_of_them else set(named) - set(states)
    if unknown:
        raise ValueError(f"there is no match for {', '.join(sorted(unknown))}")
    for name, one in named.items():
        _set_state(one, states[name])


def _named(callbacks: Iterable[Callback]) -> dict[str, Callback]:
    """Return the callbacks that carry something on, by the names of their classes."""
    carrying = [one for one in callbacks if _carries(type(one))]
    counts = Counter(type(one).__name__ for one in carrying)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise ValueError(f"there are several callbacks {twice[0]}")
    return {type(one).__name__: one for one in carrying}


def _carries(kind: type[Callback]) -> bool:
    return hasattr(kind, "load_state") or _names_of(kind) != ()


def _names_of(kind: type[Callback]) -> tuple[str, ...]:
    return next((names for known, names in _OF_FASTAI.items() if issubclass(kind, known)), ())


def _state(callback: Callback) -> State:
    names = _names_of(type(callback))
    return {name: getattr(callback, name) for name in names} if names else callback.state()


def _set_state(callback: Callback, state: State) -> None:
    names = _names_of(type(callback))
    for name in names:
        setattr(callback, name, state[name])
    if not names:
        callback.load_state(state)


def _gradients(model: nn.Module) -> State:
    """Return which parameters have a gradient, and those that are more than zero.

    Optimizers pass over a parameter without one, and shrink one whose gradient is zero.
    """
    there = {name: one.grad for name, one in model.named_parameters() if one.grad is not None}
    values = {name: grad for name, grad in there.items() if torch.count_nonzero(grad)}
    return {"names": list(there), "values": values}


def _set_gradients(model: nn.Module, gradients: State) -> None:
    parameters = dict(model.named_parameters())
    for name in gradients["names"]:
        one = parameters[name]
        one.grad = torch.zeros_like(one)
        if name in gradients["values"]:
            one.grad.copy_(gradients["values"][name])


def _random_states(loaders: Iterable[DataLoader]) -> State:
    kind, keys, *rest = np.random.get_state(legacy=True)
    states: State = {
        "python": _of_python(random.getstate()),
        "loaders": [_of_python(loader.rng.getstate()) for loader in loaders],
        "numpy": [kind, torch.tensor(np.asarray(keys, np.int64)), *rest],
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state_all()
    return states


def _set_random_states(loaders: Iterable[DataLoader], states: State) -> None:
    random.setstate(_to_python(states["python"]))
    for loader, state in zip(loaders, states["loaders"], strict=True):
        loader.rng.setstate(_to_python(state))
    kind, keys, *rest = states["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(states["torch"])
    if torch.cuda.is_available() and len(states.get("cuda", ())) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(states["cuda"])


def _of_python(state: tuple[int, tuple[int, ...], float | None]) -> State:
    version, words, gauss = state
    return {"version": version, "words": torch.tensor(words, dtype=torch.int64), "gauss": gauss}


def _to_python(state: State) -> tuple[int, tuple[int, ...], float | None]:
    words: Tensor = state["words"]
    return state["version"], tuple(words.tolist()), state["gauss"]
