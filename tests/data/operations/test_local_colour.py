"""Graham's local colour: what differs from its surroundings, on mid-grey, without a ring."""

import cv2
import numpy as np
import pytest
from test_background import disc, round_picture

from fastmed.data.operations.local_colour import local_colour
from fastmed.demo.fundus import draw_lesions, fundus

RNG = np.random.default_rng


def graham(pixels: np.ndarray, sigma: float) -> np.ndarray:
    """Return the original's formula, which knows of no background."""
    blurred = cv2.GaussianBlur(pixels.astype(np.float64), (0, 0), sigma)
    return (4.0 * pixels - 4 * blurred + 128).clip(0, 255)


@pytest.mark.parametrize("shape", [(200, 200, 3), (150, 220)])
def test_it_is_grahams_formula_away_from_the_border(shape: tuple[int, ...]):
    pixels = cv2.GaussianBlur(RNG(0).integers(60, 200, shape, dtype=np.uint8), (0, 0), 2)
    width = 8 / max(shape)
    ours, theirs = local_colour(pixels, width).astype(float), graham(pixels, 8)
    inside = (slice(40, -40), slice(40, -40))
    assert np.abs(ours - theirs)[inside].mean() < 1
    assert np.abs(ours - theirs)[inside].max() < 6


def test_an_even_disc_becomes_even_grey_without_a_ring():
    """Graham's formula leaves a bright ring of some ten pixels, which he cuts off."""
    picture = round_picture((240, 300), (120, 150), 100)
    shown = local_colour(picture, 1 / 60).astype(int)
    assert np.abs(shown - 128).max() <= 2
    assert np.abs(graham(picture, 200 / 60) - 128).max() > 100


def test_a_slope_of_light_is_evened_out():
    picture = round_picture((240, 300), (120, 150), 100, gradient=0.3)
    assert np.abs(local_colour(picture, 1 / 60).astype(int) - 128).max() <= 8


@pytest.mark.parametrize("radius", [100, 130])
def test_background_is_mid_grey(radius: int):
    picture = round_picture((240, 300), (120, 150), radius, noise=3)
    outside = ~disc((240, 300), (120, 150), radius)
    assert (local_colour(picture, 1 / 60)[outside] == 128).all()


def test_a_tab_at_the_circle_is_background():
    picture = round_picture((240, 300), (120, 150), 100)
    picture[40:52, 215:230] = picture[120, 150]
    assert np.abs(local_colour(picture, 1 / 60).astype(int) - 128).max() <= 6


def test_vessels_and_lesions_stand_out():
    rng = RNG(1)
    picture = fundus(draw_lesions(4, rng), 256, rng)
    plain, shown = picture[80:176, 80:176, 1], local_colour(picture, 1 / 60)[80:176, 80:176, 1]
    assert shown.std() > 1.5 * plain.std()
    assert np.median(shown) == pytest.approx(128, abs=8)


def test_a_wider_blur_keeps_wider_structures():
    picture = round_picture((240, 300), (120, 150), 100)
    blob = disc((240, 300), (120, 150), 15)
    picture[blob] = picture[blob] // 2
    narrow, wide = (local_colour(picture, width)[120, 150].mean() for width in (0.01, 0.2))
    assert wide < narrow - 20


def test_a_small_picture_of_one_colour():
    assert (local_colour(np.full((3, 4, 3), 90, np.uint8), 1 / 60) == 128).all()
