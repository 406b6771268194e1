"""Checkpoints of a training: written after each epoch, read to go on from one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from fastai.callback.core import Callback
from fastai.learner import Learner
from safetensors.torch import save_file
from torch import Tensor, nn

from fastmed.errors import ModelError, RunError
from fastmed.files import read_info, write_text, write_whole
from fastmed.learn.fitting.callbacks import History, KeepBest
from fastmed.learn.fitting.plain import Tensors, from_plain, to_plain
from fastmed.learn.fitting.snapshot import State, put, take
from fastmed.learn.network.weights import read_state_dict, save_weights
from fastmed.run.checkpoints import Checkpoint, checkpoints

FORMAT = 1


@dataclass(frozen=True)
class Snapshot:
    """A training between two epochs.

    Attributes:
        kept: where it is in the run folder.
        phase: of the fit, from 0. epoch: the first of the phase that is still to come, from 0.
        about: what must be the same to go on: data, settings, versions.
        plain: what the training goes on with, as JSON.
        tensors: that ``plain`` names.
    """

    kept: Checkpoint
    phase: int
    epoch: int
    about: dict[str, Any]
    plain: Any = field(repr=False)
    tensors: Mapping[str, Tensor] = field(repr=False)

    def put_into(self, learn: Learner, *, all_of_it: bool = True) -> None:
        """Put all of it, weights included, into a training that was set up in the same way.

        Args:
            all_of_it: False lets callbacks be missing, as where another process keeps the results.

        Raises:
            RunError: it doesn't fit, or not all of it.
        """
        try:
            state = self.state(learn.dls.device)
            learn.model.load_state_dict({**self._weights(), **state["weights"]}, strict=True)
            put(learn, state, all_of_it=all_of_it)
        except _MISFITS as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise RunError(
                f"{self.kept.info} does not fit the training that it should go on with: {reason}"
            ) from None

    def state(self, device: torch.device) -> State:
        """Return what `take` returned, and ``weights``: those that the file of weights has not."""
        state: State = from_plain(self.plain, self.tensors, device)
        return state

    def _weights(self) -> Mapping[str, Tensor]:
        return read_state_dict(self.kept.weights) if self.kept.weights.is_file() else {}


_MISFITS = (
    ModelError, KeyError, TypeError, ValueError, RuntimeError, AssertionError, IndexError,
    AttributeError,
)  # fmt: skip


def read_snapshot(kept: Checkpoint) -> Snapshot:
    """Return a checkpoint of a run folder.

    Raises:
        RunError: it is damaged, or another fastmed wrote it.
    """
    info = read_info(kept.info)
    if info.get("format") != FORMAT:
        raise RunError(f"{kept.info} has another format; another version of fastmed wrote it")
    try:
        return Snapshot(
            kept, int(info["phase"]), int(info["next"]), dict(info["about"]), info["training"],
            read_state_dict(kept.state),
        )  # fmt: skip
    except (ModelError, KeyError, TypeError, ValueError) as error:
        raise RunError(f"{kept.info} is no whole checkpoint: {error}") from None


def write_snapshot(kept: Checkpoint, learn: Learner, place: dict[str, Any]) -> None:
    """Write a checkpoint: tensors first, and last what makes it count.

    Args:
        kept: where. The weights that were validated are there already.
        learn: between two epochs.
        place: ``phase``, ``next`` and ``about``; see `Snapshot`.
    """
    tensors: Tensors = {}
    state = {**take(learn), "weights": _others(learn.model, kept)}
    info = {"format": FORMAT, "epoch": kept.epoch, **place}
    text = json.dumps({**info, "training": to_plain(state, "training", tensors)}, allow_nan=False)
    kept.info.unlink(missing_ok=True)
    write_whole(kept.state, partial(save_file, tensors))
    write_text(kept.info, text + "\n")


def _others(model: nn.Module, kept: Checkpoint) -> Mapping[str, Tensor]:
    """Return the weights that are not, bit for bit, those in the file of weights.

    Where a moving average of the weights is validated, the training goes on with others.
    """
    own = model.state_dict()
    if not kept.weights.is_file():
        return own
    there = read_state_dict(kept.weights)
    return {name: value for name, value in own.items() if not _same(value, there.get(name))}


def _same(value: Tensor, other: Tensor | None) -> bool:
    if other is None or other.shape != value.shape or other.dtype != value.dtype:
        return False
    return torch.equal(value.detach().cpu(), other)


class KeepCheckpoints(Callback):
    """Writes a checkpoint after each epoch, and removes those that are not to be kept.

    The last epoch, the best one and every Nth stay.

    Args:
        history, best: of the whole fit.
        phase: that is fitted now, from 0.
        about: what must be the same for a training that goes on.
    """

    order = 60

    def __init__(self, history: History, best: KeepBest, phase: int, about: dict[str, Any]) -> None:
        self.history, self.best, self.phase, self.about = history, best, phase, about
        self.folder = history.run_folder.path
        self.every = history.run_folder.task.train.save_every

    def after_epoch(self) -> None:
        """Write the checkpoint."""
        self.keep(self.learn.epoch + 1)

    def after_cancel_fit(self) -> None:
        """Write the checkpoint of the epoch after which the phase was ended early."""
        self.keep(self.learn.n_epoch)

    def keep(self, upcoming: int) -> None:
        """Write a checkpoint of now, from which the phase goes on with an epoch, from 0."""
        kept = Checkpoint(self.folder, len(self.history.rows))
        place = {"phase": self.phase, "next": upcoming, "about": self.about}
        write_snapshot(kept, self.learn, place)
        wanted = {kept.epoch, self.best.best_epoch}
        for one in checkpoints(self.folder):
            if one.epoch not in wanted and not self._periodic(one.epoch):
                one.drop()

    def _periodic(self, epoch: int) -> bool:
        return self.every is not None and epoch > 0 and epoch % self.every == 0


class Begin(Callback):
    """Keeps a new training as it is before its first step.

    Args:
        keeper: of the phase.
    """

    order = 1000  # all others have begun, and drawn at random what they draw

    def __init__(self, keeper: KeepCheckpoints) -> None:
        self.keeper = keeper

    def before_fit(self) -> None:
        """Write the first checkpoint."""
        kept = Checkpoint(self.keeper.folder, 0)
        save_weights(self.learn.model, kept.weights)
        self.keeper.keep(0)


class GoOn(Callback):
    """Lets a training go on from a checkpoint.

    Args:
        start: where it stopped.
        keeps: False on a process that keeps nothing.
    """

    order = 1000

    def __init__(self, start: Snapshot, keeps: bool = True) -> None:
        self.start, self.keeps = start, keeps

    def before_fit(self) -> None:
        """Put the state back."""
        self.start.put_into(self.learn, all_of_it=self.keeps)
