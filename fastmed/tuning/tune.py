"""Search: the settings of a task that do best on its validation part."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from fastmed.auditing.quick import audit_before_training
from fastmed.console import clear_sentence, print_table, warn
from fastmed.data.items import inspected_items, summarize
from fastmed.data.pseudonyms import hide_items
from fastmed.data.split import split_items
from fastmed.errors import RunError
from fastmed.learn.fitting.losses import make_loss
from fastmed.learn.fitting.techniques import check_machine
from fastmed.learn.input.loaders import choose_device
from fastmed.learn.learner import check_weights
from fastmed.processes import refuse_several
from fastmed.task import Task
from fastmed.training.train import with_timm_name
from fastmed.tuning.optuna_extra import check_optuna
from fastmed.tuning.plan import Plan, checked
from fastmed.tuning.search import KIND, Search, place_of, unchanged_items
from fastmed.tuning.space import check_stage, frozen_stage, unfrozen_space, whole_stage, with_space


def tune(
    task: Task,
    data: str | Path | pd.DataFrame,
    *,
    trials: int = 20,
    space: Mapping[str, Any] | None = None,
    warm_up: int = 0,
    sampler: str = "tpe",
    pruner: str | None = None,
    seed: int = 42,
    keep: int = 3,
    storage: str | None = None,
    runs: str | Path = "runs",
    name: str = "",
    device: str | None = None,
    workers: int | None = None,
    skip_bad: bool = False,
    cache: bool = True,
) -> Search:
    """Search the settings of a task that do best by its metric on the validation part.

    Each trial is a training with settings of its own. The same call goes on with a search that was
    stopped; several processes with the same call share the trials. What is found best was chosen
    on the validation part, and its value is too good; `tune_nested` gives an honest one.

    Args:
        task: from `find_task`.
        data: the folder of the data set, or its items.
        trials: how many in all, those of before and of other processes included.
        space: dotted setting -> ``"LOW..HIGH"``, ``"LOW..HIGH:log"``, or a list of choices; None
            takes the task's, or a small one.
        warm_up: trials before, in which only the frozen epochs of the task are trained; the search
            goes on with the whole network from the best of them.
        sampler: how settings are chosen: ``tpe``, ``random``, or ``grid``.
        pruner: how trials that fall behind are ended: ``median``, ``halving``, ``none``; None
            prunes by the median if a trial has several epochs.
        seed: of the choice of settings.
        keep: the runs of how many best trials stay.
        storage: URL of a database that several machines share; None keeps the trials in the folder.
        runs: where the folder of the search is made, below the task's name.
        name: of the folder; empty means ``search``.
        device: as for `train`, and so are all that follow.
        workers: loader processes; None chooses.
        skip_bad: leave out images that can't be read, instead of refusing.
        cache: keep the decoded images on disk.

    Raises:
        FastmedError: what is wrong with the space, the data or the search that is there; or no
            trial came to its end.
        KeyboardInterrupt: the same call goes on.
    """
    check_optuna()
    task = with_space(task, space)
    plan = checked(Plan(trials, warm_up, sampler, pruner, seed, keep), task)
    check_search(task, plan, device)
    _check_storage(storage)
    place = place_of(runs, task, name or KIND)
    items = _items(task, data, skip_bad, cache)
    search = Search.begin_or_join(place, task, items, plan, _shown(storage))
    search.update(device=device, workers=workers, cache=cache, study=f"{task.name}/{place.name}")
    run_search(search, items, storage)
    return search


def resume_search(
    search: Search | str | Path,
    *,
    storage: str | None = None,
    device: str | None = None,
    workers: int | None = None,
) -> Search:
    """Go on with a search that was stopped, and return it.

    Args:
        search: a search or its folder.
        storage: URL of the database, where the trials are not in the folder; None takes it from
            the environment variable ``FASTMED_STORAGE``.
        device: as for `train`; None takes what the search was begun with, here and below.
        workers: loader processes.

    Raises:
        RunError: nothing is missing, or the database is not given.
        DataError: images have changed, or are gone.
    """
    check_optuna()
    search = search if isinstance(search, Search) else Search.open(search)
    if search.info["status"] == "done":
        raise RunError(
            f"all {search.plan.trials} trials of {search.path} are done; for more of them, repeat "
            "its `fastmed tune` with more --trials"
        )
    url = storage or os.environ.get("FASTMED_STORAGE")
    kept = search.info.get("storage")
    if kept is not None and url is None:
        raise RunError(
            f"the trials of {search.path} are in {kept}; give its URL in the environment variable "
            "FASTMED_STORAGE"
        )
    url = url if kept is not None else None
    _check_storage(url)
    if kept != _shown(url):
        raise RunError(f"the trials of {search.path} are in {kept}, not in {_shown(url)}")
    search.update(device=device or search.info.get("device"))
    search.update(workers=search.info.get("workers") if workers is None else workers)
    run_search(search, unchanged_items(search), url)
    return search


def run_search(search: Search, items: pd.DataFrame, url: str | None) -> None:
    """Do the trials that are missing, write what is found, and say in the folder how it ended.

    Raises:
        KeyboardInterrupt: the folder says so. FastmedError: likewise.
    """
    from fastmed.tuning.stages import do_stages

    search.forget("reason")
    search.update(status="searching")
    try:
        complete = do_stages(search, items, url)
    except KeyboardInterrupt:
        search.update(status="interrupted")
        warn(f"The search is interrupted; `fastmed resume {search.path}` goes on.")
        raise
    except Exception as error:
        search.update(status="failed", reason=clear_sentence(error))
        raise
    search.update(status="done" if complete else "searching")


def check_search(task: Task, plan: Plan, device: str | None) -> None:
    """Refuse what can't work, before any image is read.

    Raises:
        FastmedError: says what.
    """
    refuse_several("A search")
    check_machine(with_timm_name(task), choose_device(device))
    if "train.arch" not in (task.tune.space or {}):
        check_weights(with_timm_name(task))
    make_loss(task)
    if plan.warm_up:
        check_stage(frozen_stage(task, plan.warm_up), plan.seed)
        unfrozen_space(task)
    check_stage(whole_stage(task, plan.trials), plan.seed)


def _items(
    task: Task, data: str | Path | pd.DataFrame, skip_bad: bool, cache: bool
) -> pd.DataFrame:
    """Return the items, split but not balanced: how they are balanced may be searched."""
    if not isinstance(data, pd.DataFrame):
        data = inspected_items(task, data, skip_bad, cache)
    items = hide_items(split_items(data, task.split, task.classes), task.pseudonymise)
    counts = summarize(items, task.classes).reset_index()
    print_table("Images", list(counts.columns), counts.itertuples(index=False))
    audit_before_training(task, items, skip_bad)
    return items


def _shown(url: str | None) -> str | None:
    from fastmed.tuning.storage import shown

    return None if url is None else shown(url)


def _check_storage(url: str | None) -> None:
    from fastmed.tuning.storage import check_storage

    if url is not None:
        check_storage(url)
