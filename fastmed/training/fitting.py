"""The fit of a run, from its start or from a checkpoint on, to its finished evaluation."""

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import torch
from fastai.callback.core import Callback
from fastai.callback.progress import ProgressCallback
from fastai.callback.schedule import ParamScheduler
from fastai.learner import Learner

from fastmed.console import clear_sentence, warn
from fastmed.data.pseudonyms import NamesBelow
from fastmed.errors import FastmedError, RunError, TrainingError
from fastmed.evaluation import finish
from fastmed.learn.distributed.team import team, trouble_of_several
from fastmed.learn.distributed.together import trained_together
from fastmed.learn.fitting.callbacks import History, KeepBest, StopWhenNotFinite
from fastmed.learn.fitting.checkpoint import Begin, GoOn, KeepCheckpoints, Snapshot
from fastmed.learn.fitting.epochs import fit_epochs
from fastmed.learn.fitting.footprint import Footprint
from fastmed.learn.fitting.interrupts import StopWhenInterrupted, interrupt_between_batches
from fastmed.learn.fitting.measures import MeasureTestPart, measures
from fastmed.learn.fitting.precision import leave_half_precision, set_precision
from fastmed.learn.fitting.progress import ShowProgress
from fastmed.learn.fitting.scalars import keep_on_device
from fastmed.learn.fitting.schedule import Phase
from fastmed.learn.fitting.snapshot import put_states
from fastmed.learn.fitting.techniques import techniques
from fastmed.learn.fitting.tracking import TellTrackers
from fastmed.learn.input.augment import AugmentEpochs
from fastmed.learn.input.cached import CachedLoader
from fastmed.learn.memory import memory_kept
from fastmed.learn.network.weights import restore_weights, save_weights
from fastmed.run import Run
from fastmed.run.checkpoints import checkpoints
from fastmed.task import Task
from fastmed.training.sameness import what_must_stay
from fastmed.training.speed import way_of
from fastmed.training.watching import tracked


def fit_and_finish(
    run: Run,
    learn: Learner,
    phases: Sequence[Phase],
    *,
    start: Snapshot | None = None,
    workers: int | None = None,
    cache: bool = True,
    told: Sequence[Callback] = (),
) -> None:
    """Fit the network of a run, keep its best epoch and evaluate it on the validation part.

    Of several processes that fit it, only the main one keeps and evaluates.

    Args:
        run: that has begun; nothing else may train it.
        learn: of the run's task and items.
        phases: of the whole fit.
        start: where to go on; None begins.
        workers, cache: for the evaluation.
        told: callbacks that only look on.

    Raises:
        KeyboardInterrupt: the run says how to go on. FastmedError: the run says that it failed.
    """
    if not team().main:
        _follow(run, learn, phases, start)
        return
    started = time.monotonic()
    history = History(run)
    best = KeepBest(run, history, run.task.select)
    with tracked(run) as messengers:
        try:
            if start is not None:
                _go_on(start, history, best)
            before = sum(row["seconds"] for row in history.rows)
            told = [TellTrackers(history, messengers), *told]
            fit_phases(learn, run.task, phases, history, best, start=start, told=told)
            restore_weights(learn.model, run.weights)
            finish(run, learn, workers=workers, cache=cache)
        except KeyboardInterrupt:
            _keep_what_is_there(run, learn, best, history)
            raise
        except Exception as error:
            with suppress(RunError):
                run.update(status="failed", reason=_without_names(run, team().reason(error)))
            raise
        _drop_states(run)
        run.update(status="done", seconds=round(before + time.monotonic() - started, 1))


def _without_names(run: Run, reason: str) -> str:
    """Return why a training failed, without the names of the user's files and folders."""
    return NamesBelow(run.data)(reason).replace(str(run.data), "the data folder")


def _follow(run: Run, learn: Learner, phases: Sequence[Phase], start: Snapshot | None) -> None:
    """Fit along with the main process, which keeps and evaluates."""
    history = History(run)
    if start is not None:
        _go_on(start, history)
    fit_phases(learn, run.task, phases, history, start=start)


