"""How many weights a run's network has, and how much memory its training took."""

from types import SimpleNamespace

import psutil
import pytest
import torch
from safetensors import safe_open

from fastmed.learn.fitting.footprint import Footprint
from fastmed.run import Run


def test_a_run_says_how_many_weights_its_network_has(trained: dict[str, Run]) -> None:
    run = trained["lungs"]
    with safe_open(run.weights, "pt") as file:
        shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
    statistics = ("running_mean", "running_var", "num_batches_tracked")
    learnt = [shape for name, shape in shapes.items() if not name.endswith(statistics)]
    assert run.info["parameters"] == sum(torch.Size(shape).numel() for shape in learnt)


def test_memory_is_what_the_process_held_at_most(
    trained: dict[str, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 100 < trained["lungs"].info["memory_megabytes"] < psutil.virtual_memory().total / 1e6
    kept: dict[str, int] = {}
    run = SimpleNamespace(info={"memory_megabytes": 7}, update=lambda **info: kept.update(info))
    watch = Footprint(run)  # type: ignore[arg-type]
    watch.learn = SimpleNamespace(model=torch.nn.Linear(2, 3), dls=SimpleNamespace(device="cpu"))
    watch.before_fit()
    held = iter([5e6, 90e6, 60e6])
    process = SimpleNamespace(memory_info=lambda: SimpleNamespace(rss=next(held)))
    monkeypatch.setattr(psutil, "Process", lambda: process)
    for expected in (7, 90, 90):
        watch.after_loss()
        watch.after_epoch()
        assert kept == {"parameters": 9, "memory_megabytes": expected}
