"""Places of an image are found again in the network's square, and back."""

import numpy as np
import pytest

from fastmed.data.operations.fixed import OPERATIONS
from fastmed.data.operations.placement import MOVING, Axis, placement_of
from fastmed.data.operations.transform import prepare
from fastmed.settings.image import ImageSettings

WAYS = [
    {"fit": "letterbox"},
    {"fit": "pad"},
    {"fit": "squish"},
    {"fit": "crop"},
    {"fit": "crop", "resize": 130},
    {"fit": "letterbox", "operations": ("crop_background=0.05",)},
    {"fit": "crop", "operations": ("resize=90", "crop_background", "clahe")},
    {"fit": "squish", "operations": ("invert", "invert", "crop_background=0", "resize=70")},
]


def picture(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a grey disc on a wide black background, with a white block; and the block's box."""
    rows, columns = np.mgrid[:height, :width]
    radius = 0.4 * min(height, width)
    disc = (rows - height / 2) ** 2 + (columns - width / 2) ** 2 < radius**2
    pixels = np.where(disc, 60, 0).astype(np.uint8)
    top, left = int(height / 2 - radius / 2), int(width / 2 + radius / 6)
    pixels[top : top + 16, left : left + 12] = 255
    return pixels, np.array([[left, top, left + 12, top + 16]])


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("shape", [(200, 200), (160, 260), (301, 190)])
def test_a_block_is_where_the_placement_says(way: dict, shape: tuple[int, int]) -> None:
    settings = ImageSettings(size=100, **way)
    pixels, box = picture(*shape)
    square = prepare(pixels, settings).astype(float)
    ((left, top, right, bottom),) = placement_of(pixels, settings).boxes(box)
    weight = (square - 150).clip(0)
    rows, columns = np.mgrid[:100, :100] + 0.5
    assert (weight * rows).sum() / weight.sum() == pytest.approx((top + bottom) / 2, abs=0.35)
    assert (weight * columns).sum() / weight.sum() == pytest.approx((left + right) / 2, abs=0.35)
    area = (bottom - top) * (right - left)
    assert (square > 157).sum() == pytest.approx(area, rel=0.25)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_map_goes_back_to_where_it_came_from(way: dict) -> None:
    settings = ImageSettings(size=100, **way)
    pixels, ((left, top, right, bottom),) = picture(160, 260)
    placement = placement_of(pixels, settings)
    back = placement.to_image(prepare(pixels, settings))
    assert back.shape == pixels.shape
    block = np.zeros(pixels.shape, bool)
    block[top + 3 : bottom - 3, left + 3 : right - 3] = True
    assert (back[block] > 180).all()
    seen = ~np.isnan(back)
    assert seen[block].all()
    assert np.abs(back - pixels)[seen & (pixels < 255)].mean() < 12 or "clahe" in str(way)
    cuts = "crop" in str(way)
    assert seen.all() == (not cuts)


def test_covered_is_what_is_no_bar() -> None:
    pixels = np.full((50, 100), 200, np.uint8)
    settings = ImageSettings(size=40)
    covered = placement_of(pixels, settings).covered()
    np.testing.assert_array_equal(covered, prepare(pixels, settings) > 0)


def test_a_box_that_is_cut_off_has_no_area() -> None:
    pixels = np.full((50, 150), 200, np.uint8)
    placement = placement_of(pixels, ImageSettings(size=50, fit="crop"))
    gone, half, whole = placement.boxes([[0, 0, 40, 50], [40, 10, 60, 20], [60, 10, 70, 20]])
    assert gone[2] == gone[0]
    np.testing.assert_allclose(half, [0, 10, 10, 20])
    np.testing.assert_allclose(whole, [10, 10, 20, 20])


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name not in MOVING])
def test_other_operations_move_nothing(name: str) -> None:
    colour = np.random.default_rng(0).integers(0, 200, (40, 60, 3), dtype=np.uint8)
    amount = {"clahe": 2.0, "local_colour": 0.02}.get(name, 1.5)
    assert OPERATIONS[name](colour, amount, None).shape[:2] == (40, 60)


def test_an_untouched_axis_maps_to_itself() -> None:
    assert Axis.whole(7).place([0, 3.5, 7]).tolist() == [0, 3.5, 7]
