import numpy as np
import pytest

from fastmed.demo import chest
from fastmed.demo.radiograph import Pose, draw_pose, opacity_box, radiograph

UPRIGHT = Pose(angle=0.0, zoom=1.0, shift_x=0.0, shift_y=0.0)


def film(patient, pose, seed):
    return radiograph(patient, pose, 96, np.random.default_rng(seed)).astype(float)


@pytest.fixture
def patient():
    return chest.draw_patient(np.random.default_rng(3))


def test_lungs_are_dark_and_the_heart_is_bright(patient):
    picture = film(patient, UPRIGHT, 0)
    row = round(96 * (patient.base - 0.05))
    beside, heart = round(96 * (0.5 - 0.7 * patient.width)), round(96 * 0.55)
    assert picture[row, heart] > picture[row, beside] + 40


def test_two_films_of_a_patient_show_the_same_anatomy(patient):
    first, second = film(patient, UPRIGHT, 0), film(patient, UPRIGHT, 1)
    other = film(chest.draw_patient(np.random.default_rng(4)), UPRIGHT, 1)
    assert (first != second).any()
    same, different = (np.corrcoef(first.ravel(), p.ravel())[0, 1] for p in (second, other))
    assert same > 0.9 > different


def test_the_mean_is_drawn_whatever_the_chest_shows(patient):
    ill = chest.with_covid(patient, np.random.default_rng(0))
    for seed in range(5):
        assert film(patient, UPRIGHT, seed).mean() == pytest.approx(
            film(ill, UPRIGHT, seed).mean(), abs=4
        )


@pytest.mark.parametrize("seed", range(6))
def test_the_box_frames_the_opacity(patient, seed):
    rng = np.random.default_rng(seed)
    ill, pose = chest.with_consolidation(patient, rng), draw_pose(rng)
    x, y, width, height = (int(value) for value in opacity_box(ill, ill.opacities[0], pose, 96))
    assert 0 <= x < x + width <= 96
    assert 0 <= y < y + height <= 96
    change = film(ill, pose, 0) - film(patient, pose, 0)
    inside = np.zeros_like(change, dtype=bool)
    inside[y : y + height, x : x + width] = True
    assert change[inside].mean() > change[~inside].mean() + 15
    assert inside[np.unravel_index(change.argmax(), change.shape)]
