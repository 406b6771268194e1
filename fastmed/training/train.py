"""Training: from a task and a data folder to a run."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
from fastai.callback.core import Callback
from fastai.learner import Learner
from fastai.torch_core import set_seed

from fastmed.auditing.quick import audit_before_training
from fastmed.console import note, print_table
from fastmed.data.items import read_items, summarize
from fastmed.data.metadata import metadata_table, tell_of_strange
from fastmed.data.pseudonyms import hide_items
from fastmed.data.tables import LEFT_OUT, part
from fastmed.learn.distributed.team import team
from fastmed.learn.fitting.losses import make_loss
from fastmed.learn.fitting.measures import check_test_part
from fastmed.learn.fitting.own_loss import keep_function
from fastmed.learn.fitting.schedule import Phase, plan_phases
from fastmed.learn.fitting.techniques import check_machine
from fastmed.learn.input.loaders import choose_device, dataloaders
from fastmed.learn.input.statistics import Statistics, measure
from fastmed.learn.learner import check_weights, learner
from fastmed.learn.network.architectures import resolve_arch
from fastmed.learn.network.body import keep_description
from fastmed.run import Run
from fastmed.run.claim import claimed
from fastmed.task import Task
from fastmed.tracking.trackers import check_trackers
from fastmed.training.augmentation import draw_augmented
from fastmed.training.fitting import fit_and_finish
from fastmed.training.following import check_start, own_place, run_of_all, shared_items
from fastmed.training.speed import choose_speed


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
    track: Sequence[str] = (),
    told: Sequence[Callback] = (),
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
        track: ``wandb``, ``tensorboard``, ``mlflow``: who is told of each epoch.
        told: fastai's callbacks that only look on, and may end the training by an error.

    Raises:
        FastmedError: what is wrong with the data, the network or the settings.
        KeyboardInterrupt: the run holds the best epoch so far, and `resume` goes on.
    """
    with team().telling_failures():
        track = check_trackers(track)
        task = _checked(task, device)
        if isinstance(data, pd.DataFrame):
            items = data
        else:
            items = read_and_show(task, data, skip_bad, cache)
        items = hide_items(items, task.pseudonymise)
        quiet = bool(told) or not team().main
        with team().first_on_each_machine():  # so that images are measured once
            audit = audit_before_training(task, items, skip_bad, quiet, cache)
        check_test_part(task, items)
        _note_unused_freezing(task)
        prepared = prepare(task, items, device, workers, cache)
        speed = choose_speed(task, prepared.learn, prepared.steps)
        with own_place(runs, family) as (place, above):
            run = Run.create(place, task, items, name, above)
            run.update(audit=audit, **({"track": track} if track else {}), **speed)
            keep_description(task, run)
            keep_function(task, run)
            with claimed(run.path):
                begin_and_fit(run, items, prepared, workers, cache, told=told)
            return run_of_all(run)


def _checked(task: Task, device: str | None) -> Task:
    """Return the task with timm's name, when all is there that it needs beside images."""
    with team().first_on_each_machine():  # so that weights are downloaded once
        task = with_timm_name(task)
        plan_phases(task, task.train.pretrained)  # so that what never comes is told at once
        check_weights(task)
        make_loss(task)  # a loss of the user's own is tried
        check_machine(task, choose_device(device))
    check_start(task)
    return task


@dataclass(frozen=True)
class Prepared:
    """What is made of a task and its images before the first step.

    Attributes:
        statistics: by which images are normalised and metadata is coded.
        learn: as the seed decides it.
        phases: of the fit.
    """

    statistics: Statistics
    learn: Learner
    phases: list[Phase]

    @property
    def steps(self) -> int:
        """The number of batches of the whole fit."""
        return sum(phase.epochs for phase in self.phases) * len(self.learn.dls.train)


def prepare(
    task: Task, items: pd.DataFrame, device: str | None, workers: int | None, cache: bool
) -> Prepared:
    """Return what the seed makes of a task and its images."""
    set_seed(task.train.seed)
    statistics = measure(task, items, cache)
    _show_metadata(items, statistics)
    dls = dataloaders(task, items, statistics, device=device, workers=workers, cache=cache)
    learn = learner(task, dls)
    return Prepared(statistics, learn, phases_of(task, learn))


def phases_of(task: Task, learn: Learner) -> list[Phase]:
    """Return the phases of a task's fit, with a rate for each group of the network's layers."""
    return plan_phases(task, task.train.pretrained, len(learn.splitter(learn.model)))


def begin_and_fit(
    run: Run,
    items: pd.DataFrame,
    prepared: Prepared,
    workers: int | None,
    cache: bool,
    *,
    told: Sequence[Callback] = (),
) -> None:
    """Write into a new run what it begins with, and fit it."""
    statistics, learn = prepared.statistics, prepared.learn
    run.update(
        status="training",
        reading=_counts_of_reading(items),
        device=str(learn.dls.device),
        processes=team().count,
        workers=workers,
        cache=cache,
        mean=statistics.mean,
        std=statistics.std,
        metric=run.task.select,
        **({"meta": statistics.metadata.to_json()} if statistics.metadata else {}),
    )
    note(f"Training {run.task.train.arch} on {_machine(learn)}; the run is {run.path}")
    if team().main:
        draw_augmented(run, items, statistics, cache)
    fit_and_finish(run, learn, prepared.phases, workers=workers, cache=cache, told=told)


def _machine(learn: Learner) -> str:
    count = team().count
    return str(learn.dls.device) if count == 1 else f"{learn.dls.device}, with {count} processes"


def with_timm_name(task: Task) -> Task:
    """Return the task with the backbone's own timm name, so that the run says what it is."""
    if task.metadata_only:
        return task.with_changes({"train.pretrained": False, "train.freeze_epochs": 0})
    download = task.train.pretrained and task.train.weights is None
    return task.with_changes({"train.arch": resolve_arch(task.train.arch, download)})


def read_and_show(task: Task, data: str | Path, skip_bad: bool, cache: bool) -> pd.DataFrame:
    """Return the items of a data folder, and print how many there are of each class."""
    read = partial(read_items, task, data, skip_bad=skip_bad, cache=cache)
    items = shared_items(read, task.image, Path(data), cache)
    counts = summarize(items, task.classes).reset_index()
    print_table("Images", list(counts.columns), counts.itertuples(index=False))
    return items


def _show_metadata(items: pd.DataFrame, statistics: Statistics) -> None:
    if statistics.metadata is not None and team().main:
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


def _counts_of_reading(items: pd.DataFrame) -> dict[str, int]:
    """Return how many images were decoded by what, and scaled how."""
    read = items[items["split"] != LEFT_OUT]
    return dict(Counter((read["decoder"] + ", " + read["scaling"]).tolist()))
