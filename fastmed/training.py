"""Training: from a task and a data folder to a run."""

import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pandas as pd
import torch
from fastai.callback.progress import ProgressCallback
from fastai.callback.schedule import ParamScheduler
from fastai.learner import Learner
from fastai.torch_core import set_seed

from fastmed.console import clear_sentence, note, print_table, warn
from fastmed.data.items import read_items, summarize
from fastmed.data.metadata import metadata_table, tell_of_strange
from fastmed.data.tables import LEFT_OUT, part
from fastmed.errors import FastmedError, RunError, TrainingError
from fastmed.evaluation import finish
from fastmed.learn.fitting.callbacks import History, KeepBest, StopWhenNotFinite
from fastmed.learn.fitting.interrupts import StopWhenInterrupted, interrupt_between_batches
from fastmed.learn.fitting.progress import ShowProgress
from fastmed.learn.fitting.schedule import Phase, plan_phases
from fastmed.learn.input.augment import AugmentEpochs
from fastmed.learn.input.loaders import choose_device, dataloaders
from fastmed.learn.input.statistics import Statistics, measure
from fastmed.learn.learner import check_weights, learner
from fastmed.learn.network.architectures import resolve_arch
from fastmed.learn.network.weights import restore_weights, save_weights
from fastmed.run import Run
from fastmed.task import Task


def train(
    task: Task,
    data: str | Path | pd.DataFrame,
    *,
    runs: str | Path = "runs",
    name: str = "",
    family: Path | None = None,
    device: str | None = None,
    workers: int | None = None,
    skip_bad: bool = False,
    cache: bool = True,
) -> Run:
    """Train a task on a data folder and return the run, evaluated on its validation part.

    Args:
        task: from `find_task`, changed by ``task.with_changes`` as wished.
        data: the folder of the data set, or the items that `read_items` made of it.
        runs: where the run folder is made, below the task's name.
        name: of the run folder; empty means the time and the backbone.
        family: the folder of the family that the run belongs to; it is then made in there.
        device: ``cpu``, ``cuda``, ...; None takes the best.
        workers: loader processes; None chooses.
        skip_bad: leave out images that can't be read, instead of refusing.
        cache: keep the decoded images on disk, so that none is decoded again.

    Raises:
        FastmedError: what is wrong with the data, the network or the settings.
        KeyboardInterrupt: the run holds the best epoch so far.
    """
    task = _with_timm_name(task)
    phases = plan_phases(task, task.train.pretrained)
    check_weights(task)
    choose_device(device)
    items = data if isinstance(data, pd.DataFrame) else read_and_show(task, data, skip_bad, cache)
    _note_unused_freezing(task)
    set_seed(task.train.seed)
    statistics = measure(task, items, cache)
    _show_metadata(items, statistics)
    dls = dataloaders(task, items, statistics, device=device, workers=workers, cache=cache)
    learn = learner(task, dls)
    run = Run.create(runs, task, items, name, family)
    _begin(run, items, statistics, learn)
    _fit_and_finish(run, learn, phases, workers, cache)
    return run


def _with_timm_name(task: Task) -> Task:
    """Return the task with the backbone's own timm name, so that the run says what it is."""
    if task.metadata_only:
        return task.with_changes({"train.pretrained": False, "train.freeze_epochs": 0})
    download = task.train.pretrained and task.train.weights is None
    return task.with_changes({"train.arch": resolve_arch(task.train.arch, download)})


def read_and_show(task: Task, data: str | Path, skip_bad: bool, cache: bool) -> pd.DataFrame:
    """Return the items of a data folder, and print how many there are of each class."""
    items = read_items(task, data, skip_bad=skip_bad, cache=cache)
    counts = summarize(items, task.classes).reset_index()
    print_table("Images", list(counts.columns), counts.itertuples(index=False))
    return items


def _show_metadata(items: pd.DataFrame, statistics: Statistics) -> None:
    if statistics.metadata is not None:
        train = part(items, "train")
        tell_of_strange(statistics.metadata, train)
        table = metadata_table(statistics.metadata, train)
        title = "Metadata of the training part"
        print_table(title, list(table.columns), table.itertuples(index=False))


