import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from fastmed.learn.views import VIEWS, border_of, see

# What NumPy makes of an image (H, W), and which view undoes it.
ORACLES = {
    "plain": (lambda image: image, "plain"),
    "hflip": (np.fliplr, "hflip"),
    "vflip": (np.flipud, "vflip"),
    "rot90": (np.rot90, "rot270"),
    "rot180": (lambda image: np.rot90(image, 2), "rot180"),
    "rot270": (lambda image: np.rot90(image, 3), "rot90"),
    "transpose": (np.transpose, "transpose"),
    "transverse": (lambda image: np.rot90(image, 2).T, "transverse"),
}


@pytest.fixture
def batch() -> torch.Tensor:
    return torch.arange(2 * 3 * 4 * 4.0).reshape(2, 3, 4, 4)


@pytest.mark.parametrize("view", VIEWS)
def test_view_is_numpys_and_has_an_inverse(view: str, batch: torch.Tensor) -> None:
    oracle, inverse = ORACLES[view]
    seen = VIEWS[view](batch)
    for image, expected in zip(seen.reshape(-1, 4, 4), batch.reshape(-1, 4, 4), strict=True):
        np.testing.assert_array_equal(image.numpy(), oracle(expected.numpy()))
    assert torch.equal(VIEWS[inverse](seen), batch)


def test_no_two_views_are_the_same(batch: torch.Tensor) -> None:
    assert len({tuple(view(batch).flatten().tolist()) for view in VIEWS.values()}) == len(VIEWS)


SIDE = 24


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(1).uniform(0.2, 1, (SIDE, SIDE)).astype(np.float32)


def seen(picture: np.ndarray, view: str, border: str = "zeros") -> np.ndarray:
    images = torch.from_numpy(picture).expand(2, 3, -1, -1)
    before = images.clone()
    found = see(images, view, border)
    assert torch.equal(images, before)
    assert found.shape == images.shape
    assert torch.equal(found[0, 0], found[1, 2])
    return found[0, 0].numpy()


def sampled(picture: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """SciPy's bilinear values at places from the middle of the image, in pixels; black beyond."""
    middle = (SIDE - 1) / 2
    padded = np.pad(picture, 1)
    places = [rows + middle + 1, columns + middle + 1]
    return map_coordinates(padded, places, order=1, mode="constant", cval=0)


def from_middle() -> tuple[np.ndarray, np.ndarray]:
    places = np.arange(SIDE) - (SIDE - 1) / 2
    return np.meshgrid(places, places, indexing="ij")


@pytest.mark.parametrize("degrees", [-20, 5, 45])
def test_rotations_are_scipys_and_against_the_clock(degrees: int, picture: np.ndarray) -> None:
    rows, columns = from_middle()
    angle = np.deg2rad(degrees)
    # Against the clock on the screen, where rows go down: the result at (r, c) shows the image
    # at that place turned back, with the clock.
    back_rows = rows * np.cos(angle) + columns * np.sin(angle)
    back_columns = columns * np.cos(angle) - rows * np.sin(angle)
    expected = sampled(picture, back_rows, back_columns)
    np.testing.assert_allclose(seen(picture, f"rotate={degrees}"), expected, atol=1e-5)


def test_rotations_turn_as_rot90_does(picture: np.ndarray) -> None:
    blob = np.zeros((SIDE, SIDE), np.float32)
    blob[3, 11:13] = 1  # at the top
    halfway = seen(blob, "rotate=45")
    assert np.argwhere(halfway > 0.3)[:, 1].max() < SIDE / 2  # rot90 takes the top to the left
    assert np.argwhere(seen(blob, "rot90") > 0.3)[:, 1].max() < SIDE / 2


def test_scales_and_crops_are_scipys(picture: np.ndarray) -> None:
    rows, columns = from_middle()
    for factor in (0.8, 1.25):
        expected = sampled(picture, rows / factor, columns / factor)
        np.testing.assert_allclose(seen(picture, f"scale={factor}"), expected, atol=1e-5)
    np.testing.assert_allclose(
        seen(picture, "crop_center=0.8"), seen(picture, "scale=1.25"), atol=1e-5
    )
    share, rest = 0.75, 0.125 * SIDE
    corners = {"top_left": (-1, -1), "top_right": (-1, 1), "bottom_left": (1, -1),
               "bottom_right": (1, 1)}  # fmt: skip
    for corner, (down, across) in corners.items():
        expected = sampled(picture, rows * share + down * rest, columns * share + across * rest)
        found = seen(picture, f"crop_{corner}={share}", "border")
        np.testing.assert_allclose(found[1:-1, 1:-1], expected[1:-1, 1:-1], atol=1e-5)


def test_light_stays_between_black_and_white(picture: np.ndarray) -> None:
    np.testing.assert_allclose(seen(picture, "brightness=2"), np.minimum(picture * 2, 1), atol=1e-6)
    np.testing.assert_allclose(seen(picture, "gamma=0.5"), np.sqrt(picture), atol=1e-6)
    black = np.zeros_like(picture)
    assert not seen(black, "brightness=3").any()
    assert not seen(black, "gamma=0.5").any()


def test_beyond_the_image_is_what_its_own_padding_is(picture: np.ndarray) -> None:
    assert seen(picture, "scale=0.5", border_of("letterbox"))[0, 0] == 0
    for fit in ("pad", "squish", "crop"):
        found = seen(picture, "scale=0.5", border_of(fit))
        np.testing.assert_allclose(found[0, 0], picture[0, 0], atol=1e-6)


def test_steps_are_done_in_their_order(picture: np.ndarray) -> None:
    both = seen(picture, "hflip+rotate=10")
    turned = seen(np.ascontiguousarray(np.fliplr(picture)), "rotate=10")
    np.testing.assert_allclose(both, turned, atol=1e-6)
    assert np.abs(both - np.fliplr(seen(picture, "rotate=10"))).max() > 0.1
