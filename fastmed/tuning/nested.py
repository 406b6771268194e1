"""Nested folds: what a search is worth, on images that no choice of it has seen."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from fastmed.console import note
from fastmed.data.folds import fold_items, items_of_fold
from fastmed.data.items import inspected_items
from fastmed.data.store.cache import Cache
from fastmed.data.store.inspection import inspect_images
from fastmed.data.tables import LEFT_OUT, root_of
from fastmed.errors import RunError
from fastmed.families import Family
from fastmed.families.members import Member
from fastmed.families.resume import NESTED
from fastmed.families.train_members import train_members
from fastmed.run import FAMILY_FILE
from fastmed.settings.data import BalanceSettings
from fastmed.task import Task
from fastmed.tuning.optuna_extra import check_optuna
from fastmed.tuning.plan import Plan, checked
from fastmed.tuning.search import Search, about_of, check_same, digest_of, place_of
from fastmed.tuning.space import with_space
from fastmed.tuning.tune import check_search, run_search

KEPT = "the fold that the best settings are tested on"


def tune_nested(
    task: Task,
    data: str | Path | pd.DataFrame,
    *,
    folds: int,
    trials: int = 20,
    space: Mapping[str, Any] | None = None,
    warm_up: int = 0,
    sampler: str = "tpe",
    pruner: str | None = None,
    seed: int = 42,
    keep: int = 3,
    runs: str | Path = "runs",
    name: str = "",
    device: str | None = None,
    workers: int | None = None,
    skip_bad: bool = False,
    cache: bool = True,
) -> Family:
    """Search on all folds but one, train with the best settings, test on the fold; for each fold.

    The scores of the folds are the honest estimate of what a search of this kind gives: no fold
    has a say in the settings, the epoch or the cut points that it is tested with. Each fold may
    find other settings; those to use come from `tune` on all images.

    All other arguments are those of `tune`, for the search in each fold.

    Args:
        task: as it is, but for what is searched.
        data: the folder of the data set, or items of `inspected_items`.
        folds: how many, 2 or more.
        name: of the folder; empty means ``nested``.

    Raises:
        FastmedError: as of `tune`. KeyboardInterrupt: the same call goes on.
    """
    check_optuna()
    task = with_space(task, space)
    plan = checked(Plan(trials, warm_up, sampler, pruner, seed, keep), task)
    check_search(task, plan, device)
    place = place_of(runs, task, name or NESTED)
    if not isinstance(data, pd.DataFrame):
        data = inspected_items(task, data, skip_bad, cache)
    items = fold_items(data, task, folds)
    family = _begin_or_join(place, task, items, plan, folds)
    options = {"cache": cache, "device": device, "workers": workers}
    family.update(options=options)
    return _go_through(family, items)


def resume_nested(family: Family | str | Path) -> Family:
    """Go on with a nested search that was stopped.

    Raises:
        RunError: nothing is missing, or it is something else. DataError: images have changed.
    """
    check_optuna()
    family = family if isinstance(family, Family) else Family.open(family)
    if family.info["kind"] != NESTED:
        raise RunError(f"{family.path} is no nested search")
    if len(family.finished) == len(family.plan):
        raise RunError(f"all {len(family.plan)} folds of {family.path} are finished")
    items, image = family.items, family.task.image
    kept = Cache(image) if family.info["options"]["cache"] else None
    inspect_images(items, root_of(items), image, cache=kept)
    return _go_through(family, items)


def inner_search(family: Family, fold: int) -> Search:
    """Return the search of a fold.

    Raises:
        RunError: it has not begun.
    """
    return Search.open(family.path / f"search-{fold}")


def _begin_or_join(place: Path, task: Task, items: pd.DataFrame, plan: Plan, folds: int) -> Family:
    about = {**about_of(task, digest_of(items), plan), "trials": plan.trials}
    if not place.exists():
        members = [Member(f"fold-{fold}", {}, fold=fold) for fold in range(folds)]
        family = Family.create(place.parent.parent, task, items, NESTED, members, place.name)
        family.update(about=about, tuning=asdict(plan))
        return family
    if not (place / FAMILY_FILE).is_file():
        raise RunError(f"'{place}' exists already; choose another --name")
    family = Family.open(place)
    check_same(str(place), family.info.get("about", {}), about)
    if len(family.finished) == len(family.plan):
        raise RunError(f"all {folds} folds of {place} are finished; choose another --name")
    return family


def _go_through(family: Family, items: pd.DataFrame) -> Family:
    options = family.info["options"]
    changes_of = partial(_found, items=items, plan=Plan(**family.info["tuning"]))
    return train_members(family, items, changes_of, options)


def _found(family: Family, member: Member, items: pd.DataFrame, plan: Plan) -> dict[str, Any]:
    """Return the best settings of the search on all folds but one."""
    note(f"The search without {member.name}")
    task, place = family.task, family.path / f"search-{member.fold}"
    rest = _without(items, task, member.fold)
    search = Search.begin_or_join(place, task, rest, plan, None)
    if search.info["status"] != "done":
        study = f"{task.name}/{family.path.name}/{place.name}"
        search.update(**family.info["options"], study=study)
        run_search(search, rest, None)
    return search.best_changes


def _without(items: pd.DataFrame, task: Task, fold: int) -> pd.DataFrame:
    """Return the items without a fold, split as for the fold's run, and not balanced yet."""
    plain = task.model_copy(update={"balance": BalanceSettings()})
    rest = items_of_fold(items, plain, fold)
    apart = rest["split"] == "test"
    rest.loc[apart, ["split", "note"]] = [LEFT_OUT, KEPT]
    return rest
