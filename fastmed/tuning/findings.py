"""What a search found, as files: the table of trials, the best task, figures."""

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from fastmed.data.tables import write_table
from fastmed.files import write_text
from fastmed.results.figures.search import (
    Scale,
    history_figure,
    importance_figure,
    settings_figure,
)
from fastmed.results.figures.style import save
from fastmed.settings.tune import Choices, Range
from fastmed.taskfile import to_toml
from fastmed.tuning.search import BEST, TRIALS, Search
from fastmed.tuning.space import Stage, changes_of
from fastmed.tuning.study import counted, finished
from fastmed.tuning.trial import shown_value

FEWEST = 4  # finished trials, below which nothing can be said of importance
_STATES = {
    TrialState.COMPLETE: "done",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
}


def trials_table(stages: list[tuple[Stage, Study]]) -> pd.DataFrame:
    """Return a row for each trial that counts, in order, with its settings in columns of their own.

    Columns: trial, stage, state, value, best_epoch, epochs, seconds, reason, and the settings.
    """
    rows = [_row(trial, stage) for stage, study in stages for trial in counted(study)]
    table = pd.DataFrame(rows)
    return table.astype({"best_epoch": "Int64"}) if rows else table


def keep_best(search: Search, stage: Stage, study: Study) -> None:
    """Remove the runs of all finished trials but the best ones."""
    ranked = finished(study)
    for trial in ranked[search.plan.keep :]:
        shutil.rmtree(search.path / name_of(trial, stage), ignore_errors=True)


def write_trials(search: Search, stages: list[tuple[Stage, Study]]) -> None:
    """Write the table of trials, and the best settings as a task that `fastmed train` takes."""
    write_table(trials_table(stages), search.path / TRIALS)
    stage, study = stages[-1]
    ranked = finished(study)
    if stage.name != "whole" or not ranked:
        return
    best = ranked[0]
    changes = {**stage.changes, **changes_of(best.params, stage)}
    search.update(best=name_of(best, stage), best_value=best.value, best_changes=changes)
    write_text(search.path / BEST, to_toml(search.best_task))


def draw(search: Search, stages: list[tuple[Stage, Study]]) -> list[Path]:
    """Draw the course of the search, what its settings did, and how much each matters."""
    table = trials_table(stages)
    stage, study = stages[-1]
    better = not search.best_is_least
    folder, metric = search.path / "figures", stage.task.select
    figures = {"history": history_figure(table, metric, better)}
    own = table[table["stage"] == stage.name]
    if (own["state"] == "done").any():
        scales = {key: _scale(line) for key, line in stage.space.items()}
        figures["settings"] = settings_figure(own, scales, metric)
    weights = importances(study)
    if weights:
        figures["importance"] = importance_figure(weights, len(finished(study)), metric)
    files = []
    for name, figure in figures.items():
        files.append(folder / f"{name}.png")
        save(figure, files[-1])
    return files


def importances(study: Study) -> dict[str, float]:
    """Return the share of each setting in the differences of the values; empty for few trials.

    By functional analysis of variance over a random forest (Hutter et al., ICML 2014).
    """
    values = {trial.value for trial in finished(study)}
    if len(finished(study)) < FEWEST or len(values) < 2:
        return {}
    found = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
    return dict(found)


def name_of(trial: FrozenTrial, stage: Stage) -> str:
    """Return the name of a trial's run folder, whether it is there or not."""
    return str(trial.user_attrs.get("run", f"{stage.prefix}-{trial.number:03d}"))


def _row(trial: FrozenTrial, stage: Stage) -> dict[str, Any]:
    steps = trial.intermediate_values
    settings = changes_of(trial.params, stage)
    return {
        "trial": name_of(trial, stage),
        "stage": stage.name,
        "state": _STATES.get(trial.state, "waiting"),
        "value": trial.value,
        "best_epoch": trial.user_attrs.get("best_epoch"),
        "epochs": max(steps) if steps else 0,
        "seconds": trial.user_attrs.get("seconds"),
        "reason": trial.user_attrs.get("reason", ""),
        **{key: _cell(value) for key, value in settings.items()},
    }


def _scale(line: Range | Choices) -> Scale:
    if isinstance(line, Range):
        return Scale((line.low, line.high), line.log)
    return Scale(choices=tuple(str(_cell(one)) for one in line))


def _cell(value: Any) -> Any:
    return value if isinstance(value, int | float) else shown_value(value)
