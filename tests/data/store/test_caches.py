"""The caches of a user: listed, counted and cleared."""

import os
import time
from pathlib import Path

import pytest
from test_cache import filled, written

from fastmed.data.store import cache as caching
from fastmed.data.store.cache import Cache
from fastmed.data.store.caches import clear_caches, list_caches
from fastmed.settings.image import ImageSettings


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Cache]:
    """Two caches, the second of them forty days old."""
    monkeypatch.setenv("FASTMED_CACHE", str(tmp_path / "cache"))
    places = written(tmp_path)
    caches = [Cache(ImageSettings(size=8)), Cache(ImageSettings(size=16, fit="squish"))]
    filled(caches[0], places)
    filled(caches[1], places[:2])
    for file in caches[1].folder.iterdir():
        os.utime(file, times=(time.time() - 40 * 86400,) * 2)
    return caches


def test_listed_with_size_age_and_settings(two: list[Cache]):
    first, second = list_caches()
    assert (first.folder, second.folder) == (two[0].folder, two[1].folder)
    assert (first.images, second.images) == (3, 2)
    assert first.bytes > 3 * 64
    assert second.days == pytest.approx(40, abs=0.1)
    assert second.settings == {"size": 16, "fit": "squish"}
    assert first.current
    assert second.current


def test_those_of_other_decoders_are_not_current(two: list[Cache], monkeypatch):
    monkeypatch.setattr(caching, "_version", lambda name: "another")
    assert [state.current for state in list_caches()] == [False, False]
    assert len(clear_caches(only_outdated=True)) == 2


def test_cleared_by_age(two: list[Cache]):
    assert clear_caches(only_outdated=True) == []
    assert [state.folder for state in clear_caches(older_than=30)] == [two[1].folder]
    assert [state.folder for state in list_caches()] == [two[0].folder]
    clear_caches()
    assert list_caches() == []


def test_command(two: list[Cache], command):
    said = command("cache")
    assert said.code == 0
    assert two[0].folder.name in said.out
    assert "size = 16, fit = squish" in said.out
    assert "2 caches with" in command("cache", "clear").err
    assert "No decoded images are kept" in command("cache").err
