"""The pointing game, counted by hand."""

import numpy as np
import pytest

from fastmed.results.maps.pointing import hottest_place, pointing_game, points_into, share_filled


def spot(row: int, column: int) -> np.ndarray:
    heat = np.full((10, 10), 0.1)
    heat[row, column] = 1
    return heat


def test_hottest_place_is_the_middle_of_its_pixel() -> None:
    assert hottest_place(spot(2, 7)) == (2.5, 7.5)
    assert hottest_place(np.zeros((4, 4))) is None


def test_of_a_hot_patch_the_middle_is_taken_and_of_two_the_first() -> None:
    heat = np.zeros((10, 10))
    heat[2:5, 1:3] = heat[8, 8] = 1
    assert hottest_place(heat) == (3.5, 2.0)


def test_a_place_lies_in_any_box_that_has_an_area() -> None:
    boxes = np.array([[0, 0, 2, 2], [5, 1, 9, 4], [7, 7, 7, 9]])
    assert points_into((2.5, 7.5), boxes)
    assert points_into((1, 1), boxes)
    assert not points_into((7.5, 2.5), boxes)
    assert not points_into((8, 7), boxes)
    assert not points_into(None, boxes)


def test_share_filled_counts_pixels_of_the_image_only() -> None:
    covered = np.zeros((10, 10), bool)
    covered[:, 2:8] = True
    boxes = np.array([[0, 0, 5, 5], [4, 4, 6, 6]])
    assert share_filled(boxes, covered) == pytest.approx((15 + 4 - 1) / 60)


def test_game() -> None:
    places = [hottest_place(heat) for heat in (spot(2, 2), spot(8, 8), np.zeros((10, 10)))]
    boxes = [np.array([[1, 1, 4, 4]]), np.array([[4, 4, 6, 6]]), np.array([[0, 0, 10, 10]])]
    covered = [np.ones((10, 10), bool)] * 3
    found = pointing_game(places, boxes, covered, np.array(["a", "b", "c"]))
    assert (found["n"], found["hits"]) == (3, 1)
    assert found["share"] == pytest.approx(1 / 3)
    assert found["centre"] == pytest.approx(2 / 3)
    assert found["by_chance"] == pytest.approx((0.09 + 0.04 + 1) / 3)
    low, high = found["interval"]
    assert 0 < low < 1 / 3 < high < 1
