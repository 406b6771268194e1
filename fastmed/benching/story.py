"""Measuring a task on a machine: the loader, the steps, whole epochs, and predictions."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pandas as pd

from fastmed.benching.limits import limits_of
from fastmed.benching.loader import loader_pace
from fastmed.benching.machine import busy_percent, machine_facts
from fastmed.benching.pace import Pace
from fastmed.benching.predicting import predictions_pace
from fastmed.benching.reading import Sample, sample_of
from fastmed.benching.ready import Ready, made_ready
from fastmed.benching.speeds import Conditions, Speeds
from fastmed.benching.step import forward_pace, step_pace
from fastmed.benching.whole import epochs_pace
from fastmed.console import note
from fastmed.errors import TaskError
from fastmed.learn.fitting.randomness import untouched_randomness
from fastmed.learn.fitting.techniques import check_machine
from fastmed.learn.input.loaders import choose_device
from fastmed.learn.learner import check_weights
from fastmed.processes import refuse_several
from fastmed.settings.augment import AugmentSettings
from fastmed.task import Task
from fastmed.training.train import with_timm_name

Found = TypeVar("Found")

TURNS = 2
_TECHNIQUES = ("mixup", "cutmix", "accumulate", "clip", "ema")


def bench(
    task: Task,
    data: str | Path | pd.DataFrame,
    *,
    seconds: float = 10,
    device: str | None = None,
    workers: int | None = None,
    skip_bad: bool = False,
    cache: bool = True,
) -> Speeds:
    """Return how quickly a task is trained and predicted here, and what limits it.

    Measured are the loader alone, the network's steps alone on a batch that lies on the device,
    whole epochs, predictions, and the first reading of files that are not in the cache. Random
    generators are put back, and no file is left but decoded images in the cache and, where the
    task leaves it open, the quickest way of the network's steps, which trainings look for, too.

    Args:
        task: with all settings that a training would have.
        data: the folder of the data set, or the items that `read_items` made of it.
        seconds: of each measurement, after a warm-up. Of many images that are not decoded yet,
            as many are taken as are decoded in that time.
        device: ``cpu``, ``cuda``, ...; None takes the best.
        workers: loader processes; None chooses.
        skip_bad: leave out images that can't be read, instead of refusing.
        cache: keep the decoded images on disk; False decodes them in every epoch.

    Raises:
        FastmedError: what is wrong with the data, the network or the settings.
    """
    refuse_several("The measurement of speed")
    if not seconds > 0:
        raise TaskError(f"{seconds} seconds are no time to measure in; take 1 or more")
    task = with_timm_name(task)
    check_weights(task)
    check_machine(task, choose_device(device))
    busy = busy_percent()
    with untouched_randomness():
        sample = sample_of(task, data, seconds, skip_bad, cache)
        made = made_ready(task, sample.items, sample.share, device, workers, cache)
        with made as ready:
            speeds = _measured(ready, sample, seconds, workers, cache)
    return replace(speeds, machine={**speeds.machine, "busy_percent": busy})


def _measured(
    ready: Ready, sample: Sample, seconds: float, workers: int | None, cache: bool
) -> Speeds:
    paces: dict[str, Pace] = {}
    if sample.reading is not None:
        paces["reading"] = sample.reading
    turns, keeping = _epochs_and_steps(ready, seconds)
    paces |= turns
    paces["loader"] = _told("the loader alone", lambda: loader_pace(ready, seconds))
    if ready.task.augment.active:
        paces["loader_plain"] = _told(
            "the loader without augmentation", lambda: loader_pace(ready, seconds, augmented=False)
        )
    made = _told("predictions", lambda: predictions_pace(ready, seconds, workers, cache))
    paces |= {"views": made.forward, "prediction": made.whole}
    conditions = conditions_of(ready, sample)
    limits = limits_of(paces, conditions, keeping)
    machine = machine_facts(ready.device)
    return Speeds(ready.task, paces, keeping, conditions, machine, limits)


def _epochs_and_steps(ready: Ready, seconds: float) -> tuple[dict[str, Pace], float]:
    """Measure epochs and their ceilings in turns, so that what disturbs one disturbs both.

    Returns:
        The paces by their names, and the seconds of an epoch for keeping it.
    """
    found: list[dict[str, Pace]] = []
    keeping: list[float] = []
    for _ in range(TURNS):
        epochs = _told("whole epochs", lambda: epochs_pace(ready, seconds / TURNS))
        step = _told("training steps alone", lambda: step_pace(ready, seconds / TURNS))
        forward = _told("the forward pass alone", lambda: forward_pace(ready, seconds / TURNS))
        keeping.append(epochs.keeping)
        found.append(
            {
                "training": epochs.training,
                "validation": epochs.validation,
                "step": step,
                "forward": forward,
            }
        )
    paces = {name: Pace.joined(turn[name] for turn in found) for name in found[0]}
    return paces, sum(keeping) / TURNS


def _told(what: str, measure: Callable[[], Found]) -> Found:
    note(f"Measuring {what}")
    return measure()


def conditions_of(ready: Ready, sample: Sample) -> Conditions:
    """Return under which conditions something is measured."""
    task, loader = ready.task, ready.loaders.train
    plain = type(task.train)()
    techniques = [n for n in _TECHNIQUES if getattr(task.train, n) != getattr(plain, n)]
    return Conditions(
        arch=task.train.arch,
        size=task.image.size,
        channels=task.image.channels,
        batch=loader.bs,
        way=str(ready.way),
        speed=task.train.speed,
        techniques=tuple(techniques),
        augmentation=_changing(task.augment),
        views=tuple(task.predict.views),
        decoded=ready.decoded,
        overlapped=ready.device.type != "cpu",
        workers=loader.fake_l.num_workers,
        train=len(ready.loaders.train_ds),
        valid=len(ready.loaders.valid_ds),
        images=len(sample.items),
        share=sample.share,
    )


def _changing(augment: AugmentSettings) -> tuple[str, ...]:
    plain = AugmentSettings()
    names = ("flip_horizontal", "flip_vertical", "rotate", "zoom", "warp", "light", "hed")
    return tuple(name for name in names if getattr(augment, name) != getattr(plain, name))
