"""What a run or a family says, with what is known of its networks."""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from fastmed.data.tables import read_table
from fastmed.ensembles.members import Member, calibration_in_order, in_order
from fastmed.ensembles.tables import checked
from fastmed.errors import RunError
from fastmed.files import read_info
from fastmed.results.calibration.fitted import (
    fitted_of,
    shares_of,
    validation_file,
    validation_of,
)
from fastmed.results.calibration.pooling import pool_of
from fastmed.results.comparison.sides import FOLDS, Side
from fastmed.run import FAMILY_FILE, Run
from fastmed.task import Task


def member_of_side(
    name: str, side: Side, task: Task, table: pd.DataFrame | None, part: str
) -> Member:
    """Return the member that a run or a family is.

    Held-out folds were each predicted by a network that never saw them, so that nothing of them is
    to be checked; and what their networks say has no calibration in common.

    Args:
        name: of the member.
        side: the run, the family, or one trial of it over all folds.
        task: of the ensemble.
        table: its predictions, made just now; None takes those it keeps.
        part: which it keeps.
    """
    rows = read_table(side.files[part]) if table is None else table
    base = Member(name, checked(rows, task, name), task, kind="folds")
    if side.path.is_file() or (table is None and part.startswith(FOLDS)):
        return base
    if (side.path / FAMILY_FILE).is_file():
        return _family_member(base, side)
    run = Run.open(side.path)
    base = replace(
        base,
        kind="run",
        own=run.task,
        runs=(run,),
        calibrated=table is not None or _is_calibrated(run.results, part),
        shares=in_order(shares_of(run), run.task, task),
        calibration=calibration_in_order(fitted_of(run), run.task, task),
    )
    if not validation_file(run).is_file():
        return base
    return replace(base, validation=replace(validation_of(run), task=task))


def _family_member(base: Member, side: Side) -> Member:
    """Return what a family says, with what its networks have in common."""
    runs = finished_runs(side.path)
    base = replace(base, kind="family", runs=tuple(runs))
    pool = pool_of(side.task, runs)
    if pool.validation is None:
        return base
    return replace(
        base,
        own=side.task,
        shares=in_order(shares_of(runs[0]), side.task, base.task),
        calibration=calibration_in_order(pool.calibration, side.task, base.task),
        validation=replace(pool.validation, task=base.task),
    )


def runs_of_side(side: Side) -> list[Run]:
    """Return the runs that a run or a family predicts with; none of held-out folds."""
    if side.path.is_file():
        return []
    if (side.path / FAMILY_FILE).is_file():
        return finished_runs(side.path)
    return [Run.open(side.path)]


def finished_runs(family: Path) -> list[Run]:
    """Return the runs of a family that are trained.

    Raises:
        RunError: there is none.
    """
    every = [Run.open(file.parent) for file in sorted(family.glob("*/run.json"))]
    found = [run for run in every if run.info.get("status") == "done"]
    if not found:
        raise RunError(f"no run of {family} is finished; `fastmed resume {family}`")
    return found


def _is_calibrated(folder: Path, part: str) -> bool:
    file = folder / "scores.json"
    scores = read_info(file).get(part, {}) if file.is_file() else {}
    return bool(scores.get("calibrated", True))
