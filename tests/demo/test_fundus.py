import numpy as np
import pytest

from fastmed.demo.fundus import Lesions, draw_lesions, fundus

GRADES = range(5)


def eye(lesions, seed, size=96):
    return fundus(lesions, size, np.random.default_rng(seed)).astype(float)


def test_lesions_grow_with_the_grade():
    rng = np.random.default_rng(0)
    counts = [np.mean([draw_lesions(grade, rng).total for _ in range(100)]) for grade in GRADES]
    assert counts[0] == 0
    assert (np.diff(counts) > 2).all()


def test_each_grade_has_its_own_kinds_of_lesions():
    rng = np.random.default_rng(0)
    drawn = [[draw_lesions(grade, rng) for _ in range(50)] for grade in GRADES]
    assert all(eye.microaneurysms and not eye.haemorrhages for eye in drawn[1])
    assert all(eye.haemorrhages and not eye.new_vessels for eye in [*drawn[2], *drawn[3]])
    assert all(eye.new_vessels for eye in drawn[4])
    most_of_two = max(eye.haemorrhages for eye in drawn[2])
    assert most_of_two < min(eye.haemorrhages for eye in drawn[3])


def test_more_lesions_make_a_busier_picture():
    def busy(lesions):
        eyes = [eye(lesions, seed) for seed in range(12)]
        return np.mean([np.abs(np.diff(e[..., 1], axis=1)).mean() / e.mean() for e in eyes])

    none, some, many = busy(Lesions()), busy(Lesions(5, 6)), busy(Lesions(15, 25, 3, 4))
    assert none < some < many


def test_preretinal_blood_darkens_and_exudates_brighten():
    def darkest_and_brightest(lesions):
        """Quantiles of green in the middle of the picture, relative to its mean."""
        middles = [eye(lesions, seed)[24:72, 24:72, 1] for seed in range(6)]
        return np.mean([np.quantile(m, [0.02, 0.97]) / m.mean() for m in middles], axis=0)

    dark, bright = darkest_and_brightest(Lesions())
    assert darkest_and_brightest(Lesions(preretinal=2))[0] < 0.85 * dark
    assert darkest_and_brightest(Lesions(exudates=4))[1] > 1.1 * bright


def test_the_picture_is_round_orange_and_on_black():
    picture = eye(Lesions(), 0)
    assert picture.shape == (96, 96, 3)
    assert picture[:4, :4].max() < 25
    red, green, blue = picture[30:66, 30:66].mean(axis=(0, 1))
    assert red > 1.3 * green > 1.3 * blue


@pytest.mark.parametrize("size", [16, 32, 160])
def test_every_size_can_be_drawn(size):
    rng = np.random.default_rng(0)
    assert fundus(draw_lesions(4, rng), size, rng).shape == (size, size, 3)
