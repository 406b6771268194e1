"""Steps are measured in ways that a task leaves open, without a trace."""

from pathlib import Path

import pytest
import torch
from conftest import tiny_task
from fastai.learner import Learner
from torch import nn

from fastmed.data.items import read_items
from fastmed.learn.fitting import ways
from fastmed.learn.fitting.ways import Found, Way, asked_way, is_open, quickest_way
from fastmed.learn.input.loaders import dataloaders
from fastmed.learn.learner import learner
from fastmed.task import Task

CPU, GPU = torch.device("cpu"), torch.device("cuda")
MANY = 100_000  # steps, so that the training counts as long


@pytest.fixture(scope="module")
def begun(phantoms: dict[str, Path]) -> tuple[Task, Learner]:
    task = tiny_task("lungs")
    items = read_items(task, phantoms["lungs"])
    return task, learner(task, dataloaders(task, items, device="cpu", workers=0))


def measured(monkeypatch: pytest.MonkeyPatch, seconds: dict[str, float]) -> None:
    """Let steps take as long as is said of their ways."""

    def told(way: Way) -> float:
        found = seconds[str(way)]
        if found < 0:
            raise RuntimeError("the device can't do this")
        return found

    monkeypatch.setattr(ways._Bench, "seconds", lambda _, way, rounds: told(way))
    compare = lambda _, one, other, rounds: {way: told(way) for way in (one, other)}  # noqa: E731
    monkeypatch.setattr(ways._Bench, "compare", compare)


@pytest.mark.parametrize(("settings", "device", "expected"), [
    ({}, CPU, "fp32"),
    ({"channels_last": True}, CPU, "fp32, channels last"),
    ({"precision": "bf16", "compile": True}, CPU, "bf16, compiled"),
    ({"speed": "plain"}, GPU, "fp32"),
    ({"speed": "plain", "precision": "fp16"}, GPU, "fp16"),
])  # fmt: skip
def test_what_is_asked_for_is_kept(settings: dict, device: torch.device, expected: str) -> None:
    task = tiny_task("lungs", **{f"train__{name}": value for name, value in settings.items()})
    assert str(asked_way(task, device)) == expected


@pytest.mark.parametrize(("settings", "expected"), [
    ({}, True),
    ({"speed": "plain"}, False),
    ({"precision": "fp32", "channels_last": False, "compile": False}, False),
    ({"precision": "fp32", "channels_last": False}, True),
])  # fmt: skip
def test_a_task_that_says_all_leaves_nothing_open(settings: dict, expected: bool) -> None:
    task = tiny_task("lungs", **{f"train__{name}": value for name, value in settings.items()})
    assert is_open(task) is expected


def test_measuring_leaves_no_trace(begun: tuple[Task, Learner]) -> None:
    task, learn = begun
    weights = {name: value.clone() for name, value in learn.model.state_dict().items()}
    random, drawn = torch.get_rng_state(), learn.dls.train.rng.getstate()
    gradients = [one.grad for one in learn.model.parameters()]
    found = quickest_way(learn, task, MANY)
    assert found is not None
    assert {str(way) for way in found.seconds} >= {"fp32", "fp32, channels last"}
    assert all(seconds > 0 for seconds in found.seconds.values())
    assert torch.equal(torch.get_rng_state(), random)
    assert learn.dls.train.rng.getstate() == drawn
    assert [one.grad for one in learn.model.parameters()] == gradients
    for name, value in learn.model.state_dict().items():
        assert torch.equal(value, weights[name])
        assert value.stride() == weights[name].stride()


@pytest.mark.parametrize(("seconds", "expected"), [
    ({"fp32": 1.0, "fp32, channels last": 0.8, "bf16, channels last": 0.3}, "bf16, channels last"),
    ({"fp32": 1.0, "fp32, channels last": 1.2, "bf16": 0.3}, "bf16"),
    ({"fp32": 1.0, "fp32, channels last": 0.8, "bf16, channels last": 0.79}, "fp32, channels last"),
    ({"fp32": 1.0, "fp32, channels last": 0.97, "bf16": 1.5}, "fp32"),
    ({"fp32": 1.0, "fp32, channels last": -1, "bf16": 0.5}, "bf16"),
])  # fmt: skip
def test_a_way_has_to_be_clearly_quicker_than_a_simpler_one(
    begun: tuple[Task, Learner], monkeypatch: pytest.MonkeyPatch, seconds: dict, expected: str
) -> None:
    measured(monkeypatch, seconds)
    monkeypatch.setattr(ways, "_has_quick_bf16", lambda: True)
    found = quickest_way(begun[1], begun[0], MANY)
    assert found is not None
    assert str(found.way) == expected
    assert found.gain == pytest.approx(1.0 / seconds[expected])
    assert Found.of_json(found.to_json()) == found


@pytest.mark.parametrize(("steps", "seconds", "expected"), [
    (100, 10.0, None), (1000, 0.05, None), (1000, 0.5, "fp32, channels last"),
])  # fmt: skip
def test_a_short_training_is_not_measured(
    begun: tuple[Task, Learner], monkeypatch: pytest.MonkeyPatch, steps: int, seconds: float,
    expected: str | None,
) -> None:  # fmt: skip
    measured(monkeypatch, {"fp32": seconds, "fp32, channels last": seconds / 2})
    monkeypatch.setattr(ways, "_has_quick_bf16", lambda: False)
    found = quickest_way(begun[1], begun[0], steps)
    assert (None if found is None else str(found.way)) == expected


def test_what_is_fixed_is_not_tried(
    begun: tuple[Task, Learner], monkeypatch: pytest.MonkeyPatch
) -> None:
    task = tiny_task("lungs", train__channels_last=False, train__precision="fp32")
    measured(monkeypatch, {"fp32": 1.0})
    found = quickest_way(begun[1], task, MANY)
    assert found is not None
    assert [str(way) for way in found.seconds] == ["fp32"]


def test_steps_are_computed_in_the_way_that_is_measured(
    begun: tuple[Task, Learner], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network sees the layout and the precision of each way."""
    seen: set[tuple[bool, torch.dtype]] = set()
    bench = ways._Bench(begun[1], CPU)

    def look(module: nn.Module, given: tuple[torch.Tensor, ...], answer: torch.Tensor) -> None:
        last = given[0].is_contiguous(memory_format=torch.channels_last)
        seen.add((last, answer.dtype))

    first = next(one for one in begun[1].model.modules() if isinstance(one, nn.Conv2d))
    with first.register_forward_hook(look):  # copied with the network
        for way in (Way(), Way(channels_last=True), Way("bf16")):
            seen.clear()
            bench.seconds(way, rounds=1)
            kind = torch.bfloat16 if way.precision == "bf16" else torch.float32
            assert seen == {(way.channels_last, kind)}
