"""What is watched in a training goes on when the training does."""

from pathlib import Path

import numpy as np
import pytest
from conftest import tiny_task
from stopped import batches_of, marks_of, stopped_before

from fastmed.learn.fitting.progress import SECOND_VALIDATION
from fastmed.run import Run
from fastmed.training.resume import resume
from fastmed.training.train import train

CPU = {"device": "cpu", "workers": 0}


@pytest.mark.slow
def test_a_resumed_run_is_measured_and_tracked_as_if_it_had_never_stopped(
    phantoms: dict, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    task = tiny_task(
        "lungs", split__test=0.2, train__test_each_epoch=True, train__epochs=3,
        augment__rotate=10,
    )  # fmt: skip
    options = {"runs": tmp_path, "track": ["tensorboard"], **CPU}
    with caplog.at_level("INFO", logger="fastmed"):
        whole, batches = batches_of(lambda: train(task, phantoms["lungs"], name="one", **options))
    assert [one.getMessage() for one in caplog.records].count(SECOND_VALIDATION) == 1
    with stopped_before(batches * 2 // 3 + 1):
        train(task, phantoms["lungs"], name="two", **options)
    begun = Run.open(tmp_path / "lungs" / "two")
    assert len(begun.history) == 2
    run = resume(begun.path)
    assert marks_of(run) == marks_of(whole)
    assert run.history["test_loss"].tolist() == whole.history["test_loss"].tolist()
    assert run.history["train_macro_f1"].tolist() == whole.history["train_macro_f1"].tolist()
    found = EventAccumulator(str(run.path / "tensorboard"))
    found.Reload()
    points = found.Scalars("test_loss")
    assert [point.step for point in points] == [1, 2, 3]
    np.testing.assert_allclose([point.value for point in points], run.history["test_loss"], 1e-6)
