"""What a search tries: the space of a task, its stages, and one point of it."""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from fastmed.errors import TaskError
from fastmed.learn.fitting.optimizers import weight_decay
from fastmed.learn.fitting.schedule import plan_phases
from fastmed.learn.learner import check_weights
from fastmed.settings.tune import UNSET, Choices, Range, Space, is_whole, known_settings
from fastmed.task import Task
from fastmed.training.train import with_timm_name

# What shapes the network: the whole stage goes on with the weights of the frozen one.
_OF_NETWORK = ("train.arch", "head.pool", "head.hidden", "head.batch_norm", "image.channels")
# What a frozen phase takes no notice of.
_OF_WHOLE = (
    "train.epochs", "train.schedule", "train.step_epochs", "train.step_factor",
    "train.warmup_epochs", "train.momentum", "train.lr_spread", "train.layer_decay",
    "train.patience", "train.start_size", "train.grow_epochs",
)  # fmt: skip
_FROZEN_ONLY = {
    "train.epochs": 0, "train.warmup_epochs": None, "train.patience": None,
    "train.start_size": None, "train.grow_epochs": None, "train.save_every": None,
}  # fmt: skip
_DRAWS = 200


class Suggests(Protocol):
    """What chooses a value for a setting, as Optuna's trials do."""

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        """Return a whole number."""

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Return a number."""

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        """Return one of the choices."""


@dataclass(frozen=True)
class Stage:
    """A part of a search.

    Attributes:
        name: ``frozen`` or ``whole``; also of the study.
        prefix: of the run folders.
        task: before a trial's own settings.
        space: what is tried.
        trials: how many.
        changes: of the search's task, that make the stage's.
    """

    name: str
    prefix: str
    task: Task
    space: Space
    trials: int
    changes: Mapping[str, Any] = field(default_factory=dict)


def with_space(task: Task, space: Mapping[str, Any] | None = None) -> Task:
    """Return the task with the space of a search: the given one, its own, or a small one.

    The task's declared members are left out: a search is for one network.

    Raises:
        TaskError: the task does not take the space.
    """
    found = dict(space or task.tune.space or default_space(task))
    return task.with_changes({"tune.space": found, "members": {}})


def default_space(task: Task) -> Space:
    """Return the space of a task that declares none.

    The rate from a tenth to ten times the task's own, the weight decay, the dropout of the head,
    and for a pretrained body how much slower its first layers learn.
    """
    rate = task.train.lr
    space: Space = {
        "train.lr": Range(low=rate / 10, high=rate * 10, log=True),
        "train.weight_decay": Range(
            low=1e-4, high=max(0.1, 2 * weight_decay(task.train)), log=True
        ),
        "head.dropout": Range(low=0.0, high=0.7),
    }
    slowed = task.train.pretrained and not task.metadata_only and task.train.epochs
    if slowed and task.train.layer_decay is None:
        space["train.lr_spread"] = Range(low=1, high=300, log=True)
    return space


def frozen_stage(task: Task, trials: int) -> Stage:
    """Return the warm-up: only the frozen epochs, and only settings that matter in them.

    Raises:
        TaskError: the space has no such setting, or what stays of the task is none.
    """
    space = {key: line for key, line in _space(task).items() if key not in _OF_WHOLE}
    if not space:
        raise TaskError("--warm-up has nothing to search: no setting of the space matters to it")
    return Stage("frozen", "frozen", task.with_changes(_FROZEN_ONLY), space, trials)


def whole_stage(task: Task, trials: int) -> Stage:
    """Return the search without a warm-up."""
    return Stage("whole", "trial", task, _space(task), trials)


def unfrozen_stage(task: Task, trials: int, best: Mapping[str, Any], weights: str) -> Stage:
    """Return the search after a warm-up: the whole network, from the best frozen weights on.

    What shapes the network stays as it was best, since the weights are made for it.

    Args:
        best: changes of the best frozen trial.
        weights: its run folder.

    Raises:
        TaskError: nothing is left to search.
    """
    space = unfrozen_space(task)
    settled = {key: value for key, value in best.items() if key in _OF_NETWORK}
    start = {"train.pretrained": True, "train.weights": weights, "train.freeze_epochs": 0}
    changes = {**settled, **start}
    return Stage("whole", "trial", task.with_changes(changes), space, trials, changes)


def unfrozen_space(task: Task) -> Space:
    """Return what is searched after a warm-up.

    Raises:
        TaskError: nothing.
    """
    space = {key: line for key, line in _space(task).items() if key not in _OF_NETWORK}
    if not space:
        raise TaskError(
            "--warm-up leaves nothing to search after it: what shapes the network is settled then"
        )
    return space


def check_stage(stage: Stage, seed: int) -> None:
    """Refuse a stage none of whose points is a task, and networks that can't be had.

    Raises:
        TaskError: says why the first point is none. ModelError: which network can't be had.
    """
    choose, first = _Draw(seed), None
    for _ in range(_DRAWS):
        try:
            task = stage.task.with_changes(suggest(choose, stage))
            plan_phases(task, task.train.pretrained)
            break
        except TaskError as error:
            first = first or error
    else:
        raise TaskError(f"no combination of the space is a task, as the first: {first}")
    for arch in stage.space.get("train.arch", ()):
        check_weights(with_timm_name(stage.task.with_changes({"train.arch": arch})))


def suggest(trial: Suggests, stage: Stage) -> dict[str, Any]:
    """Return a value for each setting of a stage, as `Task.with_changes` takes them."""
    return {key: _suggest(trial, key, line, stage.task) for key, line in stage.space.items()}


def changes_of(params: Mapping[str, Any], stage: Stage) -> dict[str, Any]:
    """Return the settings that Optuna's parameters stand for."""
    return {key: _meant(params[key], key, stage) for key in stage.space if key in params}


def _meant(value: Any, key: str, stage: Stage) -> Any:
    line = stage.space[key]
    return value if isinstance(line, Range) else _by_category(line, key, stage.task)[value]


def _suggest(trial: Suggests, key: str, line: Range | Choices, task: Task) -> Any:
    if not isinstance(line, Range):
        values = _by_category(line, key, task)
        return values[trial.suggest_categorical(key, [*values])]
    if is_whole(type(task), key):
        step = int(line.step or 1)
        return trial.suggest_int(key, int(line.low), int(line.high), step=step, log=line.log)
    return trial.suggest_float(key, line.low, line.high, step=line.step, log=line.log)


def _by_category(line: Choices, key: str, task: Task) -> dict[Any, Any]:
    """Return the values of a setting by what Optuna's storage can hold of them: text."""
    model, field = known_settings(type(task))[key]
    leaves_out = type(None) in getattr(model.model_fields[field].annotation, "__args__", ())
    meant = [None if one == UNSET and leaves_out else one for one in line]
    return {one if isinstance(one, str) else json.dumps(one): one for one in meant}


def _space(task: Task) -> Space:
    return task.tune.space or default_space(task)


class _Draw:
    """Draws values as Optuna's trials do, for a look at the space before the search."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        """Return a whole number."""
        return self.random.randrange(low, high + 1, step)

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Return a number."""
        if step is None:
            return self.random.uniform(low, high)
        return low + step * self.random.randrange(int((high - low) / step + 1e-9) + 1)

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        """Return one of the choices."""
        return self.random.choice(list(choices))
