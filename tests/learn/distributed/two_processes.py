"""Trainings for two processes: ``torchrun --nproc_per_node 2 two_processes.py DATA OUT``.

Each writes what it drew and the weights it ended with, for a test to compare.
"""

import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from conftest import tiny_task
from fastai.callback.core import Callback
from fastai.learner import Learner
from stopped import stopped_before

from fastmed.errors import TrainingError
from fastmed.learn.fitting.epochs import fit_epochs
from fastmed.learn.input.cached import CachedLoader
from fastmed.processes import seat
from fastmed.run import Run, list_runs
from fastmed.task import Task
from fastmed.training import fitting
from fastmed.training.resume import resume
from fastmed.training.train import train

CPU = {"device": "cpu", "workers": 0}


def exact_task() -> Task:
    """A task whose training depends on no process's own randomness, nor on its batch alone."""
    return tiny_task(
        "lungs", train__arch="test_convnext", train__opt="sgd", train__lr=0.002,
        train__test_each_epoch=True, split__test=0.2, augment={},
        head={"hidden": [], "batch_norm": "none", "dropout": 0.0},
    )  # fmt: skip


def full_task() -> Task:
    """A task with everything that several processes have to agree on."""
    return tiny_task(
        "lungs", train__epochs=4, train__mixup=0.4, train__ema=0.9, train__accumulate=2,
        train__clip=1.0, train__start_size=16, train__patience=2, balance__method="sampler",
        augment={"flip_horizontal": 0.5, "rotate": 10, "light": 0.2},
    )  # fmt: skip


def going_on_task(weights: Path) -> Task:
    """A task with a frozen phase, and a network whose BatchNorm is frozen with it or not."""
    return tiny_task(
        "lungs", train__weights=str(weights), train__pretrained=True, train__freeze_epochs=1,
        train__epochs=1,
    )  # fmt: skip


class Record:
    """What one process drew, and its weights after each fit of a phase."""

    def __init__(self) -> None:
        self.drawn: list[list[int]] = []
        self.weights: list[str] = []


@contextmanager
def recorded() -> Iterator[Record]:
    found, get_idxs, fit = Record(), CachedLoader.get_idxs, fitting.fit_epochs

    def noted(loader: CachedLoader) -> list[int]:
        rows = get_idxs(loader)
        found.drawn += [list(rows)] if loader.shuffle else []
        return rows

    def fitted(learn: Learner, epochs: int, callbacks: Sequence[Callback], first: int = 0) -> None:
        fit_epochs(learn, epochs, callbacks, first)
        found.weights.append(digest(learn))

    CachedLoader.get_idxs, fitting.fit_epochs = noted, fitted
    try:
        yield found
    finally:
        CachedLoader.get_idxs, fitting.fit_epochs = get_idxs, fit


def digest(learn: Learner) -> str:
    """Return what tells weights and statistics of the network from any others."""
    values = [value.numpy().tobytes() for value in learn.model.state_dict().values()]
    return hashlib.sha256(b"".join(values)).hexdigest()


def stopped_and_resumed(task: Task, data: Path, runs: Path) -> Run:
    """Train, be stopped in the second epoch, and go on."""
    with stopped_before(9):
        train(task, data, runs=runs, name="resumed", **CPU)
    return resume(runs / task.name / "resumed")


def failed(data: Path, runs: Path) -> str:
    """Train until the second process fails in a batch, and return what each says."""
    one_batch = Learner.one_batch

    def breaks(learn: Learner, *given: Any) -> None:
        if seat().rank == 1 and learn.dl is learn.dls.train and given[0] == 1:
            raise TrainingError("the second process has had enough")
        one_batch(learn, *given)

    Learner.one_batch = breaks
    try:
        train(exact_task(), data, runs=runs, name="failed", **CPU)
    except TrainingError as error:
        return str(error)
    return "nothing"


def main(data: Path, out: Path) -> None:
    """Train one after the other; only the main process's runs stay."""
    trainings = {
        "exact": lambda: train(exact_task(), data, runs=out, name="exact", **CPU),
        "full": lambda: train(full_task(), data, runs=out, name="full", **CPU),
        "resumed": lambda: stopped_and_resumed(full_task(), data, out),
        "frozen": lambda: train(
            going_on_task(out / "lungs/full"), data, runs=out, name="frozen", **CPU
        ),
    }
    report: dict[str, Any] = {}
    for name, training in trainings.items():
        with recorded() as found:
            run = training()
        report[name] = {**vars(found), "run": str(run.path), "status": run.info["status"]}
    report["runs"] = [str(run.path) for run in list_runs(out)]
    report["failure"] = failed(data, out)
    (out / f"process-{seat().rank}.json").write_text(json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
