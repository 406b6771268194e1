"""The whole way from pixels to a decision against a run's own predictions."""

import numpy as np
import pytest
import torch

from fastmed.data.tables import part, scores_of
from fastmed.exporting.run_file import inputs_of
from fastmed.exporting.whole import Half, Through, Whole, input_names, trace_with
from fastmed.learn.restore import statistics_of
from fastmed.prediction.story import predict
from fastmed.results.calibration.fitted import calibration_of
from fastmed.run import Run


def whole_of(run: Run, half: bool = False, views: tuple[str, ...] = ()) -> Whole:
    network = run.restore("cpu").model.eval()
    network = Half(network) if half else network
    return Whole(
        network,
        run.task,
        statistics_of(run),
        calibration_of(run),
        Through(views or run.task.predict.views),
    ).eval()


def predicted(whole: Whole, run: Run, items) -> dict[str, np.ndarray]:
    with torch.no_grad():
        rows = [
            whole(*(torch.tensor(given[name]) for name in whole.names))
            for given in inputs_of(run.task, run.metadata, items)
        ]
    return {name: np.concatenate([row[name].numpy() for row in rows]) for name in rows[0]}


@pytest.mark.parametrize("name", ["lungs", "retinopathy", "histology"])
def test_it_predicts_what_the_run_predicts(trained, name):
    run = trained[name]
    items = part(run.items, "valid")
    own = predict(run, items, device="cpu", workers=0)
    found = predicted(whole_of(run), run, items)
    expected = scores_of(own, run.task.classes)
    np.testing.assert_allclose(found["probabilities"], expected, atol=2e-3)
    classes = np.array(run.task.classes)[found["predicted"]]
    assert (classes == own["predicted"].to_numpy()).mean() > 0.9
    if run.task.goal == "grade":
        np.testing.assert_allclose(found["value"], own["value"], atol=5e-3)


def test_views_are_averaged(trained):
    run = trained["lungs"]
    items, views = part(run.items, "valid"), ("plain", "hflip", "rotate=5")
    own = predict(run, items, views=views, device="cpu", workers=0)
    found = predicted(whole_of(run, views=views), run, items)
    expected = scores_of(own, run.task.classes)
    np.testing.assert_allclose(found["probabilities"], expected, atol=2e-3)


def test_half_precision_is_nearly_the_same(trained):
    run = trained["retinopathy"]
    items = part(run.items, "valid")
    full, half = (
        predicted(whole_of(run), run, items),
        predicted(whole_of(run, half=True), run, items),
    )
    assert 0 < np.abs(full["value"] - half["value"]).max() < 0.02
    assert half["probabilities"].dtype == np.float32


def test_images_come_before_metadata(trained):
    run = trained["lungs"]
    assert input_names(run.task, None) == ["images"]
    (images,) = trace_with(run.task, None)
    assert images.dtype == torch.uint8
    assert images.shape[-1] == 3
