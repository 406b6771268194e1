"""How the settings of the next trial are chosen, and which trials end early."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any
from zlib import crc32

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import BasePruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, BruteForceSampler, RandomSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from fastmed.tuning.plan import Plan

Distributions = dict[str, BaseDistribution]


def _grid(seed: int) -> BaseSampler:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return BruteForceSampler(seed=seed)


_SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {
    "tpe": lambda seed: TPESampler(seed=seed),
    "random": lambda seed: RandomSampler(seed=seed),
    "grid": _grid,
}
_PRUNERS: dict[str, Callable[[], BasePruner]] = {
    "median": lambda: MedianPruner(n_startup_trials=4),
    "halving": SuccessiveHalvingPruner,
    "none": NopPruner,
}


def make_pruner(plan: Plan) -> BasePruner:
    """Return Optuna's pruner of a plan."""
    return _PRUNERS[plan.pruner or "none"]()


def make_sampler(plan: Plan, stage: str = "") -> BaseSampler:
    """Return Optuna's sampler of a plan, which chooses the same when it is made again.

    Args:
        stage: its name; each stage draws other values.
    """
    return SeededTrials(_SAMPLERS[plan.sampler], [plan.seed, crc32(stage.encode())])


class SeededTrials(BaseSampler):
    """Another sampler, with a seed of its own for each trial.

    A sampler of Optuna's that is made again draws again what it drew first. This one draws what
    the place of the trial decides, so that a search that was stopped goes on as it would have, and
    processes side by side draw different trials.

    Args:
        make: a sampler of a seed.
        seed: numbers that decide all trials together.
    """

    def __init__(self, make: Callable[[int], BaseSampler], seed: Sequence[int]) -> None:
        self.make, self.seed = make, tuple(seed)
        self.inner = make(0)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Begin anew for a trial."""
        place = trial.number - len(given_up(study, trial.number))
        mixed = np.random.SeedSequence([*self.seed, place]).generate_state(1)
        self.inner = self.make(int(mixed[0]))
        self.inner.before_trial(study, trial)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> Distributions:
        """Return which settings are chosen together."""
        return self.inner.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: Distributions
    ) -> dict[str, Any]:
        """Return settings that are chosen together."""
        return self.inner.sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Return a setting that is chosen by itself."""
        return self.inner.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """Pass on how a trial ended."""
        self.inner.after_trial(study, trial, state, values)


def given_up(study: Study, before: int | None = None) -> set[int]:
    """Return the numbers of trials that were stopped and begun again under another number.

    Args:
        before: only those with a smaller number.
    """
    again = {trial.user_attrs.get("again_of") for trial in study.get_trials(deepcopy=False)}
    return {
        number for number in again if number is not None and (before is None or number < before)
    }
