"""Stain normalisation brings dyes together, and leaves alone what has none."""

import subprocess
import sys

import numpy as np
import pytest

from fastmed.data.operations.stain import normalize_stain
from fastmed.demo.tissue import TISSUES, stained
from fastmed.errors import MissingExtraError

RNG = np.random.default_rng


def tissue(seed: int, strength: float = 1.0, hue: float = 0.0) -> np.ndarray:
    """Return a phantom tile whose dyes are stronger, or of another hue."""
    rng = RNG(seed)
    y, x = np.mgrid[:96, :96] / 96 + 3
    dyes = TISSUES["TUM"](x, y, rng)
    picture = stained(*(dye * strength for dye in dyes), RNG(seed))
    tint = np.exp(-hue * np.array([0.0, 0.2, -0.2]))
    return (picture * tint).clip(0, 255).astype(np.uint8)


def colour(pixels: np.ndarray) -> np.ndarray:
    return pixels.reshape(-1, 3).mean(axis=0)


def test_it_is_torchstains_macenko():
    torchstain = pytest.importorskip("torchstain")
    theirs = torchstain.normalizers.MacenkoNormalizer(backend="numpy")
    picture = tissue(0)
    np.testing.assert_array_equal(normalize_stain(picture), theirs.normalize(picture)[0])


def test_tiles_of_other_strength_and_hue_come_together():
    pytest.importorskip("torchstain")
    pale, strong, tinted = (tissue(0, *how) for how in ((0.8, 0), (1.3, 0), (1, 1)))
    before = np.ptp([colour(tile) for tile in (pale, strong, tinted)], axis=0).max()
    normal = [normalize_stain(tile) for tile in (pale, strong, tinted)]
    after = np.ptp([colour(tile) for tile in normal], axis=0).max()
    assert before > 25
    assert after < 0.4 * before


@pytest.mark.parametrize(
    "blank",
    [
        np.full((32, 32, 3), 243, np.uint8),
        RNG(0).integers(230, 250, (32, 32, 3), dtype=np.uint8),
        np.zeros((32, 32, 3), np.uint8),
        np.full((32, 32, 3), (180, 90, 160), np.uint8),
        np.full((32, 32), 90, np.uint8),
    ],
    ids=["white", "dust", "black", "one colour", "grey"],
)
def test_what_has_no_two_dyes_is_left_alone(blank: np.ndarray):
    pytest.importorskip("torchstain")
    np.testing.assert_array_equal(normalize_stain(blank), blank)


def test_a_scrap_of_tissue_is_left_alone():
    pytest.importorskip("torchstain")
    picture = np.full((96, 96, 3), 243, np.uint8)
    picture[:20, :20] = tissue(0)[:20, :20]
    np.testing.assert_array_equal(normalize_stain(picture), picture)


@pytest.mark.parametrize("name", TISSUES)
def test_every_tissue_passes(name: str):
    pytest.importorskip("torchstain")
    rng = RNG(2)
    y, x = np.mgrid[:64, :64] / 64 + 3
    picture = stained(*TISSUES[name](x, y, rng), rng)
    normal = normalize_stain(picture)
    assert normal.shape == picture.shape
    assert normal.dtype == np.uint8


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "torchstain.numpy.normalizers", None)
    with pytest.raises(MissingExtraError, match=r'pip install "fastmed\[stain\]"'):
        normalize_stain(np.zeros((4, 4, 3), np.uint8))


def test_no_torch_is_loaded_for_it():
    pytest.importorskip("torchstain")
    program = (
        "import sys, numpy as np; from fastmed.data.operations.stain import normalize_stain; "
        "normalize_stain(np.zeros((4, 4, 3), np.uint8)); assert 'torchstain' in sys.modules; "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
