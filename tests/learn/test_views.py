import numpy as np
import pytest
import torch

from fastmed.learn.views import VIEWS

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
