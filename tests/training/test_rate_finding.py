"""Learning rates are found without a trace."""

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import tiny_task
from safetensors.torch import load_file

from fastmed.data.items import read_items
from fastmed.errors import RunError, TaskError, TrainingError
from fastmed.learn.fitting.rate_finder import suggest, sweep
from fastmed.learn.fitting.schedule import plan_phases
from fastmed.learn.input.loaders import dataloaders
from fastmed.learn.learner import learner
from fastmed.results.figures.style import check_figure_file
from fastmed.run import Run
from fastmed.training.rate_finding import find_rate
from fastmed.training.train import train

CPU = {"device": "cpu", "workers": 0}
STEPS = 50


def states() -> tuple:
    kind, keys, *rest = np.random.get_state()
    return random.getstate(), (kind, keys.tolist(), *rest), torch.get_rng_state().tolist()


def files_below(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


@pytest.mark.slow
def test_a_training_afterwards_is_the_same_bit_for_bit(
    phantoms: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    task = tiny_task("retinopathy", train__epochs=1)
    data = phantoms["retinopathy"]
    first = train(task, data, name="first", **CPU)
    files, before = files_below(tmp_path) | files_below(data), states()
    found = find_rate(task, data, steps=STEPS, **CPU)
    assert states() == before
    assert files_below(tmp_path) | files_below(data) == files
    second = train(task, data, name="second", **CPU)
    weights, same = load_file(first.weights), load_file(second.weights)
    assert all(torch.equal(weights[name], same[name]) for name in weights)
    assert first.history.drop(columns="seconds").equals(second.history.drop(columns="seconds"))
    assert [one.phase for one in found.sweeps] == ["whole"]


@pytest.mark.slow
def test_weights_rates_and_place_of_a_learner_are_put_back(phantoms: dict) -> None:
    task = tiny_task("lungs", train__lr_spread=100)
    items = read_items(task, phantoms["lungs"])
    learn = learner(task, dataloaders(task, items, **CPU))
    place = learn.path
    before = {name: value.clone() for name, value in learn.model.state_dict().items()}
    (phase,) = plan_phases(task, pretrained_body=False)
    rates, losses = sweep(learn, phase, STEPS)
    assert all(torch.equal(before[name], value) for name, value in learn.model.state_dict().items())
    assert learn.path == place
    assert rates[0] == pytest.approx(1e-7)
    assert np.all(np.diff(np.log(rates)) > 0)
    assert len(losses) == len(rates) <= STEPS
    assert rates[-1] <= 10


@pytest.mark.slow
def test_each_phase_begins_where_the_training_has_it(own_run: Callable, phantoms: dict) -> None:
    start = own_run("lungs")
    task = tiny_task(
        "lungs", train__pretrained=True, train__weights=str(start.path), train__freeze_epochs=1,
        train__lr_spread=10, train__arch=start.task.train.arch,
    )  # fmt: skip
    items = read_items(task, phantoms["lungs"])
    both = find_rate(task, items, steps=STEPS, **CPU)
    assert [one.phase for one in both.sweeps] == ["frozen", "whole"]
    assert list(both.table().index) == ["frozen", "whole"]
    assert both.suggestion == min(both.table()["valley"])
    frozen = find_rate(task, items, phases=["frozen"], steps=STEPS, **CPU)
    np.testing.assert_array_equal(frozen.sweeps[0].losses, both.sweeps[0].losses)
    whole = find_rate(task, items, phases=["whole"], steps=STEPS, **CPU)
    at_start = find_rate(task.with_changes({"train.freeze_epochs": 0}), items, steps=STEPS, **CPU)
    first_losses = [found.sweeps[-1].losses[0] for found in (whole, at_start)]
    assert first_losses[0] != first_losses[1]
    assert len(both.figure().axes) == 2


def test_suggestions_are_fastais(tmp_path: Path) -> None:
    """The course falls from 1e-5 on, most steeply at 1e-3, and is least at 1e-2."""
    rates = np.geomspace(1e-7, 1, 100)
    exponent = np.log10(rates)
    losses = 2 - 1 / (1 + np.exp(-4 * (exponent + 3))) + np.where(exponent > -2, exponent + 2, 0)
    found = suggest(rates, losses, 100)
    assert found["steep"] == pytest.approx(1e-3, rel=0.2)
    assert found["minimum"] == pytest.approx(rates[losses.argmin()] / 10, rel=1e-3)
    assert 1e-5 < found["valley"] < 1e-2


@pytest.mark.parametrize("losses", [np.full(100, np.nan), np.ones(12)])
def test_no_course_is_one_sentence(losses: np.ndarray) -> None:
    with pytest.raises(TrainingError, match="too early in 100 steps"):
        suggest(np.geomspace(1e-7, 10, len(losses)), losses, 100)


def test_what_the_task_does_not_have_is_refused(phantoms: dict) -> None:
    with pytest.raises(TaskError, match="no phase 'frozen'; it has whole"):
        find_rate(tiny_task("lungs"), phantoms["lungs"], phases=["frozen"], **CPU)
    with pytest.raises(TaskError, match="5 steps are too few"):
        find_rate(tiny_task("lungs"), phantoms["lungs"], steps=5, **CPU)


def test_place_of_the_figure_is_checked_first(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"not '.jpg'; name a .png file"):
        check_figure_file(tmp_path / "rates.jpg")
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="can't write"):
        check_figure_file(tmp_path / "file" / "rates.png")


def test_command_prints_a_rate_and_draws(
    trained: dict[str, Run], phantoms: dict, tmp_path: Path, command: Callable
) -> None:
    figure = tmp_path / "rates.png"
    said = command(
        "lr-find", "lungs", "--data", phantoms["lungs"], "--arch", "test_resnet", "--size", 32,
        "--batch", 8, "--steps", STEPS, "--device", "cpu", "--workers", 0, "--out", figure,
    )  # fmt: skip
    assert said.code == 0, said.err
    assert "Take --lr " in said.err
    assert "valley" in said.out
    assert figure.read_bytes().startswith(b"\x89PNG")
