from types import SimpleNamespace

import pytest
from conftest import tiny_task
from fastai.callback.core import CancelFitException
from made import listening

from fastmed.learn.fitting.stop_early import StopEarly
from fastmed.training.train import train

NAN = float("nan")


def epochs_run(metric: str, patience: int, values: list[float]) -> int:
    """Return how many epochs run whose metric has these values."""
    stop, rows = StopEarly(metric, patience), []
    stop.learn = SimpleNamespace(history=SimpleNamespace(rows=rows))
    for value in values:
        try:
            stop.before_epoch()
        except CancelFitException:
            break
        rows.append({"epoch": len(rows) + 1, "phase": "whole", metric: value})
        stop.after_epoch()
        state = stop.state()
        stop = StopEarly(metric, patience)  # a training that is taken up after each epoch
        stop.learn = SimpleNamespace(history=SimpleNamespace(rows=rows))
        stop.load_state(state)
    return len(rows)


@pytest.mark.parametrize(
    ("metric", "patience", "values", "expected"),
    [
        ("accuracy", 1, [0.1, 0.2, 0.2, 0.9], 3),
        ("accuracy", 2, [0.1, 0.2, 0.2, 0.3, 0.2, 0.1, 0.9], 6),
        ("valid_loss", 2, [3.0, 2.0, 2.5, 2.1, 1.0], 4),
        ("accuracy", 2, [NAN, NAN, 0.5], 2),
        ("accuracy", 5, [0.3, 0.2, 0.1, 0.0], 4),
    ],
)
def test_a_phase_ends_after_epochs_without_a_better_one(
    metric: str, patience: int, values: list[float], expected: int
) -> None:
    assert epochs_run(metric, patience, values) == expected


def test_a_training_ends_early_and_says_so(phantoms: dict, tmp_path) -> None:
    """At a rate at which nothing changes, no epoch is better than the first."""
    task = tiny_task(
        "lungs", train__epochs=9, train__patience=2, train__lr=1e-12, train__opt="sgd",
        train__schedule="constant", train__select="accuracy", head={"batch_norm": "none"},
        train__arch="test_vit",
    )  # fmt: skip
    with listening() as said:
        run = train(task, phantoms["lungs"], runs=tmp_path, device="cpu", workers=0)
    assert len(run.history) == 3
    assert run.info["status"] == "done"
    sentence = "whole phase ends after epoch 3: accuracy has not become better for 2 epochs"
    assert sentence in said.text
