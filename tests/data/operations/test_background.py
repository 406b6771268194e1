"""The image is found, and only the dark background around it goes."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from fastmed.data.operations.background import crop_background, find_foreground
from fastmed.demo.fundus import draw_lesions, fundus
from fastmed.demo.tissue import tile

RNG = np.random.default_rng


def disc(shape: tuple[int, int], centre: tuple[float, float], radius: float) -> np.ndarray:
    """Return a round mask, bool; centre as row and column."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    return np.hypot(y - centre[0], x - centre[1]) <= radius


def round_picture(
    shape: tuple[int, int], centre: tuple[float, float], radius: float, *,
    level: float = 120, noise: float = 0, black: float = 3, gradient: float = 1,
) -> np.ndarray:  # fmt: skip
    """Return a red-brown disc on black; its light falls to a share of ``gradient`` at the left."""
    rng = RNG(0)
    light = np.linspace(gradient, 1, shape[1])[None, :, None]
    colour = np.array([1, 0.55, 0.25]) * level * light
    inside = disc(shape, centre, radius)[..., None]
    picture = np.where(inside, colour, black) + rng.normal(0, noise, (*shape, 3))
    return picture.clip(0, 255).astype(np.uint8)


def box_of(pixels: np.ndarray) -> tuple[int, int, int, int]:
    found = find_foreground(pixels)
    return found.top, found.bottom, found.left, found.right


