"""What images are measured with, and how many of them are decoded for it."""

from pathlib import Path

import pandas as pd
import pytest
from conftest import tiny_task

from fastmed.benching import reading
from fastmed.benching.reading import OF_A_CLASS, in_turn, sample_of
from fastmed.data.items import read_items
from fastmed.data.store.cache import Cache
from fastmed.data.store.inspection import places_of
from fastmed.demo.phantoms import write_phantom


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FASTMED_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_few_images_are_all_taken_and_their_reading_is_timed_once(
    phantoms: dict, own_cache: Path
) -> None:
    task, data = tiny_task("lungs"), phantoms["lungs"]
    first = sample_of(task, data, 1, skip_bad=False, cache=True)
    assert first.share == 1
    assert first.reading is not None
    assert first.reading.usual > 0
    again = sample_of(task, data, 1, skip_bad=False, cache=True)
    assert again.reading is None
    expected = read_items(task, data)
    for found in (first.items, again.items):
        pd.testing.assert_frame_equal(found, expected)
        assert found.attrs == expected.attrs


def test_of_many_new_images_only_some_are_decoded(
    tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "FEWEST", 30)
    task = tiny_task("cardiomegaly")
    data = write_phantom("cardiomegaly", tmp_path / "data", count=80, size=32)
    whole = read_items(task, data, cache=False)
    found = sample_of(task, data, 1e-6, skip_bad=False, cache=True)
    assert len(found.items) == 30
    assert found.share == 30 / len(whole)
    assert set(found.items["item"]) < set(whole["item"])
    assert set(found.items["target"]) == {"true", "false"}
    kept = Cache(task.image).find(places_of(whole, data))
    assert len(kept) == 30
    more = sample_of(task, data, 1e-6, skip_bad=False, cache=True)
    assert len(more.items) == 60  # those of before are known
    assert len(sample_of(task, data, 1e-6, skip_bad=False, cache=False).items) == 30


def test_items_are_taken_as_they_are(phantoms: dict) -> None:
    items = read_items(tiny_task("lungs"), phantoms["lungs"])
    found = sample_of(tiny_task("lungs"), items, 1, skip_bad=False, cache=True)
    assert found.items is items
    assert (found.share, found.reading) == (1, None)


def test_every_beginning_has_each_class_and_about_its_share() -> None:
    target = ["common"] * 900 + ["rare"] * 100 + ["single"]
    items = pd.DataFrame({"item": map(str, range(1001)), "target": target, "split": ""})
    items.attrs["root"] = "somewhere"
    ordered = in_turn(items, seed=1)
    assert ordered.attrs == items.attrs
    assert sorted(ordered["item"], key=int) == items["item"].tolist()
    first = ordered.head(2 * OF_A_CLASS + 1)["target"].value_counts()
    assert first.to_dict() == {"common": OF_A_CLASS, "rare": OF_A_CLASS, "single": 1}
    half = ordered.head(500)["target"].value_counts()
    assert half["common"] / half["rare"] == pytest.approx(9, rel=0.1)
    assert ordered["item"].tolist() != in_turn(items, seed=2)["item"].tolist()
