"""Images decoded in processes: in order, and no file can crash, stall or swell a run."""

import ctypes
import os
import time
from pathlib import Path

import numpy as np
import pytest
from made import write_png
from PIL import Image

from fastmed.data.store import decoding
from fastmed.data.store.decoding import Place, decode, decode_all, stamp_of
from fastmed.settings.image import ImageSettings

SETTINGS = ImageSettings(size=8)


def places_in(folder: Path, count: int) -> list[Place]:
    return [Place(folder, write_png(folder / f"{n}.png").name) for n in range(count)]


def test_order_and_pixels_are_those_of_one_process(tmp_path: Path):
    places = places_in(tmp_path, 70)
    for found, place in zip(decode_all(places, SETTINGS, processes=2), places, strict=True):
        here = decode(place, SETTINGS)
        np.testing.assert_array_equal(found.pixels, here.pixels)
        assert found[1:] == here[1:]


def test_nothing_to_decode_starts_and_ends(tmp_path: Path):
    assert list(decode_all([], SETTINGS)) == []


def crash() -> None:
    ctypes.string_at(0)


def leave() -> None:
    os._exit(7)


def stall() -> None:
    time.sleep(60)


def swell() -> None:
    np.ones(2**29)


@pytest.mark.parametrize(
    "harm, reason",
    [
        (crash, "its decoder crashed (exit code -11)"),
        (leave, "its decoder crashed (exit code 7)"),
        (stall, "it takes longer than 0.5 seconds to be read"),
        (swell, "it takes more than 2 GB of memory to be read"),
    ],
)
def test_harmful_file_is_the_only_bad_one(harm, reason: str, tmp_path: Path, monkeypatch):
    places = places_in(tmp_path, 20)
    opened = decoding.open_item

    def harmed(root: Path, image: str, *rest: object):
        if image == "11.png":
            harm()
        return opened(root, image, *rest)

    monkeypatch.setattr(decoding, "open_item", harmed)
    found = list(decode_all(places, SETTINGS, processes=2, seconds=0.5))
    assert [one.reason for one in found] == [""] * 11 + [reason] + [""] * 8


def test_unexpected_failure_is_a_bad_file(tmp_path: Path, monkeypatch):
    def fail(*_: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(decoding, "prepare", fail)
    [place] = places_in(tmp_path, 1)
    assert decode(place, SETTINGS).reason == (
        "it can't be made into the network's input (division by zero)"
    )


def test_stamp_changes_with_the_file(tmp_path: Path):
    file = write_png(tmp_path / "a.png", 1)
    before = stamp_of(file)
    assert before == stamp_of(file) != ""
    state = file.stat()
    write_png(file, 2)
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert stamp_of(file) != before
    assert stamp_of(tmp_path / "none.png") == ""


def test_three_equal_channels_are_kept_as_one(tmp_path: Path):
    grey = np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8)
    coloured = np.stack([grey] * 3, axis=2)
    tinted = coloured.copy()
    tinted[7, 7, 2] ^= 1
    for name, pixels in {"grey": grey, "coloured": coloured, "tinted": tinted}.items():
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    found = {n: decode(Place(tmp_path, f"{n}.png"), SETTINGS) for n in ("grey", "coloured")}
    for one in found.values():
        np.testing.assert_array_equal(one.pixels, grey)
        assert one.pixels.flags["C_CONTIGUOUS"]
    assert found["grey"].decoded == found["coloured"].decoded
    np.testing.assert_array_equal(decode(Place(tmp_path, "tinted.png"), SETTINGS).pixels, tinted)
