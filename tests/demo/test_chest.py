import numpy as np
import pytest

from fastmed.demo import chest
from fastmed.demo.drawing import grid


def extent(mask, x):
    columns = x[0][(mask > 0.5).any(axis=0)]
    return columns.max() - columns.min()


@pytest.mark.parametrize("ratio", [0.38, 0.45, 0.55, 0.65])
def test_the_cardiothoracic_ratio_can_be_measured_in_the_drawing(ratio):
    x, y = grid(400)
    for seed in range(5):
        patient = chest.draw_patient(np.random.default_rng(seed), ratio)
        heart = extent(chest.heart_mask(patient, x - 0.5, y), x)
        thorax = extent(chest.lung_mask(patient, x - 0.5, y), x)
        assert heart / thorax == pytest.approx(ratio, abs=0.015)


def test_the_heart_reaches_farther_to_the_left():
    x, y = grid(200)
    heart = chest.heart_mask(chest.draw_patient(np.random.default_rng(0)), x - 0.5, y) > 0.5
    assert heart[:, 100:].sum() > 1.5 * heart[:, :100].sum()


def test_covid_is_on_both_sides_and_consolidation_on_one():
    for seed in range(10):
        rng = np.random.default_rng(seed)
        patient = chest.draw_patient(rng)
        assert {np.sign(o.x) for o in chest.with_covid(patient, rng).opacities} == {-1, 1}
        assert len(chest.with_consolidation(patient, rng).opacities) == 1


def test_covid_is_hazier_than_pneumonia():
    rng = np.random.default_rng(0)
    patient = chest.draw_patient(rng)
    haze = max(o.density for o in chest.with_covid(patient, rng).opacities)
    assert haze < min(o.density for o in chest.with_pneumonia(patient, rng).opacities)


def test_a_high_diaphragm_makes_only_the_right_lung_smaller():
    x, y = grid(200)
    rng = np.random.default_rng(0)
    patient = chest.draw_patient(rng)
    raised = chest.with_high_diaphragm(patient, rng)
    before, after = (chest.lung_mask(p, x - 0.5, y) for p in (patient, raised))
    assert after[:, :95].sum() < 0.85 * before[:, :95].sum()
    lowest = [np.flatnonzero(mask[:, 130] > 0.5).max() for mask in (before, after)]
    assert lowest[0] == lowest[1]


def test_findings_leave_the_patient_as_is():
    rng = np.random.default_rng(0)
    patient = chest.draw_patient(rng)
    assert patient.opacities == ()
    assert patient.effusion is None
    assert chest.with_big_heart(patient, rng).ratio > 0.5 > patient.ratio
    assert chest.with_effusion(patient, rng).effusion is not None
    assert all(o.radius_x == o.radius_y for o in chest.with_nodules(patient, rng).opacities)
