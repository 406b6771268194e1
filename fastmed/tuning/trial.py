"""One trial: a training with settings of its own, from its beginning to its value."""

import gc
import math
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import torch
from fastai.callback.core import Callback
from optuna.trial import Trial

from fastmed.console import cell_text, clear_sentence, note, warn
from fastmed.data.balance import balance_items
from fastmed.data.store.cache import Cache
from fastmed.data.store.inspection import inspect_images
from fastmed.data.tables import root_of
from fastmed.errors import ModelError, RunError, TaskError, TrainingError
from fastmed.run import Run
from fastmed.run.claim import is_claimed
from fastmed.task import Task
from fastmed.training.resume import STOPPED, resume
from fastmed.training.train import train
from fastmed.tuning.reporting import PrunedError, ReportEpochs
from fastmed.tuning.space import Stage, suggest

# What one point of the space can be the reason of; all else would meet the next trial, too.
_OWN_FAULT = (TaskError, TrainingError, ModelError)


@dataclass(frozen=True)
class Trials:
    """What all trials of a stage have in common.

    Attributes:
        folder: of the search.
        stage: what is tried.
        items: split, but not balanced.
        options: ``device``, ``workers`` and ``cache``, as for `train`.
    """

    folder: Path
    stage: Stage
    items: pd.DataFrame
    options: dict[str, Any]

    def objective(self, trial: Trial) -> float:
        """Train and return the value of the best epoch; not a number if the trial failed.

        Raises:
            optuna.TrialPruned: the trial has fallen behind.
            FastmedError: what would meet every trial. KeyboardInterrupt: the trial is to be done
                again.
        """
        changes = suggest(trial, self.stage)
        name = self._name(trial)
        note(f"{name}: {described(changes)}")
        try:
            run = self._trained(trial, name, changes)
        except PrunedError as error:
            self._drop(trial)
            note(f"{name} ends early: {error}")
            raise optuna.TrialPruned(str(error)) from None
        except Exception as error:
            reason = reason_of(error)
            if reason is None:
                raise
            self._drop(trial)
            return failed(trial, name, reason)
        value = run.info.get("best_value")
        if value is None or math.isnan(value):
            self._drop(trial)
            return failed(trial, name, f"{self.stage.task.select} is undefined in each epoch")
        trial.set_user_attr("best_epoch", run.info["best_epoch"])
        trial.set_user_attr("seconds", run.info.get("seconds"))
        return float(value)

    def _name(self, trial: Trial) -> str:
        """Return the name of the run: that of before, unless the process of before still lives."""
        before = trial.user_attrs.get("run")
        if before is not None and not is_claimed(self.folder / before):
            return str(before)
        return f"{self.stage.prefix}-{trial.number:03d}"

    def _trained(self, trial: Trial, name: str, changes: dict[str, Any]) -> Run:
        """Return the run of a trial; one that was stopped goes on if it can."""
        task = self.stage.task.with_changes(changes)
        total = task.train.all_epochs
        told = [ReportEpochs(task.select, self._reporter(trial, total))]
        if trial.user_attrs.get("run") == name:
            run = self._gone_on_with(self.folder / name, told)
            if run is not None:
                return run
        trial.set_user_attr("run", name)
        items = self._items(task)
        return train(task, items, name=name, family=self.folder, told=told, **self.options)

    def _gone_on_with(self, place: Path, told: list[Callback]) -> Run | None:
        """Return the finished run of a trial that was stopped; None if it has to begin anew."""
        with suppress(RunError):
            run = Run.open(place)
            if run.status == "done":
                return run
            if run.status in STOPPED:
                return resume(run, told=told, **self.options)
        shutil.rmtree(place, ignore_errors=True)
        return None

    def _items(self, task: Task) -> pd.DataFrame:
        """Return the items of a trial: read by its own image settings, balanced by its own rule."""
        items = self.items
        if task.image != self.stage.task.image:
            kept = Cache(task.image) if self.options.get("cache", True) else None
            items = inspect_images(items, root_of(items), task.image, cache=kept)
        return balance_items(items, task.balance, task.classes, task.split.seed)

    def _reporter(self, trial: Trial, total: int) -> Callable[[int, float], None]:
        def report(epoch: int, value: float) -> None:
            trial.report(value, epoch)
            if epoch < total and trial.should_prune():
                raise PrunedError(
                    f"after epoch {epoch} of {total}, {self.stage.task.select} {value:.4g} is "
                    "behind other trials"
                )

        return report

    def _drop(self, trial: Trial) -> None:
        """Remove the run of a trial that is worth nothing."""
        if "run" in trial.user_attrs:
            shutil.rmtree(self.folder / trial.user_attrs["run"], ignore_errors=True)


def described(changes: dict[str, Any]) -> str:
    """Return settings as the user reads them."""
    return ", ".join(f"{key} {shown_value(value)}" for key, value in changes.items())


def shown_value(value: Any) -> str:
    """Return a value of a setting as the user reads it, numbers with three digits."""
    if value is None:
        return "none"
    return f"{value:.3g}" if isinstance(value, float) else cell_text(value)


def failed(trial: Trial, name: str, reason: str) -> float:
    """Tell that a trial failed, and why."""
    trial.set_user_attr("reason", reason)
    warn(f"{name} failed: {reason}")
    return math.nan


def reason_of(error: Exception) -> str | None:
    """Return why a trial failed by its own settings; None if the fault is somewhere else."""
    if isinstance(error, _OWN_FAULT):
        return clear_sentence(error)
    text = str(error)
    short = isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError)
        and any(sign in text for sign in ("can't allocate memory", "out of memory"))
    )
    if not short:
        return None
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return "the memory does not suffice for these settings"
