"""Finding a learning rate: the range test for each phase of a task's fit."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from fastai.callback.core import Callback
from fastai.callback.schedule import ParamScheduler
from fastai.learner import Learner
from matplotlib.figure import Figure

from fastmed.console import note
from fastmed.errors import TaskError
from fastmed.learn.fitting.callbacks import StopWhenNotFinite
from fastmed.learn.fitting.ema import AverageWeights
from fastmed.learn.fitting.interrupts import StopWhenInterrupted, interrupt_between_batches
from fastmed.learn.fitting.randomness import untouched_randomness
from fastmed.learn.fitting.rate_finder import suggest, sweep
from fastmed.learn.fitting.schedule import Phase, plan_phases
from fastmed.learn.fitting.stop_early import StopEarly
from fastmed.learn.fitting.techniques import GrowImages, check_machine, techniques
from fastmed.learn.fitting.ways import asked_way
from fastmed.learn.input.loaders import choose_device
from fastmed.learn.learner import check_weights
from fastmed.processes import refuse_several
from fastmed.results.figures.rates import Sweep, rates_figure
from fastmed.results.figures.style import check_figure_file, save
from fastmed.task import Task
from fastmed.training.train import Prepared, prepare, read_and_show, with_timm_name

HEADLINE = "valley"
FEWEST_STEPS = 50
_OF_EPOCHS = (AverageWeights, GrowImages, StopEarly)  # what has no meaning in a few batches


@dataclass(frozen=True)
class Rates:
    """Learning rates that were found for a task.

    Attributes:
        task: for which.
        sweeps: what was measured, one for each phase of the fit.
    """

    task: Task
    sweeps: tuple[Sweep, ...]

    @property
    def suggestion(self) -> float:
        """The rate to take: of the valley, and the smallest where several phases share one rate.

        Source:
            fastai's own default since 2021 (github.com/fastai/fastai/pull/3377).
        """
        return min(one.suggestions[HEADLINE] for one in self.sweeps)

    def table(self) -> pd.DataFrame:
        """Return what each rule suggests (columns) in each phase (rows)."""
        rows = {one.phase: dict(one.suggestions) for one in self.sweeps}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("phase")

    def figure(self) -> Figure:
        """Return the loss over the rate, a panel a phase, with the suggestions."""
        title = f"Learning rates, {self.task.name}, {Path(self.task.train.arch).stem}"
        return rates_figure(self.sweeps, self.task.train.lr, title)

    def write(self, file: str | Path) -> Path:
        """Write the figure as PNG and return the file."""
        save(self.figure(), check_figure_file(Path(file)))
        return Path(file)


def find_rate(
    task: Task,
    data: str | Path | pd.DataFrame,
    *,
    phases: Sequence[str] = (),
    steps: int = 100,
    device: str | None = None,
    workers: int | None = None,
    skip_bad: bool = False,
    cache: bool = True,
) -> Rates:
    """Return learning rates for the phases of a task's fit, and leave no trace.

    Each phase begins with the weights that it has in a training: before the whole network is
    looked at, a frozen phase is trained as the task says. Random generators are put back, and no
    file is left but decoded images in the cache.

    Args:
        task: whose network, loss, optimizer, batches and augmentation are tried.
        data: the folder of the data set, or the items that `read_items` made of it.
        phases: ``frozen``, ``whole``; empty means all that the task has.
        steps: batches for each phase, over which the rate rises from 1e-7 to 10.
        device: ``cpu``, ``cuda``, ...; None takes the best.
        workers: loader processes; None chooses.
        skip_bad: leave out images that can't be read, instead of refusing.
        cache: keep the decoded images on disk.

    Raises:
        TaskError: the task has no such phase.
        TrainingError: nothing can be suggested.
    """
    refuse_several("The search for a learning rate")
    if steps < FEWEST_STEPS:
        raise TaskError(f"{steps} steps are too few to see a course; take {FEWEST_STEPS} or more")
    task = with_timm_name(task)
    wanted = _wanted(plan_phases(task, task.train.pretrained), phases)
    check_weights(task)
    check_machine(task, choose_device(device))
    items = data if isinstance(data, pd.DataFrame) else read_and_show(task, data, skip_bad, cache)
    with untouched_randomness():
        prepared = prepare(task, items, device, workers, cache)
        return Rates(task, _sweeps(prepared, task, wanted, steps))


def _wanted(planned: Sequence[Phase], names: Sequence[str]) -> list[str]:
    known = [phase.name for phase in planned]
    for name in names:
        if name not in known:
            raise TaskError(f"the fit has no phase '{name}'; it has {' and '.join(known)}")
    return [name for name in known if name in (names or known)]


def _sweeps(prepared: Prepared, task: Task, wanted: Sequence[str], steps: int) -> tuple[Sweep, ...]:
    """Return a sweep for each wanted phase; phases before the last wanted one are trained."""
    learn, found = prepared.learn, []
    with interrupt_between_batches() as heed:
        learn.add_cb(StopWhenInterrupted(heed))
        for phase in prepared.phases:
            if phase.name in wanted:
                note(f"Raising the rate over {steps} batches, {phase.name} phase")
                with learn.added_cbs(_techniques(task, learn)):
                    rates, losses = sweep(learn, phase, steps)
                found.append(Sweep(phase.name, rates, losses, suggest(rates, losses, steps)))
            if len(found) < len(wanted):
                _train(learn, phase, task)
    return tuple(found)


def _train(learn: Learner, phase: Phase, task: Task) -> None:
    note(f"Training the {phase.name} phase ({phase.epochs} epochs), as it comes before")
    learn.freeze() if phase.frozen else learn.unfreeze()
    learn.create_opt()
    watched = [
        StopWhenNotFinite(),
        ParamScheduler(phase.curves),
        *_techniques(task, learn),
    ]
    with learn.no_bar(), learn.no_logging():
        learn.fit(phase.epochs, cbs=watched)


def _techniques(task: Task, learn: Learner) -> list[Callback]:
    """Return the techniques that a batch or a step goes through; images have their full size."""
    way = asked_way(task, torch.device(learn.dls.device))
    return [one for one in techniques(task, way) if not isinstance(one, _OF_EPOCHS)]
