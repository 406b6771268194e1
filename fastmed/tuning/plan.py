"""How a search goes about: how many trials, by which rule, and what is kept."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from fastmed.errors import TaskError, nearest
from fastmed.settings.tune import Range
from fastmed.task import Task

SAMPLERS = ("tpe", "random", "grid")
PRUNERS = ("median", "halving", "none")
# What may be others when a search goes on.
_FREE = ("trials", "keep")


@dataclass(frozen=True)
class Plan:
    """How a search goes about.

    Attributes:
        trials: how many in all; those of the warm-up come besides.
        warm_up: trials before, with a frozen body.
        sampler: how settings are chosen: one of `SAMPLERS`.
        pruner: how trials that fall behind are found: one of `PRUNERS`; None leaves it open.
        seed: of the choice of settings.
        keep: the runs of how many best trials stay.
    """

    trials: int = 20
    warm_up: int = 0
    sampler: str = "tpe"
    pruner: str | None = None
    seed: int = 42
    keep: int = 3

    @property
    def fixed(self) -> dict[str, Any]:
        """What must stay when the search goes on."""
        return {key: value for key, value in asdict(self).items() if key not in _FREE}


def checked(plan: Plan, task: Task) -> Plan:
    """Return the plan; one that says nothing about pruning prunes where it can.

    Args:
        task: with its space.

    Raises:
        TaskError: a number is too small, a name is unknown, or an option has no effect.
    """
    for name, number in (("trials", plan.trials), ("keep", plan.keep)):
        if number < 1:
            raise TaskError(f"--{name} {number}: at least one is needed")
    if plan.warm_up < 0:
        raise TaskError(f"--warm-up {plan.warm_up} is no number of trials")
    if not 0 <= plan.seed < 2**32:
        raise TaskError(f"--seed {plan.seed} is not between 0 and {2**32 - 1}")
    _check_name("sampler", plan.sampler, SAMPLERS)
    if plan.pruner is not None:
        _check_name("pruner", plan.pruner, PRUNERS)
    single = task.train.all_epochs < 2 and "train.epochs" not in (task.tune.space or {})
    if single and plan.pruner not in (None, "none"):
        raise TaskError(f"--pruner {plan.pruner} has no effect: trials of one epoch have no middle")
    _check_warm_up(task, plan.warm_up)
    _check_grid(task, plan.sampler, plan.trials)
    return replace(plan, pruner=plan.pruner or ("none" if single else "median"))


def _check_name(option: str, name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        close = nearest(name, known) or f"; known are {', '.join(known)}"
        raise TaskError(f"no {option} '{name}'{close}")


def _check_warm_up(task: Task, warm_up: int) -> None:
    if not warm_up:
        return
    if not task.train.pretrained or task.metadata_only:
        raise TaskError(
            "--warm-up searches with a frozen body, and a body that starts from random weights is "
            "never frozen; start from weights (--pretrained), or leave it out"
        )
    if not task.train.freeze_epochs:
        raise TaskError(
            "--warm-up trains the frozen epochs of the task, and it has none; give it some with "
            "`--set train.freeze_epochs=2`"
        )
    if not task.train.epochs:
        raise TaskError("--warm-up has no effect with train.epochs = 0: the body is never unfrozen")
    for key in ("train.freeze_epochs", "train.pretrained", "train.weights"):
        if key in (task.tune.space or {}):
            raise TaskError(f"{key} can't be searched with --warm-up, which sets it itself")


def _check_grid(task: Task, sampler: str, trials: int) -> None:
    if sampler != "grid":
        return
    points = 1
    for key, line in (task.tune.space or {}).items():
        if not isinstance(line, Range):
            points *= len(line)
        elif line.step is None:
            raise TaskError(
                f"--sampler grid needs values to go through, and {key} = {line} has no steps; "
                "write LOW..HIGH:STEP or a list"
            )
        else:
            points *= int((line.high - line.low) / line.step + 1e-9) + 1
    if trials > points:
        raise TaskError(f"the grid has {points} points; take --trials {points} or fewer")