def fit_phases(
    learn: Learner,
    task: Task,
    phases: Sequence[Phase],
    history: History,
    best: KeepBest | None = None,
    *,
    start: Snapshot | None = None,
    told: Sequence[Callback] = (),
) -> None:
    """Run the phases one after the other, with one history and one best epoch for all.

    Args:
        best: keeps the best epoch; without it nothing is kept or shown.
        start: in one of the phases; those before are over, and the history has their rows.
        told: callbacks that only pass on what happens.
    """
    learn.remove_cbs([cb for cb in learn.cbs if isinstance(cb, ProgressCallback)])
    epochs = sum(phase.epochs for phase in phases)
    show = None if best is None else ShowProgress(history, best, epochs)
    shown = [one for one in (best, show) if one is not None]
    measured = measures(history.run_folder, learn.dls)
    about = what_must_stay(history.run_folder)
    device = torch.device(learn.dls.device)
    way = way_of(history.run_folder, device)
    set_precision(learn, way.precision)
    keep_on_device(learn)
    with (
        learn.no_logging(),
        memory_kept(device, task.train.speed == "auto"),
        interrupt_between_batches(team().any) as heed,
    ):
        stops = [StopWhenInterrupted(heed), StopWhenNotFinite(), Footprint(history.run_folder)]
        try:
            for number, phase in enumerate(phases):
                if start is not None and number < start.phase:
                    continue
                first, here = _first_epoch(start, number)
                history.phase = phase.name
                augment = AugmentEpochs(task.augment, done=len(history.rows) - first)
                every = [*stops, history, *shown, ParamScheduler(phase.curves), augment]
                every += [*measured, *told, *techniques(task, way)]
                every += _keepers(history, best, number, about, here)
                _fit(learn, task, phase, every, first)
        finally:
            if show is not None:
                show.close()


def _first_epoch(start: Snapshot | None, number: int) -> tuple[int, Snapshot | None]:
    """Return the first epoch of a phase that is to come, and the checkpoint if it lies in it."""
    if start is None or start.phase != number:
        return 0, None
    return start.epoch, start


def _keepers(
    history: History,
    best: KeepBest | None,
    number: int,
    about: dict[str, Any],
    start: Snapshot | None,
) -> list[Callback]:
    """Return what writes the checkpoints of a phase, and what lets it go on from one."""
    goes_on = [] if start is None else [GoOn(start, keeps=best is not None)]
    if best is None:
        return goes_on
    keeper = KeepCheckpoints(history, best, number, about)
    return [keeper, *goes_on] if history.rows or goes_on else [keeper, Begin(keeper)]


def _go_on(start: Snapshot, *callbacks: Callback) -> None:
    """Bring back the rows and the best epoch, which the phases are set up with."""
    states = start.state(torch.device("cpu"))["callbacks"]
    put_states(callbacks, states, all_of_them=False)


def _fit(
    learn: Learner, task: Task, phase: Phase, callbacks: Sequence[Callback], first: int
) -> None:
    learn.freeze() if phase.frozen else learn.unfreeze()
    learn.create_opt()
    loaders = [*learn.dls.loaders, *_test_loaders(callbacks)]
    try:
        with trained_together(learn, loaders, team(), task.train.seed) as others:
            fit_epochs(learn, phase.epochs, [*callbacks, *others], first)
    except FastmedError as error:
        raise type(error)(clear_sentence(error)) from None
    except RuntimeError as error:
        shortage = _shortage(error, task, learn.dls.device) or trouble_of_several(error)
        if shortage is None:
            raise
        raise TrainingError(shortage) from None
    finally:
        leave_half_precision(learn)


def _test_loaders(callbacks: Sequence[Callback]) -> list[CachedLoader]:
    return [one.loader for one in callbacks if isinstance(one, MeasureTestPart)]


def _shortage(error: RuntimeError, task: Task, device: torch.device) -> str | None:
    """Return what the machine ran short of; None if the error is about something else."""
    if isinstance(error, torch.OutOfMemoryError):
        return (
            f"{task.train.batch // team().count} images of {task.image.size} pixels don't fit into "
            f"the memory of "
            f"{device}; use a smaller --batch, --size or --arch"
        )
    if "DataLoader worker" in str(error):
        return (
            "a process that reads images was killed, as happens for lack of (shared) memory; "
            "have fewer of them with --workers, or none with --workers 0"
        )
    return None


def _drop_states(run: Run) -> None:
    """Keep the weights alone of epochs that no one asked to go on from, now that all is done."""
    every = run.task.train.save_every
    for one in checkpoints(run.path):
        if every is None or one.epoch % every:
            one.drop_state()


def _keep_what_is_there(run: Run, learn: Learner, best: KeepBest, history: History) -> None:
    done = len(history.rows)
    if best.best_epoch:
        kept = f"epoch {best.best_epoch}, the best so far"
    else:
        kept = "the unfinished first epoch"
        save_weights(learn.model, run.weights)
    run.update(status="interrupted", epochs_done=done)
    warn(
        f"Interrupted; finished epochs: {done}. `fastmed resume {run.path}` goes on as if nothing "
        f"had happened. {run.path} keeps the weights of {kept}; `fastmed interpret {run.path}` and "
        "`fastmed predict` work on them."
    )
