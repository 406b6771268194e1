"""Every image looked at once: contents hashed, broken ones found."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made import listening, write_png
from PIL import Image

from fastmed.data.store.cache import Cache
from fastmed.data.store.decoding import Decoded
from fastmed.data.store.inspection import inspect_images, places_of
from fastmed.data.tables import items_table
from fastmed.errors import DataError
from fastmed.settings.image import ImageSettings

SETTINGS = ImageSettings(size=8)


def items_of(root: Path, *names: str) -> pd.DataFrame:
    return items_table(pd.DataFrame({"item": names, "image": names}), root)


def test_content_is_the_hash_of_the_bytes(tmp_path: Path):
    for name, pixels in (("a.png", 1), ("b.png", 2), ("c.png", 1)):
        write_png(tmp_path / name, pixels)
    seen = inspect_images(items_of(tmp_path, "a.png", "b.png", "c.png"), tmp_path, SETTINGS)
    expected = hashlib.sha256((tmp_path / "a.png").read_bytes()).hexdigest()
    assert seen["content"].tolist()[::2] == [expected, expected]
    assert seen["content"].nunique() == 2
    assert seen.attrs == {"root": str(tmp_path)}


def test_copies_in_other_formats_have_the_hash_of_the_same_pixels(tmp_path: Path):
    grey = np.random.default_rng(0).integers(0, 256, (5, 7), dtype=np.uint8)
    Image.fromarray(grey).save(tmp_path / "a.png")
    Image.fromarray(grey).convert("RGB").save(tmp_path / "b.bmp")
    Image.fromarray(grey).save(tmp_path / "c.tif")
    Image.fromarray(grey.T.copy()).save(tmp_path / "d.png")
    seen = inspect_images(
        items_of(tmp_path, "a.png", "b.bmp", "c.tif", "d.png"), tmp_path, SETTINGS
    )
    assert seen["content"].nunique() == 4
    assert seen["decoded"].nunique() == 2
    assert seen["decoded"].iloc[:3].nunique() == 1


def test_rows_of_arrays_are_hashed_one_by_one(tmp_path: Path):
    images = np.zeros((3, 2, 2), dtype=np.uint8)
    images[1] = 1
    np.savez(tmp_path / "a.npz", data=images)
    rows = [{"item": str(n), "image": "a.npz", "array": "data", "index": n} for n in range(3)]
    seen = inspect_images(items_table(pd.DataFrame(rows), tmp_path), tmp_path, SETTINGS)
    assert seen["content"].tolist() == [
        hashlib.sha256(bytes([value] * 4)).hexdigest() for value in (0, 1, 0)
    ]


def test_broken_image_is_refused_with_name_reason_and_count(tmp_path: Path):
    write_png(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"")
    (tmp_path / "c.png").write_text("text")
    with pytest.raises(DataError) as caught:
        inspect_images(items_of(tmp_path, "a.png", "b.png", "c.png"), tmp_path, SETTINGS)
    assert str(caught.value) == (
        f"{tmp_path / 'b.png'}: the file is empty (2 of 3 images can't be read; "
        "`--skip-bad` leaves them out)"
    )


def test_broken_images_are_left_out_if_wanted(tmp_path: Path):
    write_png(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("text")
    with listening() as told:
        seen = inspect_images(
            items_of(tmp_path, "a.png", "b.png"), tmp_path, SETTINGS, skip_bad=True
        )
    assert seen["split"].tolist() == ["", "left_out"]
    assert seen["note"].tolist() == ["", "it is text, not an image"]
    assert seen["content"].iloc[1] == ""
    assert "1 images that can't be read are left out" in told.text


def test_what_is_left_out_already_is_not_looked_at(tmp_path: Path):
    items = items_of(tmp_path, "gone.png").assign(split="left_out", note="no file")
    seen = inspect_images(items, tmp_path, SETTINGS)
    assert seen["note"].tolist() == ["no file"]


def test_decoder_and_scaling_are_said(tmp_path: Path):
    write_png(tmp_path / "a.png")
    seen = inspect_images(items_of(tmp_path, "a.png"), tmp_path, SETTINGS)
    assert seen[["decoder", "scaling"]].to_numpy().tolist() == [["pillow", "8 bits"]]


def test_what_the_cache_knows_is_not_decoded_again(tmp_path: Path, monkeypatch):
    write_png(tmp_path / "a.png")
    cache = Cache(SETTINGS, tmp_path / "cache")
    first = inspect_images(items_of(tmp_path, "a.png"), tmp_path, SETTINGS, cache=cache)
    monkeypatch.setattr("fastmed.data.store.inspection.decode_all", None)
    again = inspect_images(items_of(tmp_path, "a.png"), tmp_path, SETTINGS, cache=cache)
    pd.testing.assert_frame_equal(first, again)


@pytest.mark.parametrize("cached", [False, True])
def test_image_that_changed_since_is_refused_by_name(tmp_path: Path, cached: bool):
    write_png(tmp_path / "a.png", 1)
    cache = Cache(SETTINGS, tmp_path / "cache") if cached else None
    seen = inspect_images(items_of(tmp_path, "a.png"), tmp_path, SETTINGS, cache=cache)
    write_png(tmp_path / "a.png", 2)
    with pytest.raises(DataError, match=r"1 images are not those .* before: 'a.png'; put the old"):
        inspect_images(seen, tmp_path, SETTINGS, cache=cache)


def test_broken_images_are_not_kept(tmp_path: Path):
    (tmp_path / "b.png").write_text("text")
    cache = Cache(SETTINGS, tmp_path / "cache")
    write_png(tmp_path / "a.png")
    items = items_of(tmp_path, "a.png", "b.png")
    inspect_images(items, tmp_path, SETTINGS, skip_bad=True, cache=cache)
    places = places_of(items, tmp_path)
    assert list(cache.find(places)) == places[:1]


def test_full_disk_costs_the_cache_and_not_the_training(tmp_path: Path, monkeypatch):
    write_png(tmp_path / "a.png")
    cache = Cache(SETTINGS, tmp_path / "cache")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fastmed.data.store.cache.os.fsync", full)
    with listening() as told:
        seen = inspect_images(items_of(tmp_path, "a.png"), tmp_path, SETTINGS, cache=cache)
    assert seen["content"].iloc[0]
    assert "decoded images can't be kept" in told.text
    assert cache.find(places_of(seen, tmp_path)) == {}


def test_disk_without_room_is_told_and_left_alone(tmp_path: Path, monkeypatch):
    write_png(tmp_path / "a.png")
    monkeypatch.setattr("fastmed.data.store.inspection.free_bytes", lambda: 100)
    cache = Cache(SETTINGS, tmp_path / "cache")
    with listening() as told:
        inspect_images(items_of(tmp_path, "a.png"), tmp_path, SETTINGS, cache=cache)
    assert "FASTMED_CACHE" in told.text
    assert not cache.folder.exists()


def test_remarks_are_told_once_with_their_number(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(
        "fastmed.data.store.inspection.decode_all",
        lambda places, settings: [
            Decoded(np.zeros((8, 8), np.uint8), "x", "y", "pillow", "8 bits", "of 3 pages")
            for _ in places
        ],
    )
    for name in ("a.png", "b.png"):
        write_png(tmp_path / name)
    with listening() as told:
        inspect_images(items_of(tmp_path, "a.png", "b.png"), tmp_path, SETTINGS)
    assert told.text.count("2 images: of 3 pages") == 1
