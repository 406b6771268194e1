"""The cache: pixels come back as they went in, and only while nothing changed."""

import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest
from made import write_png
from PIL import Image

from fastmed.data.store import cache as caching
from fastmed.data.store.cache import Cache, fingerprint
from fastmed.data.store.decoding import Place, decode
from fastmed.settings.image import ImageSettings
from fastmed.state import cache_folder

SETTINGS = ImageSettings(size=8)


def written(folder: Path, count: int = 3, colour: bool = False) -> list[Place]:
    places = []
    for number in range(count):
        shape = (9, 7, 3) if colour else (9, 7)
        values = np.random.default_rng(number).integers(0, 256, shape, dtype=np.uint8)
        name = f"{'colour' if colour else 'grey'}{number}.png"
        Image.fromarray(values).save(folder / name)
        places.append(Place(folder, name))
    return places


def filled(cache: Cache, places: list[Place]) -> None:
    cache.put([(place, decode(place, cache.settings)) for place in places])


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(SETTINGS, tmp_path / "cache")


def test_nothing_is_made_before_something_is_kept(cache: Cache, tmp_path: Path):
    assert cache.find(written(tmp_path)) == {}
    assert not cache.folder.exists()


def test_pixels_come_back(cache: Cache, tmp_path: Path):
    grey, colour = written(tmp_path), written(tmp_path, colour=True)
    filled(cache, [*grey, *colour])
    found = cache.find([*grey, *colour])
    for place in (*grey, *colour):
        expected = decode(place, SETTINGS)
        np.testing.assert_array_equal(cache.pixels([found[place]])[0], expected.pixels)
        assert found[place][:4] == expected[1:5]
    batch = cache.pixels([found[colour[2]], found[grey[0]]])
    np.testing.assert_array_equal(batch[0], decode(colour[2], SETTINGS).pixels)
    np.testing.assert_array_equal(
        batch[1], decode(grey[0], SETTINGS).pixels[..., None].repeat(3, 2)
    )


def test_what_is_added_later_is_found_by_an_open_cache(cache: Cache, tmp_path: Path):
    places = written(tmp_path)
    filled(cache, places[:1])
    cache.pixels(list(cache.find(places).values()))
    filled(Cache(SETTINGS, tmp_path / "cache"), places[1:])
    found = cache.find(places)
    np.testing.assert_array_equal(
        cache.pixels([found[places[2]]])[0], decode(places[2], SETTINGS).pixels
    )


def test_changed_or_missing_file_is_not_found(cache: Cache, tmp_path: Path):
    places = written(tmp_path)
    filled(cache, places)
    state = (tmp_path / places[0].image).stat()
    write_png(tmp_path / places[0].image)
    os.utime(tmp_path / places[0].image, ns=(state.st_atime_ns, state.st_mtime_ns))
    (tmp_path / places[1].image).unlink()
    assert list(cache.find(places)) == places[2:]
    filled(cache, places[:1])
    assert list(cache.find(places)) == [places[0], places[2]]


def test_same_name_in_another_folder_is_another_image(cache: Cache, tmp_path: Path):
    (tmp_path / "other").mkdir()
    here, there = written(tmp_path, 1), written(tmp_path / "other", 1)
    filled(cache, here)
    assert cache.find(there) == {}


@pytest.mark.parametrize(
    "change",
    [
        {"size": 9},
        {"fit": "squish"},
        {"interpolation": "bicubic"},
        {"operations": ["invert"]},
        {"channels": 1},
        {"window": "lung"},
        {"frame": 1},
    ],
)
def test_other_settings_are_another_cache(change: dict):
    assert fingerprint(ImageSettings(**{"size": 8, **change})) != fingerprint(SETTINGS)


def test_normalisation_is_the_same_cache():
    assert fingerprint(ImageSettings(size=8, normalize="data")) == fingerprint(SETTINGS)


def test_another_decoder_is_another_cache(monkeypatch):
    before = fingerprint(SETTINGS)
    monkeypatch.setattr(caching, "_version", lambda name: "another")
    assert fingerprint(SETTINGS) != before


def fill_in_process(folder: Path, places: list[Place]) -> None:
    cache = Cache(SETTINGS, folder)
    for place in places:
        filled(cache, [place])


def test_several_processes_may_write(cache: Cache, tmp_path: Path):
    places = [*written(tmp_path, 20), *written(tmp_path, 20, colour=True)]
    context = multiprocessing.get_context("fork")
    writers = [
        context.Process(target=fill_in_process, args=(tmp_path / "cache", some))
        for some in (places, places[::-1], places[1::2])
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    found = cache.find(places)
    assert len(found) == len(places)
    for place in places:
        np.testing.assert_array_equal(
            cache.pixels([found[place]])[0], decode(place, SETTINGS).pixels
        )


def test_what_was_not_finished_is_not_there(cache: Cache, tmp_path: Path, monkeypatch):
    places = written(tmp_path)
    filled(cache, places[:1])

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(caching.os, "fsync", stopped)
    with pytest.raises(KeyboardInterrupt):
        filled(cache, places[1:])
    monkeypatch.undo()
    assert list(cache.find(places)) == places[:1]
    filled(cache, places[1:])
    found = cache.find(places)
    for place in places:
        np.testing.assert_array_equal(
            cache.pixels([found[place]])[0], decode(place, SETTINGS).pixels
        )


def test_place_of_the_caches(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("FASTMED_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.setenv("FASTMED_CACHE", str(tmp_path / "disk"))
    assert cache_folder() == tmp_path / "disk"
