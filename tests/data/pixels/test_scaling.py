"""Deep values are scaled by what is declared, and by nothing that differs from image to image."""

import numpy as np
import pytest

from fastmed.data.pixels.scaling import UnreadableError, to_bytes
from fastmed.settings.image import ImageSettings

PLAIN = ImageSettings()


@pytest.mark.parametrize("kind", [np.uint16, np.int16, np.uint32, np.int64, np.float32, np.float64])
def test_values_are_rounded_and_cut_at_the_range(kind: type):
    values = np.array([[0, 10, 149, 150, 151, 200, 300]]).astype(kind)
    pixels, _ = to_bytes(values, ImageSettings(value_range=(50, 250)))
    np.testing.assert_array_equal(pixels, [[0, 0, 126, 128, 129, 191, 255]])


def test_all_of_a_large_image_is_scaled(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("fastmed.data.pixels.scaling._AT_ONCE", 10)
    values = np.random.default_rng(0).random((7, 5, 3))
    pixels, _ = to_bytes(values, PLAIN)
    np.testing.assert_array_equal(pixels, np.floor(values * 255 + 0.5))


def test_what_is_no_number_is_black_and_infinity_is_an_end():
    values = np.array([[np.nan, np.inf, -np.inf, 0.5]])
    pixels, _ = to_bytes(values, ImageSettings(value_range=(0, 1)))
    np.testing.assert_array_equal(pixels, [[0, 255, 0, 128]])


def test_masks_are_black_and_white():
    pixels, scaling = to_bytes(np.array([[True, False]]), PLAIN)
    np.testing.assert_array_equal(pixels, [[255, 0]])
    assert scaling == "black and white"


@pytest.mark.parametrize("values", [[[0.0, 1.01]], [[-0.01, 1.0]], [[0.0, 255.0]]])
def test_floats_beyond_0_to_1_are_not_guessed(values: list):
    with pytest.raises(UnreadableError, match="nothing says what is black"):
        to_bytes(np.array(values), PLAIN)


@pytest.mark.parametrize("settings", [{}, {"scale": "percentiles"}])
def test_an_image_without_a_number(settings: dict):
    with pytest.raises(UnreadableError, match="holds no number"):
        to_bytes(np.full((2, 2), np.nan), ImageSettings(**settings))


def test_a_constant_image_by_percentiles_is_black():
    pixels, _ = to_bytes(np.full((2, 2), 7), ImageSettings(scale="percentiles"))
    assert not pixels.any()


def test_percentiles_agree_with_numpy():
    values = np.random.default_rng(0).normal(100, 20, (40, 40))
    pixels, _ = to_bytes(values, ImageSettings(scale="percentiles", percentiles=(5, 95)))
    low, high = np.percentile(values, [5, 95])
    expected = np.floor(np.clip((values - low) / (high - low), 0, 1) * 255 + 0.5)
    np.testing.assert_array_equal(pixels, expected)
