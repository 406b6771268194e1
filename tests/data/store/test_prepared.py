from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fastmed.data.operations.transform import prepare
from fastmed.data.pixels.image import open_item
from fastmed.data.store.cache import Cache
from fastmed.data.store.decoding import Place
from fastmed.data.store.inspection import look_at
from fastmed.data.store.prepared import prepared_images
from fastmed.settings.image import ImageSettings

SETTINGS = ImageSettings(size=16)


@pytest.fixture
def places(tmp_path: Path) -> list[Place]:
    """Files, grey and in colour, and rows of an array, in turn."""
    generator = np.random.default_rng(0)
    rows = generator.integers(0, 256, (2, 9, 9), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", data=rows)
    for number, shape in enumerate([(20, 30), (30, 20, 3), (10, 10)]):
        values = generator.integers(0, 256, shape, dtype=np.uint8)
        Image.fromarray(values).save(tmp_path / f"{number}.png")
    files = [Place(tmp_path, f"{number}.png") for number in range(3)]
    arrays = [Place(tmp_path, "a.npz", "data", index) for index in range(2)]
    return [files[0], arrays[1], files[1], arrays[0], files[2]]


def expected(place: Place) -> np.ndarray:
    return prepare(open_item(*place, SETTINGS).pixels, SETTINGS)


@pytest.mark.parametrize("kept", [0, 2, 5])
def test_images_come_in_order_from_cache_and_files(
    places: list[Place], kept: int, tmp_path: Path
) -> None:
    cache = Cache(SETTINGS, tmp_path / "cache")
    if kept:
        look_at(places[:kept], SETTINGS, cache)
    found = list(prepared_images(places, SETTINGS, cache))
    for place, decoded in zip(places, found, strict=True):
        np.testing.assert_array_equal(decoded.pixels, expected(place))
        assert len(decoded.content) == 64


def test_kept_images_are_not_decoded_again(
    places: list[Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = Cache(SETTINGS, tmp_path / "cache")
    look_at(places, SETTINGS, cache)
    monkeypatch.setattr("fastmed.data.store.prepared.decode", None)
    monkeypatch.setattr("fastmed.data.store.prepared.Reader._files", None)
    assert len(list(prepared_images(places, SETTINGS, cache))) == 5


def test_bad_files_have_a_reason(places: list[Place], tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no image")
    bad = Place(tmp_path, "bad.png")
    found = list(prepared_images([places[0], bad, places[1]], SETTINGS))
    assert [bool(decoded.reason) for decoded in found] == [False, True, False]
