"""The phases of a fit (frozen, then whole) and the learning rate within each."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from fastai.callback.schedule import SchedCos, combined_cos

from fastmed.errors import TaskError
from fastmed.settings.rates import LR_SPREAD
from fastmed.settings.train import TrainSettings
from fastmed.task import Task

Rates = np.ndarray
Curve = Callable[[float], Rates | float]

WARM_START = 0.01  # share of its course at which the rate of a warm-up begins


@dataclass(frozen=True)
class Phase:
    """One call of fastai's ``fit``.

    Attributes:
        name: ``frozen`` or ``whole``.
        epochs: how many.
        frozen: True if only the head learns.
        curves: hyper-parameter -> its value at each share (0 to 1) of the phase; of the learning
            rate one value for each layer group, from the input to the head.
    """

    name: str
    epochs: int
    frozen: bool
    curves: dict[str, Curve]


def plan_phases(task: Task, pretrained_body: bool, groups: int = 3) -> list[Phase]:
    """Return the phases of the task's fit; a random body is never frozen nor slowed.

    Args:
        groups: layer groups of the network, which each have a rate.

    Raises:
        TaskError: the task names an epoch that never comes.
    """
    settings = task.train
    rates = settings.lr * _shares(settings, pretrained_body, groups)
    phases = []
    if pretrained_body and settings.freeze_epochs:
        curves = _one_cycle(np.full(groups, settings.lr), settings, settings.freeze_epochs)
        phases.append(Phase("frozen", settings.freeze_epochs, True, curves))
    if settings.epochs:
        curves = SCHEDULES[settings.schedule](rates, settings, settings.epochs)
        if settings.warmup_epochs:
            curves["lr"] = _warmed_up(curves["lr"], settings.warmup_epochs / settings.epochs)
        phases.append(Phase("whole", settings.epochs, False, curves))
    _check_augmentation(task, sum(phase.epochs for phase in phases))
    return phases


def _check_augmentation(task: Task, epochs: int) -> None:
    if task.augment.active and task.augment.first_epoch > epochs:
        raise TaskError(
            f"augment.first_epoch = {task.augment.first_epoch} never comes: "
            f"the training has {epochs} epochs"
        )


def _shares(settings: TrainSettings, pretrained_body: bool, groups: int) -> Rates:
    """Return the rate of each layer group, from the input to the head, as a share of the head's."""
    if not pretrained_body:
        return np.ones(groups)
    if settings.layer_decay is not None:
        return settings.layer_decay ** np.arange(groups - 1, -1, -1.0)
    return np.geomspace(1 / (settings.lr_spread or LR_SPREAD), 1, groups)


def _warmed_up(curve: Curve, share: float) -> Curve:
    """Return a curve that rises to its own course, linearly over the first share of the phase."""
    return lambda now: curve(now) * min(1.0, WARM_START + (1 - WARM_START) * now / share)


def _one_cycle(rates: Rates, settings: TrainSettings, epochs: int) -> dict[str, Curve]:
    """Rise to the peak in the first quarter, fall to nothing after (arXiv 1803.09820)."""
    curves: dict[str, Curve] = {"lr": combined_cos(0.25, rates / 25, rates, rates / 1e5)}
    if settings.cycles_momentum:
        curves["mom"] = combined_cos(0.25, 0.95, 0.85, 0.95)
    return curves


def _flat_cosine(rates: Rates, settings: TrainSettings, epochs: int) -> dict[str, Curve]:
    return {"lr": combined_cos(0.75, rates, rates, rates / 1e5)}


def _cosine(rates: Rates, settings: TrainSettings, epochs: int) -> dict[str, Curve]:
    return {"lr": SchedCos(rates, rates / 1e5)}


def _step(rates: Rates, settings: TrainSettings, epochs: int) -> dict[str, Curve]:
    every, factor = settings.step_epochs or 10, settings.step_factor or 0.1

    def curve(share: float) -> Rates:
        epoch = np.floor(share * epochs + 1e-6)
        return rates * factor ** (epoch // every)

    return {"lr": curve}


def _constant(rates: Rates, settings: TrainSettings, epochs: int) -> dict[str, Curve]:
    return {"lr": lambda share: rates}


SCHEDULES: dict[str, Callable[[Rates, TrainSettings, int], dict[str, Curve]]] = {
    "one_cycle": _one_cycle,
    "flat_cosine": _flat_cosine,
    "cosine": _cosine,
    "step": _step,
    "constant": _constant,
}
