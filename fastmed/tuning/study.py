"""Optuna's study of a stage: which trials count, and which have to be done again."""

import datetime
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from fastmed.console import note
from fastmed.run.claim import is_held
from fastmed.tuning.plan import Plan
from fastmed.tuning.sampling import given_up, make_pruner, make_sampler
from fastmed.tuning.search import check_same

WORKERS = "workers"
SURPLUS = "surplus"  # the reason of a trial that came when all were taken
Direction = Literal["maximize", "minimize"]
_BEGIN = 60  # seconds after which a trial that says nothing of its process was killed


def open_study(
    storage: RDBStorage, name: str, direction: Direction, plan: Plan, about: dict[str, Any]
) -> Study:
    """Return a study, new or as it is.

    Args:
        name: in the storage; its last part is that of the stage.
        direction: ``maximize`` or ``minimize``.
        about: what must be the same for trials to belong together.

    Raises:
        RunError: the study is of something else; the difference is said.
    """
    study = optuna.create_study(
        storage=storage,
        study_name=name,
        direction=direction,
        sampler=make_sampler(plan, name.rpartition("/")[2]),
        pruner=make_pruner(plan),
        load_if_exists=True,
    )
    known = study.user_attrs.get("about")
    if known is None:
        study.set_user_attr("about", about)
    else:
        check_same(name, known, about)
    return study


def counted(study: Study) -> list[FrozenTrial]:
    """Return the trials that count, running ones among them, in order.

    Left out are those that wait, that were begun again, and that came when all were taken.
    """
    again = given_up(study)
    return [
        trial
        for trial in study.get_trials(deepcopy=False)
        if trial.number not in again
        and trial.state != TrialState.WAITING
        and trial.user_attrs.get("reason") != SURPLUS
    ]


def finished(study: Study) -> list[FrozenTrial]:
    """Return the trials that were trained to the end, the best first."""
    done = [trial for trial in counted(study) if trial.state == TrialState.COMPLETE]
    sign = -1 if study.direction == optuna.study.StudyDirection.MAXIMIZE else 1
    return sorted(done, key=lambda trial: (sign * (trial.value or 0.0), trial.number))


def begin_stopped_again(study: Study, folder: Path, own: str) -> None:
    """Fail the trials whose process is dead, and queue them with the settings that they had.

    Args:
        folder: of the search, in which living processes hold a file.
        own: name of this process: of the folder, a dash, its own.
    """
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if _is_dead(trial, folder, own):
            try:
                study.tell(trial.number, state=TrialState.FAIL)
            except (UpdateFinishedTrialError, ValueError):
                continue  # another process has seen it, too
    again = given_up(study)
    for trial in study.get_trials(deepcopy=False, states=(TrialState.FAIL,)):
        if "reason" not in trial.user_attrs and trial.number not in again:
            attributes = {"again_of": trial.number}
            if "run" in trial.user_attrs:
                attributes["run"] = trial.user_attrs["run"]
            study.enqueue_trial(trial.params, user_attrs=attributes)
            name = trial.user_attrs.get("run", f"trial {trial.number}")
            note(f"{name} was stopped; it is done again with the same settings")


def _is_dead(trial: FrozenTrial, folder: Path, own: str) -> bool:
    """True if the process of a running trial is known to have ended.

    Of a process on another machine, with a folder of its own, only its silence tells; Optuna
    listens for that.
    """
    worker = trial.user_attrs.get("worker")
    if worker is None:
        started = trial.datetime_start or datetime.datetime.now()
        return (datetime.datetime.now() - started).total_seconds() > _BEGIN
    same_folder = worker.partition("-")[0] == own.partition("-")[0]
    return same_folder and worker != own and not is_held(folder / WORKERS / f"{worker}.lock")