def _note_unused_freezing(task: Task) -> None:
    if task.train.freeze_epochs and not task.train.pretrained:
        note(
            f"The body starts from random weights, so the {task.train.freeze_epochs} frozen "
            "epochs are left out."
        )


def _begin(run: Run, items: pd.DataFrame, statistics: Statistics, learn: Learner) -> None:
    run.update(
        status="training",
        reading=_counts_of_reading(items),
        device=str(learn.dls.device),
        mean=statistics.mean,
        std=statistics.std,
        metric=run.task.select,
        **({"meta": statistics.metadata.to_json()} if statistics.metadata else {}),
    )
    note(f"Training {run.task.train.arch} on {learn.dls.device}; the run is {run.path}")


def _counts_of_reading(items: pd.DataFrame) -> dict[str, int]:
    """Return how many images were decoded by what, and scaled how."""
    read = items[items["split"] != LEFT_OUT]
    return dict(Counter((read["decoder"] + ", " + read["scaling"]).tolist()))


def _fit_and_finish(
    run: Run, learn: Learner, phases: list[Phase], workers: int | None, cache: bool
) -> None:
    task = run.task
    started = time.monotonic()
    history = History(run)
    best = KeepBest(run, history, task.select)
    try:
        fit_phases(learn, task, phases, history, best)
        restore_weights(learn.model, run.weights)
        finish(run, learn, workers=workers, cache=cache)
    except KeyboardInterrupt:
        _keep_what_is_there(run, learn, best, history)
        raise
    except Exception as error:
        with suppress(RunError):
            run.update(status="failed", reason=clear_sentence(error))
        raise
    run.update(status="done", seconds=round(time.monotonic() - started, 1))


def fit_phases(
    learn: Learner, task: Task, phases: list[Phase], history: History, best: KeepBest
) -> None:
    """Run the phases one after the other, with one history and one best epoch for all."""
    learn.remove_cbs([cb for cb in learn.cbs if isinstance(cb, ProgressCallback)])
    show = ShowProgress(history, best, sum(phase.epochs for phase in phases))
    with learn.no_logging(), interrupt_between_batches() as heed:
        stops = [StopWhenInterrupted(heed), StopWhenNotFinite()]
        try:
            for phase in phases:
                history.phase = phase.name
                augment = AugmentEpochs(task.augment, done=len(history.rows))
                every = [*stops, history, best, show, ParamScheduler(phase.curves), augment]
                _fit(learn, task, phase, every)
        finally:
            show.close()


def _fit(learn: Learner, task: Task, phase: Phase, callbacks: list) -> None:
    learn.freeze() if phase.frozen else learn.unfreeze()
    learn.create_opt()
    try:
        learn.fit(phase.epochs, cbs=callbacks)
    except FastmedError as error:
        raise type(error)(clear_sentence(error)) from None
    except RuntimeError as error:
        shortage = _shortage(error, task, learn.dls.device)
        if shortage is None:
            raise
        raise TrainingError(shortage) from None


def _shortage(error: RuntimeError, task: Task, device: torch.device) -> str | None:
    """Return what the machine ran short of; None if the error is about something else."""
    if isinstance(error, torch.OutOfMemoryError):
        return (
            f"{task.train.batch} images of {task.image.size} pixels don't fit into the memory of "
            f"{device}; use a smaller --batch, --size or --arch"
        )
    if "DataLoader worker" in str(error):
        return (
            "a process that reads images was killed, as happens for lack of (shared) memory; "
            "have fewer of them with --workers, or none with --workers 0"
        )
    return None


def _keep_what_is_there(run: Run, learn: Learner, best: KeepBest, history: History) -> None:
    done = len(history.rows)
    if best.best_epoch:
        kept = f"epoch {best.best_epoch}, the best so far"
    else:
        kept = "the unfinished first epoch"
        save_weights(learn.model, run.weights)
    run.update(status="interrupted", epochs_done=done)
    warn(
        f"Interrupted; finished epochs: {done}. {run.path} keeps the weights of {kept}; "
        f"`fastmed interpret {run.path}` and `fastmed predict` work on them."
    )
