"""Calibration as tensors against calibration in NumPy."""

import numpy as np
import pytest
import torch
from scipy.special import softmax

from fastmed.exporting.decision import Decision
from fastmed.results.calibration.probabilities import Calibration

SHARES = np.array([0.5, 0.3, 0.2])
CATEGORIES = {
    "plain": Calibration(),
    "temperature": Calibration(temperature=1.7),
    "weights": Calibration(temperature=0.6, weights=np.array([0.4, 1.0, 3.0])),
    "prevalence": Calibration(
        temperature=1.3, weights=np.array([0.4, 1.0, 3.0]), shares=SHARES,
        prevalence=np.array([0.9, 0.08, 0.02]),
    ),
}  # fmt: skip


def numbers(found: dict[str, torch.Tensor], name: str) -> np.ndarray:
    return found[name].numpy()


@pytest.mark.parametrize("name", CATEGORIES)
def test_categories_are_as_in_a_run(name):
    calibration = CATEGORIES[name]
    outputs = softmax(np.random.default_rng(0).normal(0, 4, (200, 3)), axis=1)
    found = Decision(calibration, 3)(torch.tensor(outputs, dtype=torch.float32))
    expected = calibration.probabilities(outputs)
    np.testing.assert_allclose(numbers(found, "probabilities"), expected, atol=2e-6)
    assert (numbers(found, "predicted") == calibration.decisions(outputs)).all()
    assert set(found) == {"probabilities", "predicted"}


def test_impossible_classes_are_not_infinitely_so():
    outputs = np.array([[1.0, 0.0, 0.0]])
    found = Decision(CATEGORIES["weights"], 3)(torch.tensor(outputs, dtype=torch.float32))
    expected = CATEGORIES["weights"].probabilities(outputs)
    np.testing.assert_allclose(numbers(found, "probabilities"), expected, atol=1e-6)


@pytest.mark.parametrize("scale", [0.05, 0.4, 5.0])
def test_values_of_grades_are_as_in_a_run(scale):
    calibration = Calibration(cut_points=np.array([0.4, 1.3, 1.31, 3.2]), scale=scale)
    values = np.linspace(-3, 8, 500)
    found = Decision(calibration, 5)(torch.tensor(values, dtype=torch.float32))
    expected = calibration.probabilities(values)
    np.testing.assert_allclose(numbers(found, "probabilities"), expected, atol=2e-6)
    assert (numbers(found, "grade") == calibration.decisions(values)).all()
    assert (numbers(found, "grade") == numbers(found, "predicted")).all()
    np.testing.assert_allclose(numbers(found, "value"), values, atol=1e-6)


def test_probabilities_of_grades_have_an_expected_one():
    calibration = Calibration(temperature=1.4, cut_points=np.array([0.7, 1.4]))
    outputs = softmax(np.random.default_rng(1).normal(0, 2, (100, 3)), axis=1)
    found = Decision(calibration, 3)(torch.tensor(outputs, dtype=torch.float32))
    np.testing.assert_allclose(numbers(found, "value"), outputs @ [0, 1, 2], atol=1e-6)
    assert (numbers(found, "grade") == calibration.decisions(outputs)).all()


def test_a_value_on_a_cut_point_is_the_next_grade():
    calibration = Calibration(cut_points=np.array([0.5, 1.5]))
    found = Decision(calibration, 3)(torch.tensor([0.5, 1.5, 0.49999]))
    assert numbers(found, "grade").tolist() == [1, 2, 0]
