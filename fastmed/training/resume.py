"""Resuming: a training that was stopped goes on as if nothing had happened."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
from fastai.callback.core import Callback

from fastmed.console import note, warn
from fastmed.errors import RunError, listed
from fastmed.learn.distributed.team import team
from fastmed.learn.fitting.checkpoint import Snapshot, read_snapshot
from fastmed.learn.input.loaders import dataloaders
from fastmed.learn.learner import learner
from fastmed.learn.restore import statistics_of
from fastmed.run import Run, list_runs
from fastmed.run.checkpoints import Checkpoint, checkpoints, drop_others, drop_unfinished
from fastmed.run.claim import claimed
from fastmed.training.fitting import fit_and_finish
from fastmed.training.following import give_run, run_of_all, taken_run
from fastmed.training.sameness import check_sameness, unchanged_items
from fastmed.training.train import begin_and_fit, phases_of, prepare

STOPPED = ("interrupted", "killed")


def resume(
    run: Run | str | Path,
    *,
    epoch: int | None = None,
    device: str | None = None,
    workers: int | None = None,
    cache: bool | None = None,
    told: Sequence[Callback] = (),
) -> Run:
    """Go on with a training that was interrupted, killed or failed, and return the run.

    On the same machine's CPU, weights and history are then those of a training that was never
    stopped, bit for bit.

    Args:
        run: a run or its folder.
        epoch: after which to go on; later ones are trained again. None takes the last.
        device: as for `train`; None takes what the run was begun with, here and below.
        workers: loader processes.
        cache: keep the decoded images on disk.
        told: as for `train`.

    Raises:
        RunError: the run is finished, is being trained, or has no such checkpoint; or settings,
            the table of images or versions are not what they were.
        DataError: images have changed, or are gone.
        KeyboardInterrupt: `resume` goes on once more.
    """
    folder = run.path if isinstance(run, Run) else Path(run)
    with team().telling_failures(), _opened(folder, epoch) as (opened, kept):
        device = device or _device_of(opened)
        workers = opened.info.get("workers") if workers is None else workers
        cache = bool(opened.info.get("cache", True)) if cache is None else cache
        if kept is None:
            _begin_again(opened, device, workers, cache, told)
        else:
            _go_on(opened, read_snapshot(kept), device, workers, cache, told=told)
        return run_of_all(opened)


def newest_stopped(runs: str | Path) -> Run:
    """Return the newest run below a folder that was interrupted or killed.

    Raises:
        RunError: there is none.
    """
    found = [run for run in list_runs(runs) if run.status in STOPPED]
    if not found:
        raise RunError(f"no run in '{runs}' was interrupted; `fastmed runs` lists what there is")
    return found[-1]


@contextmanager
def _opened(folder: Path, epoch: int | None) -> Iterator[tuple[Run, Checkpoint | None]]:
    """Give the run and the checkpoint to go on from; processes that follow get a copy."""
    if not team().main:
        with taken_run() as copy:
            yield copy, _chosen(copy, epoch)
        return
    run = Run.open(folder)
    with claimed(run.path):
        drop_unfinished(run.path)
        kept = _chosen(run, epoch)
        give_run(run, kept)
        yield run, kept


def _device_of(run: Run) -> str | None:
    """Return what a run was begun on; of several GPUs each process takes its own."""
    device = run.info.get("device")
    return device.partition(":")[0] if device and team().count > 1 else device


def _chosen(run: Run, epoch: int | None) -> Checkpoint | None:
    """Return the checkpoint to go on from; None if the training never came so far as to have one.

    Raises:
        RunError: the run is finished, or has none of this epoch.
    """
    if run.info.get("status") == "done" and epoch is None:
        raise RunError(
            f"{run.path} is finished: there is nothing to go on with; to train longer, begin a run "
            f"from its weights with `--weights {run.path}`"
        )
    kept = [one for one in checkpoints(run.path) if one.resumable]
    if epoch is None:
        return kept[-1] if kept else None
    for one in kept:
        if one.epoch == epoch:
            return one
    there = listed([one.epoch for one in kept], 12) or "none"
    raise RunError(f"{run.path} can't go on from epoch {epoch}, only from {there}")


def _begin_again(
    run: Run, device: str | None, workers: int | None, cache: bool, told: Sequence[Callback]
) -> None:
    """Train a run whose training was stopped before its first step."""
    note(f"{run.path} was stopped before its first step: it begins again")
    items = unchanged_items(run, cache)
    prepared = prepare(run.task, items, device, workers, cache)
    begin_and_fit(run, items, prepared, workers, cache, told=told)


def _go_on(
    run: Run,
    start: Snapshot,
    device: str | None,
    workers: int | None,
    cache: bool,
    *,
    told: Sequence[Callback],
) -> None:
    check_sameness(run, start.about)
    items = unchanged_items(run, cache)
    statistics, task = statistics_of(run), run.task
    dls = dataloaders(task, items, statistics, device=device, workers=workers, cache=cache)
    learn = learner(task, dls, start=False)
    _tell(run, start, str(dls.device), items)
    drop_others(run.path, [one for one in _epochs(run) if one <= start.kept.epoch])
    run.forget("epochs_done", "reason")
    resumed = [*run.info.get("resumed", []), start.kept.epoch]
    run.update(status="training", device=str(dls.device), resumed=resumed)
    phases = phases_of(task, learn)
    fit_and_finish(run, learn, phases, start=start, workers=workers, cache=cache, told=told)


def _epochs(run: Run) -> list[int]:
    return [one.epoch for one in checkpoints(run.path)]


def _tell(run: Run, start: Snapshot, device: str, items: pd.DataFrame) -> None:
    began = run.info.get("device")
    if began != device:
        warn(f"the training began on {began} and goes on on {device}: it won't be quite the same")
    done = start.kept.epoch
    note(f"Going on after epoch {done} with {len(items)} images on {device}; the run is {run.path}")
