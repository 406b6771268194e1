import numpy as np
import pytest

from fastmed.demo.drawing import clouds, disc, dots, exposed, grid, lines, noise, to_bytes, turned


def test_grid_holds_pixel_centres():
    x, y = grid(4)
    assert x[0].tolist() == [0.125, 0.375, 0.625, 0.875]
    assert (y == x.T).all()


def test_turned_by_a_quarter_swaps_the_axes():
    along, across = turned(*np.array([[1.0], [2.0]]), np.pi / 2)
    assert np.allclose([along, across], [[2.0], [-1.0]])


def test_disc_has_the_area_of_its_ellipse():
    x, y = grid(200)
    assert disc(x - 0.5, y - 0.5, (0.3, 0.2), 0.002).mean() == pytest.approx(np.pi * 0.06, rel=0.02)


def test_dots_have_the_area_of_their_circles():
    drawn = dots(100, np.array([[0.3, 0.3], [0.7, 0.6]]), np.array([0.1, 0.2]))
    assert drawn.mean() == pytest.approx(np.pi * 0.05, rel=0.04)
    assert drawn[30, 30] == drawn[60, 70] == 1
    assert drawn[5, 5] == 0


def test_no_dots_leave_the_picture_empty():
    assert dots(16, np.empty((0, 2)), np.empty(0)).max() == 0


def test_a_line_covers_its_length_times_its_width():
    drawn = lines(100, [(np.array([[0.2, 0.5], [0.8, 0.5]]), 0.05)])
    assert drawn.mean() == pytest.approx(0.6 * 0.05, rel=0.1)


@pytest.mark.parametrize("texture", [noise, clouds])
def test_noise_is_centred_with_a_deviation_of_about_one(texture):
    drawn = texture(np.random.default_rng(0), *grid(128), 20)
    assert abs(drawn.mean()) < 0.2
    assert 0.7 < drawn.std() < 1.4


@pytest.mark.parametrize("mean", [0.2, 0.5, 0.7])
@pytest.mark.parametrize("power", [0.3, 1.0, 3.0])
def test_exposure_gives_the_wanted_mean(mean, power):
    x, _ = grid(64)
    assert exposed(x**power, mean).mean() == pytest.approx(mean, abs=0.02)


def test_bytes_are_rounded_and_cut_off():
    assert to_bytes(np.array([-1.0, 0.0, 0.5, 1.0, 2.0])).tolist() == [0, 0, 128, 255, 255]
