"""What is measured in each epoch beside the validation part."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import tiny_task
from fastai.callback.core import Callback
from fastai.callback.mixup import MixUp
from safetensors.torch import load_file
from sklearn.metrics import accuracy_score, f1_score

from fastmed.data.items import read_items
from fastmed.errors import DataError
from fastmed.evaluation import evaluate
from fastmed.learn.fitting.measures import MeasureTrainPart, columns_of
from fastmed.learn.fitting.randomness import untouched_randomness
from fastmed.learn.input.loaders import dataloaders
from fastmed.learn.learner import learner
from fastmed.run import Run
from fastmed.training.train import train

CPU = {"device": "cpu", "workers": 0}


@pytest.fixture(scope="module")
def pair(phantoms: dict, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """The same training, without and with the test part measured."""
    runs = tmp_path_factory.mktemp("measured")
    task = tiny_task("lungs", split__test=0.25, train__epochs=3)
    watching = task.with_changes({"train.test_each_epoch": True})
    options = {"runs": runs, **CPU}
    return (
        train(task, phantoms["lungs"], name="plain", **options),
        train(watching, phantoms["lungs"], name="watching", **options),
    )


def test_measuring_the_test_part_changes_nothing_else(pair: tuple[Run, Run]) -> None:
    plain, watching = pair
    shared = [name for name in plain.history.columns if name != "seconds"]
    assert plain.history[shared].equals(watching.history[shared])
    assert plain.info["best_epoch"] == watching.info["best_epoch"]
    weights, same = load_file(plain.weights), load_file(watching.weights)
    assert all(torch.equal(weights[name], same[name]) for name in weights)


def test_columns_of_the_test_part_are_what_an_evaluation_gives(pair: tuple[Run, Run]) -> None:
    _, run = pair
    history = run.history.iloc[run.info["best_epoch"] - 1]
    table, scores = evaluate(run, split="test", calibrate=False, **CPU)
    assert history["test_accuracy"] == pytest.approx(
        accuracy_score(table["target"], table["predicted"])
    )
    assert history["test_macro_f1"] == pytest.approx(scores["overall"]["macro_f1"])
    assert history["test_loss"] == pytest.approx(table["loss"].mean(), rel=1e-4)


def test_the_epoch_is_chosen_without_the_test_part(pair: tuple[Run, Run]) -> None:
    history = pair[1].history
    best = history["macro_f1"].max()
    chosen = history["epoch"][history["macro_f1"] == best].max()
    assert pair[1].info["best_epoch"] == chosen


def test_no_test_part_is_refused(phantoms: dict, tmp_path: Path) -> None:
    task = tiny_task("lungs", train__test_each_epoch=True)
    with pytest.raises(DataError, match="needs a test part.*--set split.test=0.2"):
        train(task, phantoms["lungs"], runs=tmp_path, **CPU)
    assert not any(tmp_path.iterdir())


class KeepBatches(Callback):
    """Keeps every training batch's predictions, targets and loss."""

    run_valid = False
    order = 46

    def __init__(self) -> None:
        self.kept: list[tuple] = []

    def after_loss(self) -> None:
        """Keep them."""
        decided = self.pred.detach().argmax(1) if self.pred.shape[1] > 1 else None
        self.kept.append((decided, torch.as_tensor(self.y), self.learn.loss.item(), len(self.y)))


def fitted(phantoms: dict, *callbacks: Callback, **changes: object) -> dict[str, float]:
    task = tiny_task("lungs", **changes)
    items = read_items(task, phantoms["lungs"])
    learn = learner(task, dataloaders(task, items, **CPU))
    with learn.no_bar(), learn.no_logging():
        learn.fit(1, cbs=[MeasureTrainPart(task), *callbacks])
        found = MeasureTrainPart(task)
        learn.fit(1, cbs=[found, *callbacks])
    return columns_of([found, Callback()])


def test_training_part_is_measured_on_its_batches(phantoms: dict) -> None:
    kept = KeepBatches()
    found = fitted(phantoms, kept)
    batches = kept.kept[len(kept.kept) // 2 :]
    decided = np.concatenate([batch[0].numpy() for batch in batches])
    targets = np.concatenate([batch[1].numpy() for batch in batches])
    assert found["train_accuracy"] == pytest.approx(accuracy_score(targets, decided))
    assert found["train_macro_f1"] == pytest.approx(f1_score(targets, decided, average="macro"))
    losses, sizes = zip(*((batch[2], batch[3]) for batch in batches), strict=True)
    assert found["train_loss"] == pytest.approx(np.average(losses, weights=sizes))


def test_mixed_batches_have_a_loss_only(phantoms: dict) -> None:
    found = fitted(phantoms, MixUp(0.4))
    assert set(found) == {"train_loss"}
    assert np.isfinite(found["train_loss"])


def test_grades_are_measured_too(trained: dict[str, Run]) -> None:
    history = trained["retinopathy"].history
    assert history[["train_accuracy", "train_macro_f1"]].notna().all(axis=None)
    assert history["train_accuracy"].between(0, 1).all()


def test_randomness_is_put_back() -> None:
    def draws() -> tuple:
        return random.random(), np.random.rand(), tuple(torch.rand(2).tolist())

    with untouched_randomness():
        first = draws()
    with untouched_randomness(7):
        seeded = draws()
        with pytest.raises(KeyError), untouched_randomness():
            {}[draws()]
    with untouched_randomness(7):
        assert draws() == seeded
    assert draws() == first