def expected_box(mask: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return rows[0], rows[-1] + 1, columns[0], columns[-1] + 1


@pytest.mark.parametrize("noise", [0, 3])
@pytest.mark.parametrize("gradient", [1, 0.3, 0.15])
@pytest.mark.parametrize(
    "shape, centre, radius",
    [
        ((200, 300), (100, 150), 80),
        ((200, 300), (90, 120), 85),
        ((240, 240), (120, 120), 150),  # cut off at all sides, black corners
        ((200, 300), (100, 150), 120),  # cut off at top and bottom
        ((512, 400), (250, 200), 190),
    ],
)
def test_a_circle_is_found_to_the_pixel(shape, centre, radius, gradient, noise):
    picture = round_picture(shape, centre, radius, noise=noise, gradient=gradient)
    found = np.array(box_of(picture))
    assert np.abs(found - expected_box(disc(shape, centre, radius))).max() <= 2


@pytest.mark.parametrize("gradient", [1, 0.2])
def test_a_large_photograph_is_cut_as_finely_as_its_reduced_copy(gradient: float):
    shape, centre, radius = (1100, 1400), (560, 690), 480
    picture = round_picture(shape, centre, radius, noise=4, gradient=gradient)
    step = 1400 / 512
    found = np.array(box_of(picture))
    assert np.abs(found - expected_box(disc(shape, centre, radius))).max() <= 2 * step + 1


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("grade", [0, 4])
def test_phantom_fundus_is_found(seed: int, grade: int):
    """Where the phantom is black is known: its noise there is around one hundredth."""
    rng = RNG(seed)
    picture = fundus(draw_lesions(grade, rng), 200, rng)
    bright = picture.max(axis=2) > 25
    expected = expected_box((bright.mean(1)[:, None] > 0.05) & (bright.mean(0)[None] > 0.05))
    assert np.abs(np.array(box_of(picture)) - expected).max() <= 3


@pytest.mark.parametrize("seed", range(4))
def test_phantom_fundus_under_uneven_light_keeps_its_box(seed: int):
    rng = RNG(seed)
    picture = fundus(draw_lesions(2, rng), 256, rng)
    light = np.linspace(0.25, 1, 256)[None, :, None]
    uneven = (picture * light).astype(np.uint8)
    assert np.abs(np.array(box_of(uneven)) - box_of(picture)).max() <= 3


def test_margin_is_left_around_and_never_beyond_the_picture():
    picture = round_picture((200, 300), (100, 150), 80)
    tight, wide = crop_background(picture), crop_background(picture, 0.1)
    assert np.subtract(wide.shape, tight.shape)[:2] == pytest.approx([32, 32], abs=1)
    assert crop_background(picture, 0.5).shape[0] == 200


def test_what_is_cropped_is_a_part_of_the_picture():
    picture = round_picture((200, 300), (100, 150), 80, noise=3)
    top, bottom, left, right = box_of(picture)
    np.testing.assert_array_equal(crop_background(picture), picture[top:bottom, left:right])


def test_grey_and_coloured_pictures_are_cropped_alike():
    picture = round_picture((200, 300), (100, 150), 80)
    assert box_of(picture) == box_of(picture[..., 0])


def test_marks_letters_and_hot_pixels_beside_the_image_do_not_count():
    picture = Image.fromarray(round_picture((200, 300), (100, 150), 70, noise=2))
    pen = ImageDraw.Draw(picture)
    pen.text((4, 4), "R 12:30", fill=(255, 255, 255))
    pen.rectangle((280, 180, 290, 190), fill=(255, 255, 255))
    marked = np.array(picture)
    marked[RNG(0).integers(0, 200, 20), RNG(1).integers(0, 60, 20)] = 255
    assert np.abs(np.array(box_of(marked)) - (30, 171, 80, 221)).max() <= 2


@pytest.mark.parametrize("bars", [(0, 0, 40, 25), (30, 10, 0, 0), (0, 0, 60, 0), (5, 12, 20, 33)])
def test_bars_around_a_radiograph(bars: tuple[int, int, int, int]):
    """Dark lungs inside the body don't count as background."""
    top, bottom, left, right = bars
    body = np.full((200, 180), 150, np.uint8)
    body[40:150, 25:80] = 12
    body[40:150, 100:155] = 12
    picture = np.pad(body, ((top, bottom), (left, right)), constant_values=2)
    box = (top, top + 200, left, left + 180)
    assert np.abs(np.array(box_of(picture)) - box).max() <= 1


@pytest.mark.parametrize("level", [0, 2, 255])
def test_a_constant_picture_is_kept_whole(level: int):
    picture = np.full((60, 80, 3), level, np.uint8)
    assert find_foreground(picture) is None
    assert crop_background(picture) is picture


def test_an_almost_black_photograph_is_kept_whole():
    """Only the optic disc is to be seen; to cut it out would lose the retina around it."""
    picture = round_picture((200, 200), (100, 140), 15, level=90, noise=1.5)
    assert crop_background(picture).shape == picture.shape


@pytest.mark.parametrize("deviation", [1, 2, 5])
@pytest.mark.parametrize("seed", range(4))
def test_noise_is_no_image(deviation: float, seed: int):
    noise = RNG(seed).normal(4, deviation, (200, 200, 3)).clip(0, 255).astype(np.uint8)
    assert crop_background(noise).shape == noise.shape
    assert crop_background(noise[..., 0]).shape == noise.shape[:2]


@pytest.mark.parametrize("tissue", ["ADI", "BACK", "LYM", "TUM"])
def test_a_picture_without_a_background_is_kept_whole(tissue: str):
    picture = tile(tissue, 96, RNG(0))
    assert crop_background(picture).shape == picture.shape


def test_dim_retina_beside_a_lit_one_is_kept():
    """Of a badly lit photograph, the dark side is a few levels above black."""
    picture = round_picture((300, 300), (150, 150), 120, level=40, noise=1, black=10, gradient=0.4)
    assert np.abs(np.array(box_of(picture)) - (30, 271, 30, 271)).max() <= 3


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (2, 3, 3)])
def test_tiny_pictures_pass(shape: tuple[int, ...]):
    picture = RNG(0).integers(0, 256, shape, dtype=np.uint8)
    assert crop_background(picture).size > 0


def test_compressed_pictures_are_cropped_alike(tmp_path):
    """JPEG leaves ripples around the circle; they move its box by a block at most."""
    picture = round_picture((224, 300), (112, 150), 90, noise=2)
    Image.fromarray(picture).save(tmp_path / "a.jpg", quality=75)
    packed = np.asarray(Image.open(tmp_path / "a.jpg"))
    assert np.abs(np.array(box_of(packed)) - box_of(picture)).max() <= 4
