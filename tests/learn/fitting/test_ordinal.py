"""CORN and CORAL against loops over images and steps, and from the outputs to the table."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import tiny_task

from fastmed.data.items import read_items
from fastmed.data.tables import part
from fastmed.evaluation import evaluate
from fastmed.interpretation import interpret
from fastmed.learn.fitting.losses import make_loss
from fastmed.learn.input.loaders import dataloaders
from fastmed.learn.learner import learner
from fastmed.learn.network.head import Steps
from fastmed.learn.outputs import grade_scores
from fastmed.prediction.story import predict
from fastmed.run import Run
from fastmed.task import Task
from fastmed.training.train import train

KINDS = ("corn", "coral")
CPU = {"device": "cpu", "workers": 0}
OUTPUTS = torch.tensor([[0.5, -1.0, 2.0, 0.0], [3.0, 1.0, -0.5, -2.0], [-1.5, 0.2, 0.1, 0.7]])
GRADES = [0, 3, 1]


def probability(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def step_losses(kind: str) -> list[list[float]]:
    """Return the loss of each step of each image; with CORN, of the steps that it reaches."""
    every = []
    for row, grade in zip(OUTPUTS.tolist(), GRADES, strict=True):
        reached = row if kind == "coral" else row[: grade + 1]
        losses = []
        for step, logit in enumerate(reached):
            share = probability(logit)
            losses.append(-math.log(share if grade > step else 1 - share))
        every.append(losses)
    return every


def by_loop(kind: str) -> float:
    losses = step_losses(kind)
    total = sum(sum(row) for row in losses)
    return total / (3 if kind == "coral" else sum(len(row) for row in losses))


def retinopathy(kind: str, **changes: object) -> Task:
    return tiny_task("retinopathy", train__loss=kind, **changes)


@pytest.mark.parametrize("kind", KINDS)
def test_losses_are_those_of_a_loop(kind: str) -> None:
    loss = make_loss(retinopathy(kind))
    grades = torch.tensor(GRADES, dtype=torch.float32)
    assert loss(OUTPUTS, grades).item() == pytest.approx(by_loop(kind), rel=1e-5)
    loss.reduction = "none"
    each = loss(OUTPUTS, grades)
    assert each.mean().item() == pytest.approx(by_loop(kind), rel=1e-5)
    sums = np.array([sum(row) for row in step_losses(kind)])
    np.testing.assert_allclose(each / each[0], sums / sums[0], rtol=1e-5)


def scores_by_loop(kind: str, row: list[float]) -> list[float]:
    beyond, so_far = [], 1.0
    for logit in row:
        share = probability(logit)
        so_far = so_far * share if kind == "corn" else min(so_far, share)
        beyond.append(so_far)
    return [one - other for one, other in zip([1.0, *beyond], [*beyond, 0.0], strict=True)]


@pytest.mark.parametrize("kind", KINDS)
def test_scores_of_grades_are_those_of_a_loop(kind: str) -> None:
    found = grade_scores(kind, OUTPUTS)
    expected = [scores_by_loop(kind, row) for row in OUTPUTS.tolist()]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert (found >= 0).all()
    np.testing.assert_allclose(found.sum(-1), 1, atol=1e-6)


def test_corn_finds_the_probabilities_that_grades_were_drawn_by() -> None:
    """Without images, the outputs that make the loss least are the frequencies of the grades."""
    counts = torch.tensor([40.0, 10.0, 30.0, 15.0, 5.0])
    grades = torch.repeat_interleave(torch.arange(5.0), counts.long())
    for kind in KINDS:
        loss = make_loss(retinopathy(kind))
        outputs = torch.zeros(1, 4, requires_grad=True)
        optimizer = torch.optim.LBFGS([outputs], max_iter=200, line_search_fn="strong_wolfe")

        def closure(optimizer=optimizer, loss=loss, outputs=outputs) -> torch.Tensor:
            optimizer.zero_grad()
            value = loss(outputs.expand(100, -1), grades)
            value.backward()
            return value

        optimizer.step(closure)
        found = grade_scores(kind, outputs.detach())[0]
        np.testing.assert_allclose(found, counts / 100, atol=2e-3)


def test_the_steps_of_coral_share_one_value(phantoms: dict) -> None:
    task = retinopathy("coral")
    items = read_items(task, phantoms["retinopathy"])
    learn = learner(task, dataloaders(task, items, device="cpu", workers=0))
    *_, last, steps = learn.model[1].children()
    assert (last.out_features, last.bias) == (1, None)
    assert isinstance(steps, Steps)
    assert steps.offsets.tolist() == pytest.approx([1, 0.75, 0.5, 0.25])
    outputs = learn.model.eval()(torch.randn(3, 3, 32, 32))
    differences = outputs - outputs[:, :1]
    assert torch.allclose(differences, differences[:1].expand(3, -1), atol=1e-5)


@pytest.fixture(scope="module")
def runs(phantoms: dict, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    place = tmp_path_factory.mktemp("ordinal")
    changes = {"train__select": "mae", "predict__views": ["plain", "hflip"], "split__test": 0.2}
    return {
        kind: train(retinopathy(kind, **changes), phantoms["retinopathy"], runs=place, **CPU)
        for kind in KINDS
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_is_restored_predicted_and_scored_whole(kind: str, runs: dict[str, Run]) -> None:
    run = Run.open(runs[kind].path)
    classes = run.task.classes
    table, scores = evaluate(run, split="test", **CPU)
    given = table[[f"score_{name}" for name in classes]].to_numpy()
    np.testing.assert_allclose(given.sum(1), 1, atol=1e-6)
    own = predict(run, part(run.items, "test"), calibrate=False, **CPU)
    own_scores = own[[f"score_{name}" for name in classes]].to_numpy()
    np.testing.assert_allclose(table["value"], own_scores @ np.arange(5), atol=1e-6)
    cut = np.searchsorted(run.info["cut_points"], table["value"], side="right")
    assert table["grade"].tolist() == cut.tolist()
    assert "scale" not in run.info
    true = [classes.index(target) for target in table["target"]]
    np.testing.assert_allclose(table["loss"], -np.log(given[np.arange(len(true)), true]), rtol=1e-6)
    assert scores["overall"]["auroc"] is not None


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_the_mean_over_views(kind: str, runs: dict[str, Run]) -> None:
    run = runs[kind]
    items = part(run.items, "valid")
    columns = [f"score_{name}" for name in run.task.classes]
    plain, mirrored, both = (
        predict(run, items, views=views, calibrate=False, **CPU)[columns].to_numpy()
        for views in (["plain"], ["hflip"], ["plain", "hflip"])
    )
    np.testing.assert_allclose(both, (plain + mirrored) / 2, atol=1e-6)
    assert np.abs(plain - mirrored).max() > 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_metrics_of_an_epoch_are_those_of_its_predictions(kind: str, runs: dict[str, Run]) -> None:
    run = runs[kind]
    shown = run.history.iloc[run.info["best_epoch"] - 1]
    table = predict(run, part(run.items, "valid"), views=["plain"], **CPU)
    true = np.array([run.task.classes.index(target) for target in table["target"]])
    assert shown["mae"] == pytest.approx(np.abs(table["value"] - true).mean(), rel=1e-4)


def test_grades_are_interpreted(runs: dict[str, Run], tmp_path: Path) -> None:
    found = interpret(runs["corn"])
    axes = found.grades_figure().axes
    assert len(axes[0].lines) or len(axes[0].collections)
    assert found.per_class().shape[0] == 5


@pytest.mark.parametrize("kind", KINDS)
def test_fastais_own_predictions_are_expected_grades(kind: str, runs: dict[str, Run]) -> None:
    run = runs[kind]
    task = run.task
    items = read_items(task, run.data)
    learn = run.restore("cpu")
    row = part(items, "valid").iloc[0]
    value = float(np.ravel(learn.predict(run.data / row["image"])[0])[0])
    table = predict(run, part(items, "valid").head(1), views=["plain"], **CPU)
    assert value == pytest.approx(table["value"][0], abs=1e-4)
