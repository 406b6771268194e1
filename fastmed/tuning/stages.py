"""The stages of a search, one after the other, each with a study of its own."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.study import Study
from optuna.trial import Trial, TrialState

from fastmed.console import note, warn
from fastmed.errors import RunError, TrainingError
from fastmed.run.claim import held, is_held
from fastmed.tuning.findings import draw, keep_best, name_of, write_trials
from fastmed.tuning.search import Search
from fastmed.tuning.space import Stage, changes_of, frozen_stage, unfrozen_stage, whole_stage
from fastmed.tuning.storage import database_trouble, open_storage
from fastmed.tuning.study import (
    SURPLUS,
    WORKERS,
    begin_stopped_again,
    counted,
    finished,
    open_study,
)
from fastmed.tuning.trial import Trials

_PAUSE = 2  # seconds between two looks at what other processes do

Stages = list[tuple[Stage, Study]]


@dataclass(frozen=True)
class Worker:
    """This process, which does trials of a search.

    Attributes:
        search: that it works on.
        name: by which other processes know it.
        storage: of the trials.
        items: of all trials.
    """

    search: Search
    name: str
    storage: RDBStorage
    items: pd.DataFrame

    def study_of(self, stage: Stage) -> Study:
        """Return the study of a stage; after a warm-up it begins with the best settings of it."""
        info, plan = self.search.info, self.search.plan
        name = f"{info['study']}/{stage.name}"
        return open_study(self.storage, name, info["direction"], plan, self.search.about)

    def do(self, stages: Stages, wait: bool = False) -> None:
        """Do the missing trials of the last stage.

        Args:
            stages: those before, too.
            wait: for the trials of other processes.
        """
        stage, study = stages[-1]
        while True:
            with self.search.entry():
                begin_stopped_again(study, self.search.path, self.name)
            begun = counted(study)
            if len(begun) < stage.trials:
                self._do_one(stage, study)
                keep_best(self.search, stage, study)
                write_trials(self.search, stages)
                self._tell_best(stage, study)
            elif wait and _running(study):
                time.sleep(_PAUSE)
            else:
                return

    def _do_one(self, stage: Stage, study: Study) -> None:
        own: list[Exception] = []  # errors of the trial, not of telling how it ended

        def objective(trial: Trial) -> float:
            try:
                return self._one(trial, stage, study)
            except UpdateFinishedTrialError:
                raise
            except Exception as error:
                own.append(error)
                raise

        try:
            study.optimize(objective, n_trials=1)
        except (UpdateFinishedTrialError, ValueError) as error:
            if error in own:
                raise
            warn(
                "Another process has taken this one for dead, after a long silence, and does its "
                "trial again"
            )

    def _one(self, trial: Trial, stage: Stage, study: Study) -> float:
        trial.set_user_attr("worker", self.name)
        numbers = [one.number for one in counted(study)]
        place = numbers.index(trial.number)
        if place >= stage.trials:  # another process has begun the last one meanwhile
            trial.set_user_attr("reason", SURPLUS)
            return float("nan")
        note(f"Trial {place + 1} of {stage.trials}, {stage.name} network")
        info = self.search.info
        options = {key: info[key] for key in ("device", "workers", "cache")}
        trials = Trials(self.search.path, stage, self.items, options)
        return trials.objective(trial)

    def _tell_best(self, stage: Stage, study: Study) -> None:
        ranked = finished(study)
        if ranked:
            best, metric = ranked[0], self.search.info["metric"]
            note(f"Best so far: {name_of(best, stage)}, {metric} {best.value:.4g}")


def do_stages(search: Search, items: pd.DataFrame, url: str | None) -> bool:
    """Do the trials of a search that are missing; True if none is left with another process.

    Raises:
        TrainingError: no trial came to its end. RunError: the database can't be reached.
    """
    with database_trouble(url), search.entry():
        storage = open_storage(search.path, url)
    worker = Worker(search, f"{search.info['id']}-{secrets.token_hex(4)}", storage, items)
    place = search.path / WORKERS / f"{worker.name}.lock"
    with database_trouble(url), _at_work(place):
        stages: Stages = []
        try:
            _do_all(worker, stages)
        finally:
            if stages:
                write_trials(search, stages)
                if any(counted(study) for _, study in stages):
                    draw(search, stages)
        return not _running(stages[-1][1])


@contextmanager
def _at_work(place: Path) -> Iterator[None]:
    """Hold a file by which others see that this process lives; remove those of dead ones."""
    try:
        with held(place, f"{place} is held by another process"):
            yield
    finally:
        for other in place.parent.glob("*.lock"):
            if not is_held(other):
                other.unlink(missing_ok=True)
        with suppress(OSError):
            place.parent.rmdir()


def _do_all(worker: Worker, stages: Stages) -> None:
    search = worker.search
    task, plan = search.task, search.plan
    if plan.warm_up:
        frozen = frozen_stage(task, plan.warm_up)
        stages.append((frozen, worker.study_of(frozen)))
        worker.do(stages, wait=True)
        _check_any(*stages[-1])
        stages.append(_after(worker, *stages[-1]))
    else:
        whole = whole_stage(task, plan.trials)
        stages.append((whole, worker.study_of(whole)))
    worker.do(stages)
    if not _running(stages[-1][1]):
        _check_any(*stages[-1])


def _after(worker: Worker, frozen: Stage, study: Study) -> tuple[Stage, Study]:
    """Return the stage after a warm-up, whose first trial has the best settings of it."""
    best, search = finished(study)[0], worker.search
    weights = search.path / name_of(best, frozen)
    if not (weights / "run.json").is_file():
        raise RunError(
            f"the best frozen trial, {weights}, is not here; with a warm-up, several machines need "
            "one folder in common"
        )
    changes = changes_of(best.params, frozen)
    stage = unfrozen_stage(search.task, search.plan.trials, changes, str(weights))
    after = worker.study_of(stage)
    known = {key: value for key, value in best.params.items() if key in stage.space}
    with search.entry():
        if known and not after.get_trials(deepcopy=False):
            after.enqueue_trial(known, user_attrs={"from": weights.name})
    return stage, after


def _running(study: Study) -> int:
    return sum(trial.state == TrialState.RUNNING for trial in counted(study))


def _check_any(stage: Stage, study: Study) -> None:
    """Refuse to go on without any trial that came to its end."""
    if finished(study):
        return
    told = [trial.user_attrs.get("reason") for trial in counted(study)]
    first = next(filter(None, told), None)
    said = f"; the first: {first}" if first else ""
    raise TrainingError(f"none of {stage.trials} trials came to its end{said}")
