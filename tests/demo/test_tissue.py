import numpy as np
import pytest

from fastmed.demo.tissue import TISSUES, tile


def tiles(tissue, count=6, size=64):
    rng = np.random.default_rng(0)
    return np.stack([tile(tissue, size, rng) for _ in range(count)]).astype(float)


@pytest.fixture(scope="module")
def drawn():
    return {tissue: tiles(tissue) for tissue in TISSUES}


def test_tiles_are_colour_bytes():
    picture = tile("NORM", 48, np.random.default_rng(0))
    assert picture.shape == (48, 48, 3)
    assert picture.dtype == np.uint8


def test_background_is_brightest_and_flattest(drawn):
    brightness = {tissue: pictures.mean() for tissue, pictures in drawn.items()}
    roughness = {tissue: pictures.std(axis=(1, 2)).mean() for tissue, pictures in drawn.items()}
    assert max(brightness, key=brightness.get) == "BACK"
    assert min(roughness, key=roughness.get) == "BACK"


def test_nuclei_are_blue_and_muscle_is_pink(drawn):
    blueness = {t: p[..., 2].mean() / p[..., 0].mean() for t, p in drawn.items()}
    assert blueness["LYM"] > 1
    assert blueness["MUS"] == min(blueness["MUS"], blueness["LYM"], blueness["TUM"])
    assert drawn["LYM"].mean() == min(pictures.mean() for pictures in drawn.values())


def test_muscle_runs_in_one_direction(drawn):
    def coherence(pictures):
        """Structure tensor's anisotropy: 0 without direction, 1 for parallel lines."""
        rows, columns = np.gradient(pictures.mean(axis=-1), axis=(1, 2))
        square, product = (rows**2 - columns**2).mean((1, 2)), (rows * columns).mean((1, 2))
        return np.mean(np.hypot(square, 2 * product) / (rows**2 + columns**2).mean((1, 2)))

    assert coherence(drawn["MUS"]) > 0.5
    assert coherence(drawn["LYM"]) < 0.3
    assert coherence(drawn["MUS"]) > coherence(drawn["STR"])


def test_stain_and_brightness_vary_between_tiles(drawn):
    assert all(np.ptp(pictures.mean(axis=(1, 2, 3))) > 3 for pictures in drawn.values())
